#include "request.h"

#include <string.h>

#include "common/words.h"

struct writing {
    const hg_host *host;
    hg_op op;
    hg_json doc;
    hg_out *out;
};

static hg_json get(const struct writing *w, hg_json from, const char *place)
{
    return w->host->json->get(from, place);
}

static hg_str str(const struct writing *w, hg_json value)
{
    return w->host->json->str(w->op, value);
}

static void raw_put(struct writing *w, const char *key, hg_json value)
{
    if (value.kind <= HG_J_NULL)
        return;
    w->host->json->key(w->out, key);
    w->host->json->put_raw(w->out, w->host->json->raw(value));
}

/* ---- content ------------------------------------------------------------------------------ */

/* The texts of a list of parts, a line between each. */
static hg_str texts_joined(const struct writing *w, hg_json parts)
{
    hg_str raw = w->host->json->raw(parts), text;
    char *room = w->host->alloc(w->op, raw.n + 1), *at = room;
    hg_json_it it = {0};
    hg_json part;

    while (room && w->host->json->next(parts, &it, NULL, &part)) {
        text = str(w, part.kind == HG_J_STR ? part : get(w, part, "/text"));
        if (!text.n)
            continue;
        if (at > room)
            *at++ = '\n';
        at = word_put(at, text);
    }
    return (hg_str){room, room ? (size_t)(at - room) : 0};
}

static hg_json image_of(const struct writing *w, hg_json part)
{
    hg_json image = get(w, part, "/image_url");

    return image.kind == HG_J_OBJ ? get(w, image, "/url") : image;
}

static hg_rc images_put(struct writing *w, hg_json parts)
{
    hg_json_it it = {0};
    bool any = false;
    hg_json part;

    while (w->host->json->next(parts, &it, NULL, &part)) {
        hg_str url = str(w, image_of(w, part));
        const char *comma = url.n ? memchr(url.p, ',', url.n) : NULL;

        if (!url.n && (word_is(str(w, get(w, part, "/type")), "text") || part.kind == HG_J_STR))
            continue;
        if (!comma || !word_starts(url, HG_S("data:")))
            return w->host->fail(
                w->op, HG_E_INPUT,
                "Ollama takes texts, and images as data: URLs; it fetches nothing");
        if (!any) {
            w->host->json->key(w->out, "images");
            w->host->json->arr(w->out);
        }
        any = true;
        w->host->json->put_str(w->out, (hg_str){comma + 1, (size_t)(url.p + url.n - comma) - 1});
    }
    if (any)
        w->host->json->end(w->out);
    return HG_OK;
}

static hg_rc content_put(struct writing *w, hg_json content)
{
    const hg_json_api *json = w->host->json;

    json->key(w->out, "content");
    if (content.kind != HG_J_ARR) {
        json->put_str(w->out, str(w, content));
        return HG_OK;
    }
    json->put_str(w->out, texts_joined(w, content));
    return images_put(w, content);
}

/* ---- calls -------------------------------------------------------------------------------- */

/* An object, whatever a model has once written. */
static void args_put(struct writing *w, hg_json args)
{
    const hg_json_api *json = w->host->json;
    hg_str text = str(w, args);
    hg_json object = args;

    json->key(w->out, "arguments");
    if (args.kind == HG_J_STR && (!text.n || json->parse(w->op, text, &object) != HG_OK))
        object = (hg_json){0};
    if (object.kind == HG_J_OBJ) {
        json->put_raw(w->out, json->raw(object));
        return;
    }
    json->obj(w->out);
    if (text.n) {
        json->key(w->out, "input");
        json->put_str(w->out, text);
    }
    json->end(w->out);
}

static void calls_put(struct writing *w, hg_json calls)
{
    const hg_json_api *json = w->host->json;
    hg_json_it it = {0};
    hg_json call;

    if (calls.kind != HG_J_ARR)
        return;
    json->key(w->out, "tool_calls");
    json->arr(w->out);
    while (json->next(calls, &it, NULL, &call)) {
        json->obj(w->out);
        raw_put(w, "id", get(w, call, "/id"));
        json->key(w->out, "function");
        json->obj(w->out);
        raw_put(w, "name", get(w, call, "/function/name"));
        args_put(w, get(w, call, "/function/arguments"));
        json->end(w->out);
        json->end(w->out);
    }
    json->end(w->out);
}

