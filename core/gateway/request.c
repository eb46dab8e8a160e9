#include "gateway/request.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/ensure.h"
#include "base/text.h"
#include "dialect/texts.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/handles.h"
#include "gateway/lua/api.h"
#include "gateway/relay.h"
#include "gateway/request_steps.h"
#include "gateway/stage.h"
#include "gateway/tunnel.h"
#include "gateway/upload.h"
#include "script/routine.h"

/* Milliseconds since 1970 and a count, so that ids sort by time; no two of a gateway are the same,
 * because a worker counts on where the last millisecond ended. */
static uint64_t id_make(struct gateway *gateway, int64_t wall_us)
{
    enum {
        COUNT_BITS = 12,
        WORKER_BITS = 8
    };
    uint64_t id = (uint64_t)(wall_us / 1000) << (COUNT_BITS + WORKER_BITS);

    if (id <= gateway->id_last)
        id = gateway->id_last + (1u << WORKER_BITS);
    gateway->id_last = id;
    return id | (gateway->setup.slot & ((1u << WORKER_BITS) - 1));
}

static hg_str id_write(struct arena *arena, uint64_t id)
{
    char *text = arena_alloc(arena, REQUEST_ID + 1);

    for (int i = REQUEST_ID; i-- > 0; id >>= 5)
        text[i] = "0123456789abcdefghjkmnpqrstvwxyz"[id & 31];
    text[REQUEST_ID] = 0;
    return (hg_str){text, REQUEST_ID};
}

hg_str request_id_make(struct gateway *gateway, struct arena *arena, int64_t wall_us)
{
    return id_write(arena, id_make(gateway, wall_us));
}

void request_begin(struct gateway *gateway, struct exchange *exchange)
{
    struct request *request = arena_zalloc(exchange->arena, sizeof *request);

    request->gateway = gateway;
    request->exchange = exchange;
    request->arena = exchange->arena;
    request->refs = 1;
    request->head = exchange->head;
    request->body = exchange->body;
    request->view = (struct view){request, NULL};
    request->id_number = id_make(gateway, exchange->began_us);
    request->id = id_write(request->arena, request->id_number);
    request->handle = handle_make(gateway->handles, request);
    request->began = exchange->began;
    request->began_us = exchange->began_us;
    exchange->user = request;
    if (exchange->is_streamed)
        upload_begin(request);
    LIST_INSERT_HEAD(&gateway->open, request, entry);
    gateway_count(gateway, 1);
    request->step = request_first_step();
    request_go_on(request);
}

struct request *request_ref(struct request *request)
{
    request->refs++;
    return request;
}

void request_unref(struct request **request)
{
    struct request *gone = *request;
    struct arena *arena = gone->arena;

    *request = NULL;
    if (--gone->refs)
        return;
    handle_drop(gone->gateway->handles, &gone->handle);
    for (struct answer *answer = gone->answers; answer; answer = answer->next)
        handle_drop(gone->gateway->handles, &answer->handle);
    arena_free(&arena);
}

/* Ends what works for the request. Shadow traffic goes on. */
void request_stop(struct request *request)
{
    if (request->routine)
        routine_cancel(request->routine);
    for (struct attempt *at = request->attempts, *next; at; at = next) {
        next = at->next;
        if (!at->detached)
            attempt_cancel(at);
    }
    for (struct answer *answer = request->answers; answer; answer = answer->next)
        answer_drop(answer);
}

void request_client_gone(struct request *request)
{
    request->over = true;
    if (request->tunnel ? tunnel_left(request->tunnel) : relay_settle(request))
        return;
    request->client_gone = true;
    if (request->fault.kind == FAULT_NONE)
        request->fault = (struct fault){.kind = FAULT_CANCELLED,
                                        .message = HG_S("the client has closed the connection")};
}

static void end_early(struct request *request, const struct fault *fault)
{
    if (request->tunnel) {
        tunnel_cut(request->tunnel, fault);
        return;
    }
    if (request->relay) {
        relay_cut(request, fault);
        return;
    }
    if (request->routine)
        routine_cancel(request->routine);
    request->routine = NULL;
    if (request->fault.kind == FAULT_NONE)
        request->fault = *fault;
    request_go_on(request);
}

void request_cut(struct request *request, const char *why)
{
    end_early(request,
              &(struct fault){.kind = FAULT_CANCELLED, .status = 503, .message = text_of(why)});
}

void request_refuse(struct request *request, int status, const char *why)
{
    end_early(request, &(struct fault){
                           .kind = FAULT_BAD_REQUEST, .status = status, .message = text_of(why)});
}

