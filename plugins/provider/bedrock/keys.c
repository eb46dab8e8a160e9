#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "common/words.h"

/* ---- keys --------------------------------------------------------------------------------- */

void keys_wipe(struct keys *keys)
{
    text_wipe(&keys->id);
    text_wipe(&keys->secret);
    text_wipe(&keys->token);
    keys->ends = 0;
}

static char *copy_of(hg_str text)
{
    return text.n ? strndup(text.p, text.n) : NULL;
}

bool field_is_sane(hg_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || (unsigned char)text.p[i] >= 0x7f)
            return false;
    return true;
}

bool keys_set(struct keys *keys, hg_str id, hg_str secret, hg_str token, int64_t ends)
{
    if (!id.n || !secret.n || !field_is_sane(id) || !field_is_sane(secret) || !field_is_sane(token))
        return false;
    keys_wipe(keys);
    *keys = (struct keys){copy_of(id), copy_of(secret), copy_of(token), ends};
    return keys->id && keys->secret;
}

struct sign_key keys_key(const struct keys *keys)
{
    return (struct sign_key){word_of(keys->id), word_of(keys->secret), word_of(keys->token)};
}

/* ---- answers ------------------------------------------------------------------------------ */

static int64_t moment_of(hg_str text)
{
    struct tm tm = {0};
    char copy[32];

    if (!text.n || text.n >= sizeof copy)
        return 0;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    return strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) : 0;
}

bool answer_is_good(const hg_http_resp *resp)
{
    return resp->rc == HG_OK && resp->status == 200;
}

bool keys_from_json(struct keys *keys, const hg_host *host, hg_op op, const hg_http_resp *resp)
{
    const hg_json_api *json = host->json;
    hg_str body = host->body->flat(op, resp->body);
    hg_json doc;

    if (!answer_is_good(resp) || json->parse(op, body, &doc) != HG_OK)
        return false;
    return keys_set(keys, json->str(op, json->get(doc, "/AccessKeyId")),
                    json->str(op, json->get(doc, "/SecretAccessKey")),
                    json->str(op, json->get(doc, "/Token")),
                    moment_of(json->str(op, json->get(doc, "/Expiration"))));
}

/* <name>text</name>; there are no entities in what is asked for here. */
static hg_str xml_text(hg_str body, const char *name)
{
    char open[40];
    size_t n = (size_t)snprintf(open, sizeof open, "<%s>", name);
    const char *at = body.n ? memmem(body.p, body.n, open, n) : NULL, *end;

    if (!at)
        return (hg_str){NULL, 0};
    at += n;
    end = memchr(at, '<', (size_t)(body.p + body.n - at));
    return (hg_str){at, end ? (size_t)(end - at) : 0};
}

bool keys_from_xml(struct keys *keys, const hg_host *host, hg_op op, const hg_http_resp *resp)
{
    hg_str body = host->body->flat(op, resp->body);

    return answer_is_good(resp) &&
           keys_set(keys, xml_text(body, "AccessKeyId"), xml_text(body, "SecretAccessKey"),
                    xml_text(body, "SessionToken"), moment_of(xml_text(body, "Expiration")));
}
