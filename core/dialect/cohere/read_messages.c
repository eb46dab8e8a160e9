/* The messages of a request into normal form, and the documents beside them. */
#include "base/text.h"
#include "dialect/cohere/read_chat.h"
#include "json/write.h"

/* ---- documents -------------------------------------------------------------------------------
 */

/* The text of a document: its own where it has nothing else but a title, or all of it as JSON. */
static struct chat_text document_text(hg_json data)
{
    hg_json text = json_member(data, HG_S("text")), title = json_member(data, HG_S("title"));

    if (data.kind == HG_J_STR)
        return chat_text_of(data);
    if (text.kind == HG_J_STR && json_count(data) == 1u + (title.kind == HG_J_STR))
        return chat_text_of(text);
    return chat_plain(json_raw(data));
}

static struct chat_part *document_read(struct reading *reading, hg_json document)
{
    hg_json data = document.kind == HG_J_OBJ ? json_member(document, HG_S("data")) : document;
    struct chat_part *part = arena_zalloc(reading->arena, sizeof *part);

    part->kind = CHAT_FILE;
    part->mime = HG_S("text/plain");
    part->text = document_text(data.kind ? data : document);
    part->name = chat_text_of(json_member(data, HG_S("title")));
    if (!chat_has(part->name))
        part->name = chat_text_of(json_member(document, HG_S("id")));
    return part;
}

static struct chat_message *last_user(struct chat *chat)
{
    struct chat_message *last = NULL;

    for (struct chat_message *message = chat->messages; message; message = message->next)
        if (message->role == HG_ROLE_USER)
            last = message;
    return last;
}

void cohere_documents_read(struct reading *reading, hg_json documents)
{
    struct chat_message *message;
    struct chat_part **at;
    hg_json_it it = {{0, 0}};
    hg_json document;

    if (documents.kind != HG_J_ARR || !json_count(documents))
        return;
    if (!(message = last_user(reading->chat)))
        message = chat_add_message(reading->arena, reading->chat, HG_ROLE_USER);
    at = &message->parts;
    while (json_next(documents, &it, NULL, &document)) {
        struct chat_part *part = document_read(reading, document);

        part->next = *at;
        *at = part;
        at = &part->next;
    }
    if (!*at)
        message->parts_end = at;
}

/* ---- parts -----------------------------------------------------------------------------------
 */

static void image_read(struct reading *reading, struct chat_part *part, hg_json value)
{
    hg_json image = json_member(value, HG_S("image_url"));
    hg_json url = image.kind == HG_J_STR ? image : json_member(image, HG_S("url"));

    part->detail = chat_word(reading->arena, json_member(image, HG_S("detail")));
    chat_set_url(reading->arena, part, chat_text_of(url));
}

static enum chat_part_kind kind_of_part(hg_json part)
{
    static const struct {
        const char *type;
        enum chat_part_kind kind;
    } kinds[] = {{"text", CHAT_TEXT},
                 {"thinking", CHAT_REASONING},
                 {"image_url", CHAT_IMAGE},
                 {"document", CHAT_TEXT}};
    hg_json type = json_member(part, HG_S("type"));

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_is(type, text_of(kinds[i].type)))
            return kinds[i].kind;
    return CHAT_RAW;
}

static bool part_read(struct reading *reading, struct chat_message *message, hg_json value,
                      const char *where, size_t number)
{
    struct chat_part *part = chat_add_part(reading->arena, message, kind_of_part(value));
    hg_json document = json_member(value, HG_S("document"));

    if (json_member(value, HG_S("type")).kind != HG_J_STR)
        return error_set(reading->error, "%s.content[%zu].type: must be a string", where, number);
    if (part->kind == CHAT_TEXT && document.kind)
        part->text = document_read(reading, document)->text;
    else if (part->kind == CHAT_TEXT)
        part->text = chat_text_of(json_member(value, HG_S("text")));
    else if (part->kind == CHAT_REASONING)
        part->text = chat_text_of(json_member(value, HG_S("thinking")));
    else if (part->kind == CHAT_IMAGE)
        image_read(reading, part, value);
    else
        part->raw = json_raw(value);
    return true;
}

