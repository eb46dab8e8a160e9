/* hg_body_api over base/chain.h: bodies and outputs are chains. */
#include <string.h>

#include "base/chain.h"
#include "base/text.h"
#include "plugin/parts.h"

static const struct chain *chain_of(const hg_body *body)
{
    return (const struct chain *)body;
}

static struct chain *out_chain(hg_out *out)
{
    return (struct chain *)out;
}

static size_t body_len(const hg_body *body)
{
    return body ? chain_of(body)->len : 0;
}

/* The segment that byte `off` lies in, and where in it; `count` if there is none. */
static uint32_t segment_find(const struct chain *chain, size_t off, size_t *ret_inside)
{
    uint32_t i = 0;

    while (i < chain->count && off >= chain->segments[i].n)
        off -= chain->segments[i++].n;
    *ret_inside = off;
    return i;
}

static size_t body_peek(const hg_body *body, size_t off, hg_str *views, size_t max)
{
    const struct chain *chain = chain_of(body);
    size_t count = 0, inside;

    if (!body)
        return 0;
    for (uint32_t i = segment_find(chain, off, &inside); i < chain->count && count < max; i++) {
        views[count++] = (hg_str){chain->segments[i].p + inside, chain->segments[i].n - inside};
        inside = 0;
    }
    return count;
}

static hg_str body_flat(hg_op handle, const hg_body *body)
{
    if (!body)
        return HG_S("");
    return chain_flat(chain_of(body), op_memory(handle, "flat"));
}

static hg_slice slice_copy(const struct chain *chain, uint32_t i, size_t inside, size_t len)
{
    struct block *block = block_new(len);
    char *at = block->bytes, *end = block->bytes + len;

    for (; at < end; i++, inside = 0) {
        size_t n = chain->segments[i].n - inside;

        if (n > (size_t)(end - at))
            n = (size_t)(end - at);
        at = put_mem(at, chain->segments[i].p + inside, n);
    }
    return (hg_slice){block->bytes, len, block};
}

static hg_slice body_hold(const hg_body *body, size_t off, size_t len)
{
    const struct chain *chain = chain_of(body);
    size_t inside;

    if (!body || off > chain->len || len > chain->len - off)
        return (hg_slice){NULL, 0, NULL};
    uint32_t i = segment_find(chain, off, &inside);

    if (i == chain->count || !chain->segments[i].block || len > chain->segments[i].n - inside)
        return slice_copy(chain, i, inside, len);
    block_ref(chain->segments[i].block);
    return (hg_slice){chain->segments[i].p + inside, len, chain->segments[i].block};
}

static void body_drop(hg_slice *slice)
{
    block_unref(slice->ref);
    *slice = (hg_slice){NULL, 0, NULL};
}

static void out_put(hg_out *out, const void *p, size_t n)
{
    chain_put(out_chain(out), p, n);
}

static void out_put_const(hg_out *out, const void *p, size_t n)
{
    chain_put_const(out_chain(out), p, n);
}

static void out_put_slice(hg_out *out, hg_slice *slice)
{
    if (slice->ref)
        chain_put_block(out_chain(out), slice->ref, slice->p, slice->n);
    else
        chain_put(out_chain(out), slice->p, slice->n);
    body_drop(slice);
}

/* A range that does not lie inside is cut: the plugin's mistake must not stop us. */
static void out_put_body(hg_out *out, const hg_body *body, size_t off, size_t len)
{
    const struct chain *chain = chain_of(body);

    if (!body || off > chain->len)
        return;
    if (len > chain->len - off)
        len = chain->len - off;
    chain_put_chain(out_chain(out), chain, off, len);
}

static const hg_body *out_written(const hg_out *out)
{
    return (const hg_body *)(const void *)out;
}

const hg_body_api host_body = {
    .size = sizeof host_body,
    .len = body_len,
    .peek = body_peek,
    .flat = body_flat,
    .hold = body_hold,
    .drop = body_drop,
    .put = out_put,
    .put_const = out_put_const,
    .put_slice = out_put_slice,
    .put_body = out_put_body,
    .written = out_written,
};
