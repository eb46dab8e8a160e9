/* Whole answers and errors. Servers of this format agree on answers, and have a dozen shapes of
 * errors; some come with status 200. */
#include "base/text.h"
#include "dialect/openai_chat/parts.h"

/* A string's text, or a number as it was written. */
static hg_str word_of(struct arena *arena, hg_json value)
{
    if (value.kind == HG_J_NUM)
        return json_raw(value);
    return json_str(arena, value);
}

static hg_str first_word(struct arena *arena, hg_json from, const char *const *places)
{
    hg_str word = {NULL, 0};

    for (; *places && !word.n; places++)
        word = word_of(arena, json_get(from, *places));
    return word;
}

static bool is_something(hg_json value)
{
    if (value.kind == HG_J_STR)
        return json_raw_str(value).n > 0;
    if (value.kind == HG_J_OBJ || value.kind == HG_J_ARR)
        return json_next(value, &(hg_json_it){{0, 0}}, NULL, NULL);
    return value.kind == HG_J_TRUE || value.kind == HG_J_NUM;
}

static bool has_items(hg_json value)
{
    return value.kind == HG_J_ARR && json_next(value, &(hg_json_it){{0, 0}}, NULL, NULL);
}

static void words_read(struct arena *arena, hg_json error, hg_str *ret_type, hg_str *ret_message)
{
    static const char *const messages[] = {
        "/message", "/msg",       "/detail", "/error_description",
        "/Message", "/error_msg", "/reason", NULL};
    static const char *const types[] = {"/type",   "/code", "/error_type", "/error_code",
                                        "/status", "/Code", NULL};

    *ret_message = first_word(arena, error, messages);
    *ret_type = first_word(arena, error, types);
}

/* {"error":{...}} or {"error":"text","code":"..."} */
static void member_read(struct arena *arena, hg_json doc, hg_json error, hg_str *ret_type,
                        hg_str *ret_message)
{
    words_read(arena, error, ret_type, ret_message);
    if (error.kind == HG_J_STR) {
        hg_str ignored;

        words_read(arena, doc, ret_type, &ignored);
        *ret_message = json_str(arena, error);
    }
}

/* Shapes without an `error` member, which are errors only if there is no answer beside. */
static bool flat_read(struct arena *arena, hg_json doc, hg_str *ret_type, hg_str *ret_message)
{
    static const char *const places[] = {
        "/detail",  "/detail/0/msg",      "/errors/0/message", "/errors/0", "/message",
        "/Message", "/fault/faultstring", "/error_msg",        "/msg",      NULL};
    hg_str ignored;

    if (has_items(json_member(doc, HG_S("choices"))) || has_items(json_member(doc, HG_S("data"))))
        return false;
    *ret_message = first_word(arena, doc, places);
    if (!ret_message->n)
        return false;
    words_read(arena, doc, ret_type, &ignored);
    return true;
}

static bool choice_failed(struct arena *arena, hg_json doc, hg_str *ret_type, hg_str *ret_message)
{
    hg_json choice = json_get(doc, "/choices/0");
    hg_json error = json_member(choice, HG_S("error"));
    hg_json reason = json_member(choice, HG_S("finish_reason"));

    if (is_something(error)) {
        member_read(arena, choice, error, ret_type, ret_message);
        return true;
    }
    if (!openai_finish_is_failure(reason))
        return false;
    *ret_type = json_str(arena, reason);
    *ret_message = HG_S("the provider ended the answer with an error");
    return true;
}

bool openai_error_read(struct arena *arena, hg_json doc, hg_str *ret_type, hg_str *ret_message)
{
    hg_json error = json_member(doc, HG_S("error"));
    int64_t status = json_i64(json_get(doc, "/base_resp/status_code"), 0);

    if (doc.kind == HG_J_ARR)
        return openai_error_read(arena, json_element(doc, 0), ret_type, ret_message);
    if (is_something(error)) {
        member_read(arena, doc, error, ret_type, ret_message);
        return true;
    }
    if (status != 0) {
        *ret_type = json_raw(json_get(doc, "/base_resp/status_code"));
        *ret_message = json_str(arena, json_get(doc, "/base_resp/status_msg"));
        return true;
    }
    if (is_something(json_get(doc, "/x_groq/error"))) {
        member_read(arena, doc, json_get(doc, "/x_groq/error"), ret_type, ret_message);
        return true;
    }
    if (is_something(json_get(doc, "/Response/Error"))) { /* Tencent's own */
        member_read(arena, doc, json_get(doc, "/Response/Error"), ret_type, ret_message);
        return true;
    }
    return choice_failed(arena, doc, ret_type, ret_message) ||
           flat_read(arena, doc, ret_type, ret_message);
}

