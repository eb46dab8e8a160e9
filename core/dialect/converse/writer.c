/* Answers written from normalised events: event by event, or kept and written whole at the end. */
#include "dialect/converse/writer.h"

#include "base/base64.h"
#include "base/text.h"
#include "json/write.h"

struct dialect_writer *converse_writer_new(struct arena *arena, uint32_t kind, bool is_stream,
                                           bool with_usage)
{
    struct dialect_writer *writer = arena_zalloc(arena, sizeof *writer);

    (void)kind;
    (void)with_usage; /* this format always has it */
    writer->arena = arena;
    writer->is_stream = is_stream;
    writer->began = clock_now();
    writer->blocks_end = &writer->blocks;
    return writer;
}

hg_str converse_stop_reason(const struct dialect_writer *writer)
{
    if (writer->finish_word.n && converse_finish_of(writer->finish_word) == writer->finish)
        return writer->finish_word;
    switch (writer->finish) {
    case HG_FIN_LENGTH:
        return HG_S("max_tokens");
    case HG_FIN_TOOLS:
        return HG_S("tool_use");
    case HG_FIN_FILTER:
        return HG_S("content_filtered");
    default:
        return HG_S("end_turn");
    }
}

static void count_put(struct chain *out, const hg_usage *usage, uint32_t flag, hg_str key,
                      uint64_t count)
{
    if (!(usage->flags & flag))
        return;
    json_key(out, key);
    json_put_u64(out, count);
}

static void raw_put(struct chain *out, hg_str key, hg_str raw)
{
    if (!raw.n)
        return;
    json_key(out, key);
    json_put_raw(out, raw);
}

/* The input without what the cache gave and took; never less than none. */
static void usage_put(struct chain *out, const hg_usage *usage)
{
    uint64_t beside = usage->cached_input + usage->cache_write;

    JSON_KEY(out, "usage");
    json_obj(out);
    JSON_KEY(out, "inputTokens");
    json_put_u64(out, usage->input > beside ? usage->input - beside : 0);
    JSON_KEY(out, "outputTokens");
    json_put_u64(out, usage->output);
    JSON_KEY(out, "totalTokens");
    json_put_u64(out, usage->input + usage->output);
    count_put(out, usage, HG_U_CACHED, HG_S("cacheReadInputTokens"), usage->cached_input);
    count_put(out, usage, HG_U_CACHE_WRITE, HG_S("cacheWriteInputTokens"), usage->cache_write);
    json_end(out);
}

void converse_metadata_put(const struct dialect_writer *writer, struct chain *out)
{
    if (writer->usage.flags)
        usage_put(out, &writer->usage);
    JSON_KEY(out, "metrics");
    json_obj(out);
    JSON_KEY(out, "latencyMs");
    json_put_i64(out, (clock_now() - writer->began) / 1000000);
    json_end(out);
    raw_put(out, HG_S("trace"), writer->trace);
    raw_put(out, HG_S("performanceConfig"), writer->performance);
    raw_put(out, HG_S("serviceTier"), writer->tier);
}

hg_str converse_citation_of(struct arena *arena, hg_str annotation)
{
    struct chain *out = chain_new(arena);
    hg_json root, url, title;

    if (!json_parse(arena, annotation, &root, NULL))
        return HG_S("");
    url = json_get(root, "/url_citation/url");
    title = json_get(root, "/url_citation/title");
    if (url.kind != HG_J_STR)
        return HG_S("");
    json_obj(out);
    if (title.kind == HG_J_STR) {
        JSON_KEY(out, "title");
        json_put_raw(out, json_raw(title));
    }
    JSON_KEY(out, "location");
    json_obj(out);
    JSON_KEY(out, "web");
    json_obj(out);
    JSON_KEY(out, "url");
    json_put_raw(out, json_raw(url));
    json_end(out);
    json_end(out);
    json_end(out);
    return chain_flat(out, arena);
}

hg_str converse_image_format_of(hg_str mime)
{
    hg_str format, type = text_cut(mime, '/', &format);

    (void)type;
    return format.n && !text_is(format, HG_S("jpg")) ? format
           : format.n                                ? HG_S("jpeg")
                                                     : HG_S("png");
}

static bool is_base64(hg_str text)
{
    size_t n = text.n;

    while (n && text.n - n < 2 && text.p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        char c = text.p[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' ||
              c == '/'))
            return false;
    }
    return text.n % 4 == 0;
}

hg_str converse_blob_of(struct arena *arena, hg_str text)
{
    return is_base64(text) ? text : base64_encode(arena, text.p, text.n);
}

/* Members of the root that this format has a place for. */
static void extra_keep(struct dialect_writer *writer, const hg_event *event)
{
    const struct {
        const char *name;
        hg_str *place;
        bool is_object;
    } places[] = {{"additionalModelResponseFields", &writer->fields, false},
                  {"trace", &writer->trace, true},
                  {"performanceConfig", &writer->performance, true},
                  {"serviceTier", &writer->tier, true}};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (text_is(event->name, text_of(places[i].name)) && event->text.n &&
            json_measure(event->text) == event->text.n &&
            (!places[i].is_object || event->text.p[0] == '{'))
            *places[i].place = arena_text(writer->arena, event->text);
}

/* One answer is all that this format has. */
void converse_write(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    if (writer->is_failed || event->choice != 0)
        return;
    if (writer->is_finished && event->type != HG_EV_USAGE && event->type != HG_EV_EXTRA &&
        event->type != HG_EV_ERROR)
        return;
    switch (event->type) {
    case HG_EV_USAGE:
        if (event->usage)
            writer->usage = *event->usage;
        return;
    case HG_EV_EXTRA:
        extra_keep(writer, event);
        return;
    case HG_EV_FINISH:
        writer->finish = event->finish ? event->finish : HG_FIN_OTHER;
        writer->finish_word = arena_text(writer->arena, event->name);
        break;
    case HG_EV_ERROR:
        writer->error_type = arena_text(writer->arena, event->name);
        writer->error_message = arena_text(writer->arena, event->text);
        break;
    default:
        break;
    }
    if (writer->is_stream)
        converse_stream_write(writer, event, out);
    else
        converse_whole_write(writer, event);
    writer->is_finished |= event->type == HG_EV_FINISH;
    writer->is_failed |= event->type == HG_EV_ERROR;
}

void converse_write_end(struct dialect_writer *writer, struct chain *out)
{
    if (writer->is_stream)
        converse_stream_end(writer, out);
    else
        converse_whole_end(writer, out);
}