/* The name of the call that a result belongs to; the last of its id. */
static hg_json name_of_call(const struct writing *w, hg_str id)
{
    hg_json messages = get(w, w->doc, "/messages"), message, call, found = {0};
    hg_json_it it = {0};

    while (w->host->json->next(messages, &it, NULL, &message)) {
        hg_json calls = get(w, message, "/tool_calls");
        hg_json_it inner = {0};

        while (calls.kind == HG_J_ARR && w->host->json->next(calls, &inner, NULL, &call)) {
            hg_str one = str(w, get(w, call, "/id"));

            if (one.n == id.n && id.n && memcmp(one.p, id.p, id.n) == 0)
                found = get(w, call, "/function/name");
        }
    }
    return found;
}

/* ---- messages ----------------------------------------------------------------------------- */

static hg_rc message_put(struct writing *w, hg_json message)
{
    hg_str role = str(w, get(w, message, "/role"));
    hg_json thinking = get(w, message, "/reasoning_content");
    hg_rc rc;

    if (thinking.kind != HG_J_STR)
        thinking = get(w, message, "/reasoning");
    w->host->json->obj(w->out);
    w->host->json->key(w->out, "role");
    w->host->json->put_str(w->out, word_is(role, "developer")  ? HG_S("system")
                                   : word_is(role, "function") ? HG_S("tool")
                                                               : role);
    rc = content_put(w, get(w, message, "/content"));
    if (thinking.kind == HG_J_STR)
        raw_put(w, "thinking", thinking);
    calls_put(w, get(w, message, "/tool_calls"));
    if (word_is(role, "tool")) {
        hg_json id = get(w, message, "/tool_call_id");

        raw_put(w, "tool_call_id", id);
        raw_put(w, "tool_name", name_of_call(w, str(w, id)));
    }
    w->host->json->end(w->out);
    return rc;
}

static hg_rc messages_put(struct writing *w)
{
    hg_json messages = get(w, w->doc, "/messages"), message;
    hg_json_it it = {0};
    hg_rc rc = HG_OK;

    if (messages.kind != HG_J_ARR)
        return w->host->fail(w->op, HG_E_INPUT, "messages: must be a list");
    w->host->json->key(w->out, "messages");
    w->host->json->arr(w->out);
    while (rc == HG_OK && w->host->json->next(messages, &it, NULL, &message))
        rc = message_put(w, message);
    w->host->json->end(w->out);
    return rc;
}

/* ---- options ------------------------------------------------------------------------------ */

static const struct {
    const char *place, *name;
} options[] = {{"/temperature", "temperature"},
               {"/top_p", "top_p"},
               {"/top_k", "top_k"},
               {"/min_p", "min_p"},
               {"/seed", "seed"},
               {"/presence_penalty", "presence_penalty"},
               {"/frequency_penalty", "frequency_penalty"},
               {"/repeat_penalty", "repeat_penalty"}};

/* What a client that knows Ollama says in `options` counts. */
static bool is_said(const struct writing *w, const char *name)
{
    return get(w, w->doc, w->host->fmt(w->op, "/options/%s", name).p).kind > HG_J_NULL;
}

static void option_put(struct writing *w, const char *name, hg_json value)
{
    if (!is_said(w, name))
        raw_put(w, name, value);
}

static void stop_put(struct writing *w)
{
    hg_json stop = get(w, w->doc, "/stop");

    if (stop.kind != HG_J_STR || is_said(w, "stop")) {
        option_put(w, "stop", stop);
        return;
    }
    w->host->json->key(w->out, "stop");
    w->host->json->arr(w->out);
    w->host->json->put_raw(w->out, w->host->json->raw(stop));
    w->host->json->end(w->out);
}

