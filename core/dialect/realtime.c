#include "dialect/realtime.h"

#include "base/text.h"
#include "json/index.h"

/* ---- the request -------------------------------------------------------------------------------
 */

bool realtime_is_path(hg_str plain)
{
    static const hg_str paths[] = {
        {"/v1/realtime", 12}, {"/openai/v1/realtime", 19}, {"/openai/realtime", 16}};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (text_is(plain, paths[i]))
            return true;
    return false;
}

/* As forms write it: %2F is a slash and + a space. */
static hg_str decoded(struct arena *arena, hg_str value)
{
    char *text = arena_alloc(arena, value.n + 1), *at = text;

    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i] == '+' ? ' ' : value.p[i];

        if (text_percent_at(value, i, &c))
            i += 2;
        *at++ = c;
    }
    return (hg_str){text, (size_t)(at - text)};
}

static hg_str query_value(struct arena *arena, hg_str query, hg_str name)
{
    hg_str value;

    while (query.n) {
        hg_str pair = text_cut(query, '&', &query);

        if (text_is(text_cut(pair, '=', &value), name) && value.n)
            return decoded(arena, value);
    }
    return HG_S("");
}

hg_str realtime_model(struct arena *arena, hg_str query)
{
    hg_str model = query_value(arena, query, HG_S("model"));

    return model.n ? model : query_value(arena, query, HG_S("deployment"));
}

/* ---- the credential ----------------------------------------------------------------------------
 */

static hg_str query_without(struct arena *arena, hg_str query, hg_str name)
{
    char *text = arena_alloc(arena, query.n + 1), *at = text;
    hg_str value;

    while (query.n) {
        hg_str pair = text_cut(query, '&', &query);

        if (text_is(text_cut(pair, '=', &value), name))
            continue;
        if (at > text)
            *at++ = '&';
        at = put_text(at, pair);
    }
    return (hg_str){text, (size_t)(at - text)};
}

/* The list without the key that a browser has put there; *ret_key is that. */
static hg_str protocols_without(struct arena *arena, hg_str list, hg_str *ret_key)
{
    static const hg_str mark = {"openai-insecure-api-key.", 24};
    char *text = arena_alloc(arena, 2 * list.n + 1), *at = text;

    while (list.n) {
        hg_str word = text_trim(text_cut(list, ',', &list));

        if (text_starts(word, mark)) {
            *ret_key = (hg_str){word.p + mark.n, word.n - mark.n};
            continue;
        }
        if (at > text)
            at = put_text(at, HG_S(", "));
        at = put_text(at, word);
    }
    return (hg_str){text, (size_t)(at - text)};
}

static void field_add(struct arena *arena, struct head *head, struct field field)
{
    struct field *fields = arena_alloc(arena, (head->field_count + 1) * sizeof *fields);

    memcpy(fields, head->fields, head->field_count * sizeof *fields);
    fields[head->field_count++] = field;
    head->fields = fields;
}

void realtime_credential(struct arena *arena, struct head *head)
{
    hg_str in_query = query_value(arena, head->query, HG_S("api-key")), key = {0};

    for (unsigned i = 0; i < head->field_count; i++)
        if (text_is(head->fields[i].name, HG_S("sec-websocket-protocol")))
            head->fields[i].value = protocols_without(arena, head->fields[i].value, &key);
    if (in_query.n) {
        head->query = query_without(arena, head->query, HG_S("api-key"));
        head->target = head->path;
    }
    if (!key.n)
        key = in_query;
    if (!key.n || text_has_control(key) || head_field(head, HG_S("authorization")).n)
        return;
    field_add(arena, head,
              (struct field){.name = HG_S("authorization"),
                             .value = arena_fmt(arena, "Bearer %.*s", TEXT_ARG(key)),
                             .id = FIELD_AUTHORIZATION});
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static bool type_tells(hg_str type)
{
    return text_is(type, HG_S("response.done")) || text_is(type, HG_S("session.created"));
}

static hg_str spaces_skip(hg_str text)
{
    while (text.n && (*text.p == ' ' || *text.p == '\n' || *text.p == '\r' || *text.p == '\t')) {
        text.p++;
        text.n--;
    }
    return text;
}

/* Takes a word off the front, and the spaces behind it. */
static bool word_skip(hg_str *text, hg_str word)
{
    if (!text_starts(*text, word))
        return false;
    *text = spaces_skip((hg_str){text->p + word.n, text->n - word.n});
    return true;
}

bool realtime_may_tell(hg_str start)
{
    hg_str text = spaces_skip(start), type;

    if (!word_skip(&text, HG_S("{")) || !word_skip(&text, HG_S("\"type\"")) ||
        !word_skip(&text, HG_S(":")) || !text.n || *text.p != '"')
        return true; /* it may say so further on */
    text = (hg_str){text.p + 1, text.n - 1};
    if (!memchr(text.p, '"', text.n))
        return true;
    type = text_cut(text, '"', &text);
    return type_tells(type);
}

static void count(hg_json object, const char *place, uint32_t flag, hg_usage *usage,
                  uint64_t *ret_count)
{
    int64_t value = json_i64(json_get(object, place), -1);

    /* More than 2^32 no response has; sums of such stay far from overflow. */
    if (value < 0 || value >> 32)
        return;
    *ret_count = (uint64_t)value;
    usage->flags |= flag;
}

static void usage_read(hg_json object, struct realtime_event *ret)
{
    hg_usage *usage = &ret->usage;

    if (object.kind != HG_J_OBJ)
        return;
    usage->size = sizeof *usage;
    count(object, "/input_tokens", HG_U_INPUT, usage, &usage->input);
    count(object, "/output_tokens", HG_U_OUTPUT, usage, &usage->output);
    count(object, "/input_token_details/cached_tokens", HG_U_CACHED, usage, &usage->cached_input);
    count(object, "/input_token_details/audio_tokens", HG_U_AUDIO_IN, usage, &usage->audio_in);
    count(object, "/output_token_details/audio_tokens", HG_U_AUDIO_OUT, usage, &usage->audio_out);
    ret->has_usage = usage->flags & (HG_U_INPUT | HG_U_OUTPUT);
}

void realtime_event_read(struct arena *arena, hg_str message, struct realtime_event *ret)
{
    hg_json doc, response, session;

    *ret = (struct realtime_event){.has_usage = false};
    if (!json_parse(arena, message, &doc, NULL) || doc.kind != HG_J_OBJ ||
        !type_tells(json_str(arena, json_member(doc, HG_S("type")))))
        return;
    response = json_member(doc, HG_S("response"));
    session = json_member(doc, HG_S("session"));
    ret->id = json_str(arena, json_member(response, HG_S("id")));
    ret->model = json_str(arena, json_member(session, HG_S("model")));
    usage_read(json_member(response, HG_S("usage")), ret);
}