static bool content_read(struct reading *reading, struct chat_message *message, hg_json content,
                         const char *where)
{
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json part;

    if (content.kind == HG_J_STR)
        chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(content);
    while (content.kind == HG_J_ARR && json_next(content, &it, NULL, &part)) {
        if (part.kind == HG_J_STR)
            chat_add_part(reading->arena, message, CHAT_TEXT)->text = chat_text_of(part);
        else if (!part_read(reading, message, part, where, number))
            return false;
        number++;
    }
    return true;
}

/* ---- messages --------------------------------------------------------------------------------
 */

static void citations_read(struct reading *reading, struct chat_message *message, hg_json citations)
{
    struct chain *list = chain_new(reading->arena);
    struct chat_part *part = message->parts;
    hg_json_it it = {{0, 0}};
    hg_json citation;
    size_t count = 0;

    while (part && part->kind != CHAT_TEXT)
        part = part->next;
    if (!part || citations.kind != HG_J_ARR)
        return;
    json_arr(list);
    while (json_next(citations, &it, NULL, &citation))
        count += cohere_citation_read(reading->arena, citation, list);
    json_end(list);
    if (count)
        part->citations = chain_flat(list, reading->arena);
}

static bool assistant_read(struct reading *reading, struct chat_message *message, hg_json value,
                           const char *where)
{
    hg_json calls = json_member(value, HG_S("tool_calls")), call;
    hg_json plan = json_member(value, HG_S("tool_plan"));
    hg_json_it it = {{0, 0}};

    if (!content_read(reading, message, json_member(value, HG_S("content")), where))
        return false;
    citations_read(reading, message, json_member(value, HG_S("citations")));
    if (json_raw_str(plan).n)
        chat_add_part(reading->arena, message, CHAT_REASONING)->text = chat_text_of(plan);
    while (calls.kind == HG_J_ARR && json_next(calls, &it, NULL, &call)) {
        struct chat_part *part = chat_add_part(reading->arena, message, CHAT_CALL);
        hg_json function = json_member(call, HG_S("function"));
        hg_json args = json_member(function, HG_S("arguments"));

        part->id = chat_text_of(json_member(call, HG_S("id")));
        part->tool = chat_text_of(json_member(function, HG_S("name")));
        part->args = args.kind == HG_J_OBJ ? chat_plain(json_raw(args)) : chat_text_of(args);
    }
    return true;
}

static bool result_read(struct reading *reading, struct chat_message *message, hg_json value,
                        const char *where)
{
    struct chat_part *part = chat_add_part(reading->arena, message, CHAT_RESULT);
    struct chat_message inside = {.parts_end = &part->parts};

    part->id = chat_text_of(json_member(value, HG_S("tool_call_id")));
    if (!part->id.s.n)
        return error_set(reading->error, "%s.tool_call_id: must name the call", where);
    return content_read(reading, &inside, json_member(value, HG_S("content")), where);
}

static uint32_t role_of(hg_json role)
{
    static const struct {
        const char *word;
        uint32_t role;
    } roles[] = {{"user", HG_ROLE_USER},
                 {"assistant", HG_ROLE_ASSISTANT},
                 {"system", HG_ROLE_SYSTEM},
                 {"developer", HG_ROLE_SYSTEM},
                 {"tool", HG_ROLE_TOOL}};

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (json_is(role, text_of(roles[i].word)))
            return roles[i].role;
    return 0;
}

static bool message_read(struct reading *reading, hg_json value, size_t number)
{
    uint32_t role = role_of(json_member(value, HG_S("role")));
    char where[40] = "messages[";
    char *at = put_u64(where + 9, number);
    struct chat_message *message;

    at[0] = ']';
    at[1] = 0;
    if (!role)
        return error_set(reading->error, "%s.role: must be one of system, user, assistant, tool",
                         where);
    message = chat_add_message(reading->arena, reading->chat, role);
    if (role == HG_ROLE_ASSISTANT)
        return assistant_read(reading, message, value, where);
    if (role == HG_ROLE_TOOL)
        return result_read(reading, message, value, where);
    return content_read(reading, message, json_member(value, HG_S("content")), where);
}

bool cohere_messages_read(struct reading *reading, hg_json messages)
{
    hg_json_it it = {{0, 0}};
    size_t number = 0;
    hg_json message;

    if (messages.kind != HG_J_ARR)
        return error_set(reading->error, "messages: must be a list");
    while (json_next(messages, &it, NULL, &message))
        if (!message_read(reading, message, number++))
            return false;
    return true;
}
