#include "dialect/converse/format.h"

#include "base/text.h"

struct format {
    enum chat_part_kind kind;
    const char *word, *mime;
};

/* For MIME types that have several words the first counts, and the other way round. */
static const struct format formats[] = {
    {CHAT_IMAGE, "png", "image/png"},
    {CHAT_IMAGE, "jpeg", "image/jpeg"},
    {CHAT_IMAGE, "jpeg", "image/jpg"},
    {CHAT_IMAGE, "gif", "image/gif"},
    {CHAT_IMAGE, "webp", "image/webp"},
    {CHAT_FILE, "pdf", "application/pdf"},
    {CHAT_FILE, "csv", "text/csv"},
    {CHAT_FILE, "doc", "application/msword"},
    {CHAT_FILE, "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {CHAT_FILE, "xls", "application/vnd.ms-excel"},
    {CHAT_FILE, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {CHAT_FILE, "html", "text/html"},
    {CHAT_FILE, "txt", "text/plain"},
    {CHAT_FILE, "md", "text/markdown"},
    {CHAT_VIDEO, "mkv", "video/x-matroska"},
    {CHAT_VIDEO, "mov", "video/quicktime"},
    {CHAT_VIDEO, "mp4", "video/mp4"},
    {CHAT_VIDEO, "webm", "video/webm"},
    {CHAT_VIDEO, "flv", "video/x-flv"},
    {CHAT_VIDEO, "mpeg", "video/mpeg"},
    {CHAT_VIDEO, "mpg", "video/mpeg"},
    {CHAT_VIDEO, "wmv", "video/x-ms-wmv"},
    {CHAT_VIDEO, "three_gp", "video/3gpp"},
    {CHAT_AUDIO, "mp3", "audio/mpeg"},
    {CHAT_AUDIO, "mp3", "audio/mp3"},
    {CHAT_AUDIO, "wav", "audio/wav"},
    {CHAT_AUDIO, "wav", "audio/x-wav"},
    {CHAT_AUDIO, "opus", "audio/opus"},
    {CHAT_AUDIO, "aac", "audio/aac"},
    {CHAT_AUDIO, "flac", "audio/flac"},
    {CHAT_AUDIO, "mp4", "audio/mp4"},
    {CHAT_AUDIO, "ogg", "audio/ogg"},
    {CHAT_AUDIO, "m4a", "audio/x-m4a"},
    {CHAT_AUDIO, "webm", "audio/webm"},
    {CHAT_AUDIO, "pcm", "audio/pcm"},
};

enum {
    FORMATS = sizeof formats / sizeof *formats
};

hg_str converse_format_mime(struct arena *arena, enum chat_part_kind kind, hg_str format)
{
    static const char *const heads[] = {
        [CHAT_IMAGE] = "image", [CHAT_AUDIO] = "audio", [CHAT_VIDEO] = "video"};

    for (size_t i = 0; i < FORMATS; i++)
        if (formats[i].kind == kind && text_is(format, text_of(formats[i].word)))
            return text_of(formats[i].mime);
    if (!format.n || kind == CHAT_FILE)
        return HG_S("");
    return arena_fmt(arena, "%s/%.*s", heads[kind], TEXT_ARG(format));
}

/* How base64 of such files begins. */
static hg_str image_by_bytes(hg_str data)
{
    static const struct {
        const char *start, *word;
    } starts[] = {{"iVBORw0KGgo", "png"}, {"/9j/", "jpeg"}, {"R0lGOD", "gif"}, {"UklGR", "webp"}};

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (text_starts(data, text_of(starts[i].start)))
            return text_of(starts[i].word);
    return HG_S("");
}

/* Files are often sent as "application/octet-stream" with a telling name. */
static hg_str file_by_name(hg_str name)
{
    for (size_t i = 0; i < FORMATS; i++) {
        hg_str word = text_of(formats[i].word);

        if (formats[i].kind == CHAT_FILE && name.n > word.n + 1 &&
            name.p[name.n - word.n - 1] == '.' &&
            text_is_nocase((hg_str){name.p + name.n - word.n, word.n}, word))
            return word;
    }
    return HG_S("");
}

hg_str converse_format_of(const struct chat_part *part)
{
    hg_str word = part->kind == CHAT_IMAGE ? image_by_bytes(part->data.s) : HG_S("");

    for (size_t i = 0; i < FORMATS && !word.n; i++)
        if (formats[i].kind == part->kind && text_is(part->mime, text_of(formats[i].mime)))
            word = text_of(formats[i].word);
    if (!word.n && part->kind == CHAT_FILE)
        word = file_by_name(part->name.s);
    return word;
}