static void context_put(struct writing *w, int64_t dflt)
{
    hg_json said = get(w, w->doc, "/num_ctx");

    if (is_said(w, "num_ctx"))
        return;
    if (said.kind == HG_J_NUM) {
        raw_put(w, "num_ctx", said);
    } else if (dflt > 0) {
        w->host->json->key(w->out, "num_ctx");
        w->host->json->put_i64(w->out, dflt);
    }
}

static void options_put(struct writing *w, const struct request_dflt *dflt)
{
    hg_json limit = get(w, w->doc, "/max_completion_tokens");
    hg_json own = get(w, w->doc, "/options"), value;
    hg_json_it it = {0};
    hg_str key;

    if (limit.kind != HG_J_NUM)
        limit = get(w, w->doc, "/max_tokens");
    w->host->json->key(w->out, "options");
    w->host->json->obj(w->out);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        option_put(w, options[i].name, get(w, w->doc, options[i].place));
    option_put(w, "num_predict", limit);
    stop_put(w);
    context_put(w, dflt->num_ctx);
    while (own.kind == HG_J_OBJ && w->host->json->next(own, &it, &key, &value))
        raw_put(w, w->host->fmt(w->op, "%.*s", (int)key.n, key.p).p, value);
    w->host->json->end(w->out);
}

/* ---- the other members -------------------------------------------------------------------- */

/* Only gpt-oss thinks more or less; the others do it or not. */
static void think_put(struct writing *w, hg_str model)
{
    hg_json said = get(w, w->doc, "/think");
    hg_str effort = str(w, get(w, w->doc, "/reasoning_effort"));
    bool has_levels = memmem(model.p, model.n, "gpt-oss", 7) != NULL;

    if (!effort.n)
        effort = str(w, get(w, w->doc, "/reasoning/effort"));
    if (said.kind > HG_J_NULL || !effort.n) {
        raw_put(w, "think", said);
        return;
    }
    w->host->json->key(w->out, "think");
    if (word_is(effort, "none") || !has_levels)
        w->host->json->put_bool(w->out, !word_is(effort, "none"));
    else
        w->host->json->put_str(w->out, word_is(effort, "minimal") ? HG_S("low")
                                       : word_is(effort, "xhigh") ? HG_S("high")
                                                                  : effort);
}

static void format_put(struct writing *w)
{
    hg_json format = get(w, w->doc, "/response_format");
    hg_json schema = get(w, format, "/json_schema/schema");

    if (get(w, w->doc, "/format").kind > HG_J_NULL) {
        raw_put(w, "format", get(w, w->doc, "/format"));
    } else if (schema.kind == HG_J_OBJ) {
        raw_put(w, "format", schema);
    } else if (word_is(str(w, get(w, format, "/type")), "json_object")) {
        w->host->json->key(w->out, "format");
        w->host->json->put_str(w->out, HG_S("json"));
    }
}

static void keep_put(struct writing *w, hg_str dflt)
{
    hg_json said = get(w, w->doc, "/keep_alive");

    if (said.kind > HG_J_NULL || !dflt.n) {
        raw_put(w, "keep_alive", said);
        return;
    }
    w->host->json->key(w->out, "keep_alive");
    w->host->json->put_raw(w->out, dflt);
}

hg_rc request_write(const hg_host *host, hg_op op, hg_json doc, hg_str model, bool is_stream,
                    const struct request_dflt *dflt, hg_out *out)
{
    struct writing w = {host, op, doc, out};
    hg_rc rc;

    if (host->json->i64(get(&w, doc, "/n"), 1) > 1)
        return host->fail(op, HG_E_INPUT, "Ollama gives one choice: n must be 1");
    host->json->obj(out);
    host->json->key(out, "model");
    host->json->put_str(out, model);
    rc = messages_put(&w);
    if (rc != HG_OK)
        return rc;
    if (!word_is(str(&w, get(&w, doc, "/tool_choice")), "none"))
        raw_put(&w, "tools", get(&w, doc, "/tools"));
    format_put(&w);
    think_put(&w, model);
    keep_put(&w, dflt->keep_alive);
    options_put(&w, dflt);
    host->json->key(out, "stream"); /* without it the answer would be one */
    host->json->put_bool(out, is_stream);
    host->json->end(out);
    return HG_OK;
}