/* An answer that was filtered may have a finish reason and no message. */
static bool is_choice(uint32_t kind, hg_json choice)
{
    if (kind == HG_R_COMPLETE)
        return choice.kind == HG_J_OBJ;
    return json_member(choice, HG_S("message")).kind == HG_J_OBJ ||
           json_member(choice, HG_S("delta")).kind == HG_J_OBJ ||
           openai_finish_read(json_member(choice, HG_S("finish_reason")));
}

static bool is_answer(uint32_t kind, hg_json doc)
{
    if (doc.kind != HG_J_OBJ)
        return false;
    switch (kind) {
    case HG_R_CHAT:
    case HG_R_COMPLETE:
        return is_choice(kind, json_get(doc, "/choices/0"));
    case HG_R_EMBED:
    case HG_R_MODELS:
        return json_member(doc, HG_S("data")).kind == HG_J_ARR;
    default:
        return true;
    }
}

/* Of the first choice, and failing that of any: an answer is finished if one of them is. */
static uint32_t answer_finish(hg_json doc)
{
    hg_json choices = json_member(doc, HG_S("choices"));
    hg_json_it it = {{0, 0}};
    uint32_t finish = 0;
    hg_json choice;

    while (!finish && choices.kind == HG_J_ARR && json_next(choices, &it, NULL, &choice)) {
        hg_json reason = json_member(choice, HG_S("finish_reason"));

        /* Some say nothing at the end of a good answer. */
        finish = reason.kind == HG_J_STR && !json_raw_str(reason).n ? HG_FIN_STOP
                                                                    : openai_finish_read(reason);
    }
    return finish;
}

/* What nearly all answers are: one finished choice, and nothing that could be an error. Read in one
 * walk; false if it is anything else. */
static bool plain_read(struct arena *arena, hg_json doc, struct dialect_answer *ret)
{
    hg_json choices = {0}, choice, usage = {0}, message = {0}, reason = {0}, value;
    hg_json_it it = {{0, 0}}, inner = {{0, 0}};
    hg_str key;

    while (doc.kind == HG_J_OBJ && json_next(doc, &it, &key, &value)) {
        if (text_is(key, HG_S("choices")))
            choices = value;
        else if (text_is(key, HG_S("usage")))
            usage = value;
        else if (text_is(key, HG_S("model")))
            ret->model = json_str(arena, value);
        else if (text_is(key, HG_S("id")))
            ret->id = json_str(arena, value);
        else if (text_is(key, HG_S("error")) || text_is(key, HG_S("base_resp")) ||
                 text_is(key, HG_S("x_groq")))
            return false;
    }
    it = (hg_json_it){{0, 0}};
    if (choices.kind != HG_J_ARR || !json_next(choices, &it, NULL, &choice) ||
        choice.kind != HG_J_OBJ)
        return false;
    while (json_next(choice, &inner, &key, &value)) {
        if (text_is(key, HG_S("message")))
            message = value;
        else if (text_is(key, HG_S("finish_reason")))
            reason = value;
        else if (text_is(key, HG_S("error")) || text_is(key, HG_S("usage")))
            return false;
    }
    json_pass(&it, &inner);
    if (json_next(choices, &it, NULL, NULL))
        return false;
    ret->finish = openai_finish_read(reason);
    if (message.kind != HG_J_OBJ || !ret->finish || openai_finish_is_failure(reason))
        return false;
    ret->is_valid = true;
    ret->has_usage = openai_usage_read(usage, &ret->usage);
    return true;
}

void openai_read_answer(struct arena *arena, uint32_t kind, hg_json doc, struct dialect_answer *ret)
{
    *ret = (struct dialect_answer){0};
    if (kind == HG_R_CHAT && plain_read(arena, doc, ret))
        return;
    *ret = (struct dialect_answer){0};
    ret->is_error = openai_error_read(arena, doc, &ret->error_type, &ret->error_message);
    ret->is_valid = !ret->is_error && is_answer(kind, doc);
    ret->model = json_str(arena, json_member(doc, HG_S("model")));
    ret->id = json_str(arena, json_member(doc, HG_S("id")));
    ret->finish = answer_finish(doc);
    ret->has_usage = openai_usage_read(openai_usage_find(doc), &ret->usage);
    if (kind == HG_R_IMAGE && ret->is_valid) {
        ret->usage.size = sizeof ret->usage;
        ret->usage.flags |= HG_U_IMAGES;
        ret->usage.images = json_count(json_member(doc, HG_S("data")));
        ret->has_usage = true;
    }
}
