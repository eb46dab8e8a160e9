#include "names.h"

#include <stdbool.h>
#include <string.h>

#include "common/words.h"

#define GOOGLE (HG_WIRE_GEMINI | HG_WIRE_NO_CALL_IDS)
#define CLAUDE (HG_WIRE_ANTHROPIC | HG_WIRE_BODY_VERSION | HG_WIRE_NO_URLS)
#define OTHERS (HG_WIRE_OPENAI_CHAT | HG_WIRE_MAX_TOKENS)

static const struct {
    const char *publisher;
    uint32_t wire;
} publishers[] = {{"google", GOOGLE},
                  {"anthropic", CLAUDE},
                  {"mistralai", OTHERS | HG_WIRE_EMPTY_CONTENT | HG_WIRE_NO_STREAM_USAGE},
                  {"ai21", OTHERS | HG_WIRE_NO_STREAM_USAGE}};

/* Names that say by themselves whose they are; all others are Google's. */
static const struct {
    const char *begin, *publisher;
} families[] = {{"claude", "anthropic"},    {"mistral", "mistralai"}, {"codestral", "mistralai"},
                {"ministral", "mistralai"}, {"jamba", "ai21"},        {"", "google"}};

/* What may stand in a path: "claude-sonnet-4-5@20250929", "meta/llama-4-maas". */
static bool is_sane(hg_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c && strchr("-_.@/", c))))
            return false;
    }
    return name.n > 0 && name.p[0] != '/' && name.p[name.n - 1] != '/';
}

static bool ends(hg_str text, hg_str tail)
{
    return text.n >= tail.n && memcmp(text.p + text.n - tail.n, tail.p, tail.n) == 0;
}

static void publisher_set(struct names *names, hg_str publisher)
{
    for (size_t i = 0; i < sizeof publishers / sizeof *publishers; i++) {
        if (word_is(publisher, publishers[i].publisher)) {
            names->publisher = word_of(publishers[i].publisher);
            names->wire = publishers[i].wire;
        }
    }
}

bool names_read(hg_str model, struct names *ret)
{
    const char *slash = model.n ? memchr(model.p, '/', model.n) : NULL;

    *ret = (struct names){.model = model, .wire = GOOGLE};
    if (!is_sane(model))
        return false;
    if (word_starts(model, HG_S("endpoints/"))) {
        ret->is_endpoint = true;
        return true;
    }
    for (size_t i = 0; !slash && !ret->publisher.n && i < sizeof families / sizeof *families; i++)
        if (word_starts(model, word_of(families[i].begin)))
            publisher_set(ret, word_of(families[i].publisher));
    if (!slash)
        return true;
    if (!ends(model, HG_S("-maas")))
        publisher_set(ret, (hg_str){model.p, (size_t)(slash - model.p)});
    ret->is_shared = !ret->publisher.n;
    if (ret->is_shared)
        ret->wire = OTHERS;
    else
        ret->model = (hg_str){slash + 1, (size_t)(model.p + model.n - slash) - 1};
    return true;
}

/* Those before the second generation take instances. */
static bool is_predicted(hg_str model)
{
    return !word_starts(model, HG_S("gemini-embedding-")) || ends(model, HG_S("-001"));
}

hg_str names_method(const struct names *names, uint32_t kind, bool is_stream)
{
    bool is_google = (names->wire & HG_WIRE_MASK) == HG_WIRE_GEMINI;

    if (kind == HG_R_EMBED && is_google)
        return is_predicted(names->model) ? HG_S("predict") : HG_S("embedContent");
    if (kind == HG_R_COUNT && is_google)
        return HG_S("countTokens");
    if (kind != HG_R_CHAT)
        return (hg_str){0};
    if (is_google)
        return is_stream ? HG_S("streamGenerateContent") : HG_S("generateContent");
    return is_stream ? HG_S("streamRawPredict") : HG_S("rawPredict");
}

/* ---- what passes as it is ------------------------------------------------------------------ */

static bool is_passed(hg_str method)
{
    static const char *const methods[] = {"generateContent", "streamGenerateContent", "countTokens",
                                          "computeTokens",   "embedContent",          "predict",
                                          "rawPredict",      "streamRawPredict"};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (word_is(method, methods[i]))
            return true;
    return false;
}

/* A path of Vertex's own names a project and a location: ours count. */
static hg_str behind_location(hg_str path)
{
    static const char *const marks[] = {"/publishers/", "/endpoints/"};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at = memmem(path.p, path.n, marks[i], strlen(marks[i]));

        if (at)
            return (hg_str){at, (size_t)(path.p + path.n - at)};
    }
    return (hg_str){0};
}

hg_str names_raw_tail(const hg_host *host, hg_op op, const hg_req_info *info)
{
    const char *colon = info->path.n ? memrchr(info->path.p, ':', info->path.n) : NULL;
    struct names names;

    if (!colon ||
        !is_passed((hg_str){colon + 1, (size_t)(info->path.p + info->path.n - colon) - 1}))
        return (hg_str){0};
    if (info->wire != HG_WIRE_GEMINI) {
        hg_str tail = behind_location(info->path);

        return tail.n && is_sane((hg_str){tail.p + 1, (size_t)(colon - tail.p) - 1}) ? tail
                                                                                     : (hg_str){0};
    }
    if (!names_read(info->model, &names) || names.is_shared)
        return (hg_str){0};
    int n = (int)(info->path.p + info->path.n - colon);

    return names.is_endpoint
               ? host->fmt(op, "/%.*s%.*s", (int)names.model.n, names.model.p, n, colon)
               : host->fmt(op, "/publishers/google/models/%.*s%.*s", (int)names.model.n,
                           names.model.p, n, colon);
}
