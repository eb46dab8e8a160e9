#include "http/frame.h"

#include <string.h>
#include <zlib.h>

#include <headgate/provider.h>

#include "base/text.h"
#include "http/sse.h"

enum {
    PRELUDE = 12, /* two lengths and their checksum */
    CHECKSUM = 4,
    AWS_STRING = 7 /* the type of header values that we read and write */
};

static uint32_t number_at(const char *p)
{
    const uint8_t *byte = (const uint8_t *)p;

    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static char *put_number(char *at, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (char)(value >> shift);
    return at;
}

static uint32_t checksum(const char *p, size_t n)
{
    return (uint32_t)crc32_z(0, (const uint8_t *)p, n);
}

/* ---- AWS ---------------------------------------------------------------------------------------
 */

/* The prelude is checked before its length is believed. */
static size_t aws_first(hg_str in)
{
    uint32_t total, headers;

    if (in.n < PRELUDE)
        return 0;
    total = number_at(in.p);
    headers = number_at(in.p + 4);
    if (checksum(in.p, 8) != number_at(in.p + 8) || total < PRELUDE + CHECKSUM ||
        total > FRAME_AWS_MAX || headers > total - PRELUDE - CHECKSUM)
        return SIZE_MAX;
    if (in.n < total)
        return 0;
    if (checksum(in.p, total - CHECKSUM) != number_at(in.p + total - CHECKSUM))
        return SIZE_MAX;
    return total;
}

/* Sizes of header values by type; -1: a length stands before it. */
static const int8_t value_sizes[] = {0, 0, 1, 2, 4, 8, -1, -1, 8, 16};

static bool take(hg_str *in, size_t n, hg_str *ret)
{
    if (in->n < n)
        return false;
    *ret = (hg_str){in->p, n};
    in->p += n;
    in->n -= n;
    return true;
}

static bool header_take(hg_str *in, hg_str *ret_name, hg_str *ret_value, bool *ret_is_text)
{
    hg_str length, type;

    if (!take(in, 1, &length) || !take(in, (uint8_t)*length.p, ret_name) || !take(in, 1, &type) ||
        (uint8_t)*type.p >= sizeof value_sizes)
        return false;
    *ret_is_text = *type.p == AWS_STRING;
    if (value_sizes[(uint8_t)*type.p] >= 0)
        return take(in, (size_t)value_sizes[(uint8_t)*type.p], ret_value);
    return take(in, 2, &length) &&
           take(in, (size_t)((uint8_t)length.p[0] << 8 | (uint8_t)length.p[1]), ret_value);
}

static bool aws_parse(hg_str frame, struct frame *ret)
{
    hg_str headers = {frame.p + PRELUDE, number_at(frame.p + 4)}, name, value;
    bool is_text;

    *ret = (struct frame){.has_data = true};
    while (headers.n) {
        if (!header_take(&headers, &name, &value, &is_text))
            return false;
        if (!is_text)
            continue;
        if (text_is(name, HG_S(":event-type")) || text_is(name, HG_S(":exception-type")) ||
            text_is(name, HG_S(":error-code")))
            ret->event = value;
        else if (text_is(name, HG_S(":message-type")))
            ret->is_error = !text_is(value, HG_S("event"));
        else if (text_is(name, HG_S(":error-message")) && !ret->data.n)
            ret->data = value;
    }
    size_t at = PRELUDE + number_at(frame.p + 4);

    if (frame.n - CHECKSUM > at)
        ret->data = (hg_str){frame.p + at, frame.n - CHECKSUM - at};
    return true;
}

static char *put_header(char *at, hg_str name, hg_str value)
{
    *at++ = (char)name.n;
    at = put_text(at, name);
    *at++ = AWS_STRING;
    *at++ = (char)(value.n >> 8);
    *at++ = (char)value.n;
    return put_text(at, value);
}

static size_t header_size(hg_str name, hg_str value)
{
    return 1 + name.n + 1 + 2 + value.n;
}

static void aws_put(hg_str kind, hg_str type, hg_str data, struct chain *out)
{
    hg_str content_type = HG_S(":content-type"), json = HG_S("application/json");
    hg_str message_type = HG_S(":message-type");
    hg_str name = text_is(kind, HG_S("event")) ? HG_S(":event-type") : HG_S(":exception-type");
    size_t headers =
        header_size(name, type) + header_size(content_type, json) + header_size(message_type, kind);
    size_t total = PRELUDE + headers + data.n + CHECKSUM;
    struct block *block = block_new(total);
    char *at = put_number(put_number(block->bytes, (uint32_t)total), (uint32_t)headers);

    at = put_number(at, checksum(block->bytes, 8));
    at = put_header(put_header(put_header(at, name, type), content_type, json), message_type, kind);
    at = put_text(at, data);
    put_number(at, checksum(block->bytes, total - CHECKSUM));
    chain_put_block(out, block, block->bytes, total);
    block_unref(block);
}

/* ---- SSE ---------------------------------------------------------------------------------------
 */

static void sse_put(hg_str event, hg_str data, struct chain *out)
{
    if (event.n) {
        CHAIN_PUT_LIT(out, "event: ");
        chain_put(out, event.p, event.n);
        CHAIN_PUT_LIT(out, "\n");
    }
    while (data.n) {
        hg_str line = text_cut(data, '\n', &data);

        CHAIN_PUT_LIT(out, "data: ");
        chain_put(out, line.p, line.n);
        CHAIN_PUT_LIT(out, "\n");
    }
    CHAIN_PUT_LIT(out, "\n");
}

static void sse_frame_parse(struct arena *arena, hg_str frame, struct frame *ret)
{
    struct sse_event sse;

    sse_parse(arena, frame, &sse);
    *ret = (struct frame){.data = sse.data,
                          .has_data = sse.has_data,
                          .event = text_is(sse.event, HG_S("message")) ? HG_S("") : sse.event};
    ret->is_error = text_is(ret->event, HG_S("error"));
}

/* ---- either ------------------------------------------------------------------------------------
 */

size_t frame_first(uint32_t framing, hg_str in)
{
    return framing == HG_FRAME_AWS ? aws_first(in) : sse_first(in);
}

size_t frame_first_from(uint32_t framing, hg_str in, struct sse_look *look)
{
    return framing == HG_FRAME_AWS ? aws_first(in) : sse_first_from(in, look);
}

bool frame_parse(struct arena *arena, uint32_t framing, hg_str frame, struct frame *ret)
{
    if (framing == HG_FRAME_AWS)
        return aws_parse(frame, ret);
    sse_frame_parse(arena, frame, ret);
    return true;
}

void frame_put(uint32_t framing, hg_str event, hg_str data, struct chain *out)
{
    if (framing == HG_FRAME_AWS)
        aws_put(HG_S("event"), event.n ? event : HG_S("chunk"), data, out);
    else
        sse_put(event, data, out);
}

void frame_put_error(uint32_t framing, hg_str type, hg_str data, struct chain *out)
{
    if (framing == HG_FRAME_AWS)
        aws_put(HG_S("exception"), type, data, out);
    else
        sse_put(HG_S("error"), data, out);
}
