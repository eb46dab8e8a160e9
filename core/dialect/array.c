#include "dialect/array.h"

#include "base/buffer.h"
#include "base/text.h"
#include "http/frame.h"

struct array {
    uint32_t framing;
    struct buffer partial; /* an event that has not come whole */
    struct buffer out;
    bool is_begun, is_over;
};

static void array_done(void *arg)
{
    struct array *array = arg;

    buffer_done(&array->partial);
    buffer_done(&array->out);
}

struct array *array_new(struct arena *arena, uint32_t framing)
{
    struct array *array = arena_zalloc(arena, sizeof *array);

    array->framing = framing;
    arena_on_end(arena, array_done, array);
    return array;
}

static void put(struct array *array, hg_str text)
{
    buffer_add(&array->out, text.p, text.n);
}

static void frame_put_in(struct array *array, hg_str bytes)
{
    struct arena *scratch = arena_new();
    struct frame frame;

    if (frame_parse(scratch, array->framing, bytes, &frame) && frame.has_data && frame.data.n) {
        put(array, array->is_begun ? HG_S(",\r\n") : HG_S("["));
        put(array, frame.data);
        array->is_begun = true;
    }
    arena_free(&scratch);
}

void array_add(struct array *array, hg_str bytes)
{
    size_t n;

    if (array->is_over)
        return;
    if (array->partial.len) {
        buffer_add(&array->partial, bytes.p, bytes.n);
        bytes = buffer_text(&array->partial);
    }
    hg_str rest = bytes;

    while (rest.n && (n = frame_first(array->framing, rest)) && n <= rest.n) {
        frame_put_in(array, (hg_str){rest.p, n});
        rest = (hg_str){rest.p + n, rest.n - n};
    }
    if (array->partial.len)
        buffer_take(&array->partial, bytes.n - rest.n);
    else if (rest.n)
        buffer_add(&array->partial, rest.p, rest.n);
}

void array_end(struct array *array)
{
    if (array->is_over)
        return;
    if (array->partial.len) /* the last event may lack its blank line */
        frame_put_in(array, buffer_text(&array->partial));
    array->is_over = true;
    put(array, array->is_begun ? HG_S("]\n") : HG_S("[]\n"));
}

hg_str array_text(const struct array *array)
{
    return buffer_text(&array->out);
}

void array_sent(struct array *array)
{
    buffer_take(&array->out, array->out.len);
}
