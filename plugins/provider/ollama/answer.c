#include "answer.h"

#include "common/words.h"

struct reading {
    const hg_host *host;
    hg_op op;
    hg_json doc;
};

static hg_json get(const struct reading *r, const char *place)
{
    return r->host->json->get(r->doc, place);
}

static hg_str str(const struct reading *r, hg_json value)
{
    return r->host->json->str(r->op, value);
}

static void give(const struct reading *r, hg_event event)
{
    event.size = sizeof event;
    r->host->emit(r->op, &event);
}

static void text_give(const struct reading *r, uint32_t type, hg_json value)
{
    hg_str text = str(r, value);

    if (text.n)
        give(r, (hg_event){.type = type, .text = text});
}

/* Ids are ours: they are needed on the way back, and Ollama often gives none. */
static hg_str id_of(const struct reading *r, const char *begin, uint32_t number)
{
    hg_req_info info = {.size = sizeof info};
    const hg_req *req = r->host->request(r->op);

    if (req)
        r->host->req->info(req, &info);
    return r->host->fmt(r->op, "%s%.*s-%u", begin, (int)info.id.n, info.id.n ? info.id.p : "",
                        (unsigned)number);
}

/* Calls come whole. */
static void calls_give(const struct reading *r, struct answer *answer)
{
    const hg_json_api *json = r->host->json;
    hg_json calls = get(r, "/message/tool_calls"), call;
    hg_json_it it = {0};

    while (calls.kind == HG_J_ARR && json->next(calls, &it, NULL, &call)) {
        hg_json args = json->get(call, "/function/arguments");
        hg_str id = str(r, json->get(call, "/id"));
        hg_str name = str(r, json->get(call, "/function/name"));

        if (!name.n)
            continue;
        if (!id.n)
            id = id_of(r, "call_", answer->calls);
        give(r,
             (hg_event){.type = HG_EV_TOOL_START, .index = answer->calls, .id = id, .name = name});
        give(r, (hg_event){.type = HG_EV_TOOL_ARGS,
                           .index = answer->calls,
                           .text = args.kind == HG_J_OBJ   ? json->raw(args)
                                   : args.kind == HG_J_STR ? str(r, args)
                                                           : HG_S("{}")});
        give(r, (hg_event){.type = HG_EV_TOOL_END, .index = answer->calls});
        answer->calls++;
    }
}

/* A prompt that was known already is not counted: then its length is not known. */
static void usage_give(const struct reading *r)
{
    const hg_json_api *json = r->host->json;
    int64_t input = json->i64(get(r, "/prompt_eval_count"), -1);
    int64_t output = json->i64(get(r, "/eval_count"), -1);
    hg_usage usage = {.size = sizeof usage};

    if (input >= 0) {
        usage.flags |= HG_U_INPUT;
        usage.input = (uint64_t)input;
    }
    if (output >= 0) {
        usage.flags |= HG_U_OUTPUT;
        usage.output = (uint64_t)output;
    }
    if (usage.flags)
        give(r, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
}

/* It says "stop" with calls too. */
static void finish_give(const struct reading *r, struct answer *answer)
{
    hg_str word = str(r, get(r, "/done_reason"));
    uint32_t finish = word_is(word, "length") ? HG_FIN_LENGTH
                      : answer->calls         ? HG_FIN_TOOLS
                                              : HG_FIN_STOP;

    answer->is_over = true;
    if (word_is(word, "load") || word_is(word, "unload")) {
        give(r, (hg_event){.type = HG_EV_ERROR,
                           .name = HG_S("invalid_request_error"),
                           .text = HG_S("the model was only loaded: there is nothing to answer")});
        return;
    }
    usage_give(r);
    give(r, (hg_event){.type = HG_EV_FINISH, .finish = finish, .name = word});
}

hg_rc answer_read(const hg_host *host, hg_op op, struct answer *answer, hg_str text)
{
    struct reading r = {host, op, {0}};
    hg_json error;

    if (answer->is_over || !text.n)
        return HG_OK;
    if (host->json->parse(op, text, &r.doc) != HG_OK)
        return host->fail(op, HG_E_UPSTREAM, "an answer that is not JSON");
    error = get(&r, "/error");
    if (error.kind > HG_J_NULL) {
        answer->is_over = true;
        give(&r,
             (hg_event){.type = HG_EV_ERROR, .name = HG_S("api_error"), .text = str(&r, error)});
        return HG_OK;
    }
    if (get(&r, "/message").kind != HG_J_OBJ && get(&r, "/done").kind != HG_J_TRUE)
        return host->fail(op, HG_E_UPSTREAM, "an answer without a message: is base_url right?");
    if (!answer->is_started)
        give(&r, (hg_event){.type = HG_EV_START,
                            .id = id_of(&r, "chatcmpl-", 0),
                            .name = str(&r, get(&r, "/model"))});
    answer->is_started = true;
    text_give(&r, HG_EV_REASONING, get(&r, "/message/thinking"));
    text_give(&r, HG_EV_TEXT, get(&r, "/message/content"));
    calls_give(&r, answer);
    if (get(&r, "/done").kind == HG_J_TRUE)
        finish_give(&r, answer);
    return HG_OK;
}

hg_rc answer_read_vectors(const hg_host *host, hg_op op, hg_str text)
{
    struct reading r = {host, op, {0}};
    hg_usage usage = {.size = sizeof usage, .flags = HG_U_INPUT};
    hg_json data;

    if (host->json->parse(op, text, &r.doc) != HG_OK)
        return host->fail(op, HG_E_UPSTREAM, "an answer that is not JSON");
    data = get(&r, "/data");
    if (data.kind != HG_J_ARR)
        return host->fail(op, HG_E_UPSTREAM, "an answer without embeddings");
    give(&r, (hg_event){.type = HG_EV_START, .name = str(&r, get(&r, "/model"))});
    give(&r, (hg_event){.type = HG_EV_EXTRA, .name = HG_S("data"), .text = host->json->raw(data)});
    usage.input = (uint64_t)host->json->i64(get(&r, "/usage/prompt_tokens"), 0);
    give(&r, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
    give(&r, (hg_event){.type = HG_EV_FINISH, .finish = HG_FIN_STOP});
    return HG_OK;
}
