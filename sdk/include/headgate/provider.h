/* headgate/provider.h - kind provider: how to talk to one vendor's API.
 *
 * For each attempt the host calls
 *     prepare    -> fills the HTTP request; may be pending (a token exchange)
 *     head       optional: looks at the answer's head and may choose the framing
 *     frame * n  one whole event of a stream            } H->emit(op, event) 0..n times each
 *     body       the answer when it is not a stream      }
 *     end        optional: flush, complain if it was cut short
 *     map_error  for a status that is not 2xx, or an error object inside a 200
 * The host sends, pools, frames, times and retries. If `wires` names a format that the core knows,
 * frame, body, end, map_error and models may be NULL: the core reads that format itself, and an
 * answer in the client's own format passes through byte by byte.
 *
 * A provider with HG_R_REALTIME among its caps is asked for sessions: prepare says where, with an
 * http or https URL, and with which headers. The host makes a WebSocket of it, and once that is
 * open its frames pass as they are. */
#ifndef HEADGATE_PROVIDER_H
#define HEADGATE_PROVIDER_H

#include <headgate/abi.h>
#include <headgate/request.h>
#include <headgate/services.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HG_FRAME_AUTO,  /* by content-type */
    HG_FRAME_SSE,   /* `event` and `data` of a server-sent event */
    HG_FRAME_LINES, /* one line as `data` */
    HG_FRAME_AWS,   /* one message of an AWS event stream */
    HG_FRAME_BYTES  /* whatever was read */
};

typedef struct hg_frame {
    uint32_t size, kind;
    hg_str event, data; /* always whole */
} hg_frame;

typedef struct hg_price {
    uint32_t size, reserved;
    int64_t nanousd; /* 10^-9 US dollars */
    hg_str currency, table;
} hg_price;

#define HG_PROVIDER "headgate.provider/1"
typedef struct hg_provider {
    uint32_t size;
    uint32_t caps;      /* 1u << HG_R_CHAT ...: what it can be asked for */
    uint32_t wires;     /* 1u << HG_WIRE_OPENAI_CHAT ...: what it speaks natively */
    uint32_t call_size; /* zeroed bytes for each attempt, given as `call`; gone when it ends */

    hg_rc (*prepare)(void *st, void *call, hg_op, const hg_req *, hg_http_req *out);
    hg_rc (*head)(void *st, void *call, hg_op, const hg_http_resp *, uint32_t *framing);
    hg_rc (*frame)(void *st, void *call, hg_op, const hg_frame *);
    hg_rc (*body)(void *st, void *call, hg_op, const hg_body *);
    hg_rc (*end)(void *st, void *call, hg_op, hg_rc how);

    /* Fills `out`; HG_SKIP leaves it to the host, which goes by the status. */
    hg_rc (*map_error)(void *st, void *call, hg_op, const hg_http_resp *, hg_error *out);

    /* Writes {"object":"list","data":[...]} of the models on offer: each has an `id` or `name`, and
     * may have display_name, created, context_window and max_output_tokens. May be pending. */
    hg_rc (*models)(void *st, hg_op, hg_out *json);

    /* The price of a usage; HG_SKIP if it is not known. */
    hg_rc (*price)(void *st, hg_str model, const hg_usage *, hg_price *out);

    /* The whole attempt over a transport that is not HTTP; ends with H->done. */
    hg_rc (*invoke)(void *st, void *call, hg_op, const hg_req *);
} hg_provider;

#ifdef __cplusplus
}
#endif
#endif
