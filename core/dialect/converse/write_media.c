/* Images, sound, films and documents: Bedrock takes bytes, or what lies in S3. */
#include <string.h>

#include "base/text.h"
#include "dialect/converse/format.h"
#include "dialect/converse/write_chat.h"

enum {
    NAME_MAX_CHARS = 180 /* of 200: a number may follow */
};

static bool refuse(struct writing *writing, const char *what, const char *why)
{
    return error_set(writing->error, "messages: %s %s", what, why);
}

static bool source_write(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;

    JSON_KEY(out, "source");
    json_obj(out);
    if (chat_has(part->data)) {
        JSON_KEY(out, "bytes");
        chat_put(out, part->data);
    } else if (chat_has(part->text)) {
        JSON_KEY(out, "text");
        chat_put(out, part->text);
    } else {
        JSON_KEY(out, "s3Location");
        json_obj(out);
        JSON_KEY(out, "uri");
        chat_put(out, part->url);
        json_end(out);
    }
    json_end(out);
    return true;
}

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr("-()[]", c));
}

/* Letters, digits and a few marks, no two spaces in a row, and no name twice. */
static void name_write(struct writing *writing, const struct chat_part *part)
{
    struct arena *arena = writing->out->arena;
    hg_str name = chat_decode(arena, part->name);
    const char *dot = name.p ? memrchr(name.p, '.', name.n) : NULL;
    size_t end = dot && dot > name.p ? (size_t)(dot - name.p) : name.n, n = 0;
    char text[NAME_MAX_CHARS + 1];

    for (size_t i = 0; i < end && n < NAME_MAX_CHARS; i++) {
        char c = is_name_char(name.p[i]) ? name.p[i] : ' ';

        if (c != ' ' || (n && text[n - 1] != ' '))
            text[n++] = c;
    }
    while (n && text[n - 1] == ' ')
        n--;
    hg_str stem = n ? (hg_str){text, n} : HG_S("document");

    JSON_KEY(writing->out, "name");
    if (writing->documents++ == 0)
        json_put_str(writing->out, stem);
    else
        json_put_str(writing->out, arena_fmt(arena, "%.*s %u", TEXT_ARG(stem), writing->documents));
}

static const char *key_of(enum chat_part_kind kind)
{
    switch (kind) {
    case CHAT_IMAGE:
        return "image";
    case CHAT_AUDIO:
        return "audio";
    case CHAT_VIDEO:
        return "video";
    default:
        return "document";
    }
}

bool converse_media_write(struct writing *writing, const struct chat_part *part)
{
    struct chain *out = writing->out;
    const char *key = key_of(part->kind);
    hg_str format = chat_has(part->text) ? HG_S("txt") : converse_format_of(part);

    if (chat_has(part->file_id))
        return refuse(writing, key, "by file_id is not known to Bedrock; send the bytes");
    if (!chat_has(part->data) && !chat_has(part->text) && !text_starts(part->url.s, HG_S("s3://")))
        return refuse(writing, key,
                      "by URL is not taken by Bedrock; send a data: URL or an s3:// one");
    if (!format.n)
        return refuse(writing, key, "is of a type that Bedrock does not take");
    if (part->detail.n && !text_is(part->detail, HG_S("auto")))
        translation_lose(writing->to, "image detail");
    json_obj(out);
    json_key(out, text_of(key));
    json_obj(out);
    JSON_KEY(out, "format");
    json_put_str(out, format);
    if (part->kind == CHAT_FILE) {
        writing->has_document = true;
        name_write(writing, part);
    }
    source_write(writing, part);
    json_end(out);
    json_end(out);
    return true;
}
