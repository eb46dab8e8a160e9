#include "fields.h"

#include <stdlib.h>
#include <string.h>

#include "words.h"

static bool name_is_sane(hg_str name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) &&
            !(c && strchr(others, c)))
            return false;
    }
    return name.n > 0;
}

bool fields_value_is_sane(hg_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool fields_has(const struct fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (word_is_alike(fields->fixed[i].name, name))
            return true;
    }
    return false;
}

void fields_add(struct fields *fields, hg_str name, hg_str value)
{
    fields->fixed[fields->count++] = (hg_header){name, value};
}

/* Fields that belong to the framing of a message, and the key's own. */
static const char *const ours[] = {"authorization",     "host",       "content-length",
                                   "transfer-encoding", "connection", NULL};

/* ---- the key ------------------------------------------------------------------------------ */

hg_rc fields_add_key(struct fields *fields, const hg_host *host, hg_op op, hg_str form, hg_str key)
{
    const char *colon = form.n ? memchr(form.p, ':', form.n) : NULL;
    hg_str name = {form.p, colon ? (size_t)(colon - form.p) : form.n}, prefix = {NULL, 0};

    if (colon) {
        prefix = (hg_str){colon + 1, form.n - name.n - 1};
        while (prefix.n && *prefix.p == ' ') {
            prefix.p++;
            prefix.n--;
        }
    }
    for (const char *const *word = ours + 1; *word; word++) {
        if (word_is_alike(name, *word))
            return host->fail(op, HG_E_CONFIG, "auth: %s carries no key", *word);
    }
    if (!name_is_sane(name) || !fields_value_is_sane(prefix))
        return host->fail(op, HG_E_CONFIG,
                          "auth: a header and what stands before the key, like "
                          "\"authorization: Bearer\" or \"x-api-key\"");
    if (!fields_value_is_sane(key))
        return host->fail(op, HG_E_CONFIG, "api_key: holds characters that no key has");
    if (!key.n || word_is(form, "none"))
        return HG_OK;
    char *value = fields->secret = malloc(prefix.n + 1 + key.n), *at = value;

    if (!value)
        return host->fail(op, HG_E_NOMEM, "no memory");
    at = word_put(at, prefix);
    if (prefix.n)
        *at++ = ' ';
    at = word_put(at, key);
    fields->secret_n = (size_t)(at - value);
    fields->key = name;
    fields_add(fields, name, (hg_str){value, fields->secret_n});
    return HG_OK;
}

void fields_done(struct fields *fields)
{
    if (fields->secret)
        explicit_bzero(fields->secret, fields->secret_n);
    free(fields->secret);
}

/* ---- the operator's and the clients' ------------------------------------------------------ */

/* The client's own headers are passed on only where the operator has not set them. */
static void forwarded_add(struct fields *fields, const char *words)
{
    while (words && *words) {
        size_t n = strcspn(words, " ");
        char *name = fields->forwarded[fields->forwarded_count];

        if (n && n < FIELDS_NAME && fields->forwarded_count < FIELDS_FORWARDED) {
            memcpy(name, words, n);
            name[n] = '\0';
            fields->forwarded_count += !fields_has(fields, name);
        }
        words += n + (words[n] == ' ');
    }
}

static hg_rc header_add(struct fields *fields, const hg_host *host, hg_op op, hg_str name,
                        hg_str value)
{
    for (const char *const *word = ours; *word; word++) {
        if (word_is_alike(name, *word))
            return host->fail(op, HG_E_CONFIG, "headers: %s is not yours to set%s", *word,
                              word == ours ? "; use api_key" : "");
    }
    if (fields->key.n == name.n && strncasecmp(fields->key.p, name.p, name.n) == 0)
        return host->fail(op, HG_E_CONFIG, "headers: %.*s is not yours to set; use api_key",
                          (int)name.n, name.p);
    for (size_t i = 0; i < fields->count; i++) {
        hg_header *field = &fields->fixed[i];

        if (field->name.n == name.n && strncasecmp(field->name.p, name.p, name.n) == 0) {
            field->value = value;
            return HG_OK;
        }
    }
    if (fields->count >= FIELDS_MAX - 1)
        return host->fail(op, HG_E_CONFIG, "headers: at most %d", FIELDS_MAX - 5);
    fields_add(fields, name, value);
    return HG_OK;
}

hg_rc fields_complete(struct fields *fields, const hg_host *host, hg_op op, hg_json settings,
                      const char *passes)
{
    hg_json all = host->json->get(settings, "/headers"), value;
    hg_json_it it = {0};
    hg_rc rc = HG_OK;
    hg_str name;

    while (rc == HG_OK && all.kind == HG_J_OBJ && host->json->next(all, &it, &name, &value)) {
        hg_str text = host->json->str(op, value);

        if (!name_is_sane(name) || value.kind != HG_J_STR || !fields_value_is_sane(text))
            return host->fail(op, HG_E_CONFIG, "headers: \"%.*s\" is not a header with a text",
                              (int)(name.n < 100 ? name.n : 100), name.p);
        rc = header_add(fields, host, op, name, text);
    }
    if (rc != HG_OK)
        return rc;
    if (!fields_has(fields, "user-agent"))
        fields_add(fields, HG_S("user-agent"), word_of(host->product));
    forwarded_add(fields, "content-type accept x-client-request-id");
    forwarded_add(fields, passes);
    return HG_OK;
}

bool fields_make(const struct fields *fields, const hg_host *host, hg_op op, const hg_req *req,
                 hg_header more, hg_http_req *out)
{
    size_t n = fields->count;
    hg_header *headers = host->alloc(op, (n + FIELDS_FORWARDED + 1) * sizeof *headers);

    if (!headers)
        return false;
    memcpy(headers, fields->fixed, n * sizeof *headers);
    for (size_t i = 0; i < fields->forwarded_count; i++) {
        hg_str value = host->req->header(req, fields->forwarded[i]);

        if (value.n)
            headers[n++] = (hg_header){word_of(fields->forwarded[i]), value};
    }
    if (more.name.n)
        headers[n++] = more;
    out->headers = headers;
    out->n_headers = n;
    return true;
}