void request_exchange_over(struct request *request)
{
    LIST_REMOVE(request, entry);
    request->bytes_in = request->exchange->bytes_in;
    request->bytes_out = request->exchange->bytes_out;
    request->exchange = NULL;
    request->over = true;
    request->ended = clock_now();
    if (!request->driving)
        request_go_on(request);
}

void request_fail(struct request *request, enum fault_kind kind, const char *fmt, ...)
{
    va_list args;

    if (request->fault.kind != FAULT_NONE)
        return;
    va_start(args, fmt);
    request->fault = (struct fault){.kind = kind, .message = arena_vfmt(request->arena, fmt, args)};
    va_end(args);
}

hg_str request_key(struct request *request)
{
    enum {
        BYTES = 16
    };
    hg_str credential = head_field(request->head, HG_S("authorization"));
    struct digest *digest = request->gateway->digest;
    uint8_t sum[DIGEST_SIZE];

    if (request->key.n)
        return request->key;
    if (!credential.n)
        credential = head_field(request->head, HG_S("x-api-key"));
    if (!credential.n)
        credential = head_field(request->head, HG_S("api-key"));
    if (!credential.n)
        return request->key = HG_S("anonymous");
    digest_begin(digest);
    digest_add(digest, credential.p, credential.n);
    digest_end(digest, sum);
    char *hex = arena_alloc(request->arena, 2 * BYTES), *at = hex;

    for (int i = 0; i < BYTES; i++) {
        *at++ = "0123456789abcdef"[sum[i] >> 4];
        *at++ = "0123456789abcdef"[sum[i] & 15];
    }
    return request->key = (hg_str){hex, 2 * BYTES};
}

struct dialect_texts request_texts(struct request *request)
{
    if (!request->texts_read)
        request->texts =
            texts_of_request(request->dialect, request->arena, request->asked.kind, request->doc);
    request->texts_read = true;
    return request->texts;
}

void request_set_body(struct request *request, struct chain *body)
{
    hg_json doc;

    request->body = body;
    request->texts_read = false;
    if (json_parse(request->arena, chain_flat(body, request->arena), &doc, NULL))
        request->doc = doc;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

void pair_set(struct arena *arena, struct pair **list, hg_str name, hg_str value)
{
    struct pair **at = list;

    while (*at && !text_is((*at)->name, name))
        at = &(*at)->next;
    if (!*at) {
        *at = arena_zalloc(arena, sizeof **at);
        (*at)->name = arena_text(arena, name);
    }
    (*at)->value = arena_text(arena, value);
}

static hg_str pair_get(const struct pair *list, hg_str name)
{
    while (list && !text_is(list->name, name))
        list = list->next;
    return list ? list->value : HG_S("");
}

/* Scalars as text; other values have no place in metadata. */
static void metadata_add(struct request *request, hg_json object)
{
    hg_json_it it = {0};
    hg_str key;
    hg_json value;

    while (object.kind == HG_J_OBJ && json_next(object, &it, &key, &value)) {
        hg_str text = value.kind == HG_J_STR  ? json_str(request->arena, value)
                      : value.kind < HG_J_STR ? json_raw(value)
                                              : HG_S("");
        if (text.n)
            pair_set(request->arena, &request->metadata, json_unescape(request->arena, key), text);
    }
}

void request_metadata_read(struct request *request)
{
    hg_str sent = head_field(request->head, HG_S("x-headgate-metadata"));
    hg_json doc;

    if (request->metadata_read)
        return;
    request->metadata_read = true;
    metadata_add(request, json_member(request->doc, HG_S("metadata")));
    if (sent.n && json_parse(request->arena, arena_text(request->arena, sent), &doc, NULL))
        metadata_add(request, doc);
}

hg_str request_metadata(struct request *request, hg_str key)
{
    request_metadata_read(request);
    return pair_get(request->metadata, key);
}

/* ---- answers --------------------------------------------------------------------------------- */

struct answer *answer_new(struct request *request)
{
    struct answer *answer = arena_zalloc(request->arena, sizeof *answer);

    answer->request = request;
    answer->handle = handle_make(request->gateway->handles, answer);
    answer->next = request->answers;
    request->answers = answer;
    return answer;
}

void answer_add_stage(struct answer *answer, const struct stage_kind *kind, void *self)
{
    struct stage **at = &answer->stages;

    while (*at)
        at = &(*at)->next;
    *at = arena_zalloc(answer->request->arena, sizeof **at);
    (*at)->kind = kind;
    (*at)->self = self;
}

void answer_drop(struct answer *answer)
{
    for (struct stage *stage = answer->stages; stage; stage = stage->next)
        stage->kind->stop(stage->self);
}

void answer_set_body(struct answer *answer, struct chain *body)
{
    answer->body = body;
}
