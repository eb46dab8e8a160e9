#include "gateway/upgrade.h"

#include "base/text.h"
#include "dialect/realtime.h"
#include "gateway/attempt_parts.h"
#include "http/websocket.h"

/* ---- the client's ------------------------------------------------------------------------------
 */

void upgrade_receive(struct request *request)
{
    struct head *head = request->head;
    const char *missing = websocket_missing(head);

    realtime_credential(request->arena, head);
    request->asked.model = realtime_model(request->arena, head->query);
    if (!missing)
        return;
    request_fail(request, FAULT_BAD_REQUEST, "%s", missing);
    if (request->body->len)
        return;
    request->fault.status = 426;
    pair_set(request->arena, &request->headers, HG_S("upgrade"), HG_S("websocket"));
    pair_set(request->arena, &request->headers, HG_S("sec-websocket-version"), HG_S("13"));
}

/* ---- the provider's ----------------------------------------------------------------------------
 */

/* All subprotocols that the client offers, in one list. */
static hg_str protocols_of(struct arena *arena, const struct head *head)
{
    hg_str list = {0};

    for (unsigned i = 0; i < head->field_count; i++) {
        hg_str more = head->fields[i].value;

        if (!text_is(head->fields[i].name, HG_S("sec-websocket-protocol")) || !more.n)
            continue;
        list = list.n ? arena_fmt(arena, "%.*s, %.*s", TEXT_ARG(list), TEXT_ARG(more)) : more;
    }
    return list;
}

void upgrade_ask(struct attempt *attempt)
{
    struct arena *arena = attempt->request->arena;
    hg_str protocols = protocols_of(arena, attempt->request->head);
    hg_http_req *http = &attempt->http;
    hg_header ours[] = {{HG_S("connection"), HG_S("upgrade")},
                        {HG_S("upgrade"), HG_S("websocket")},
                        {HG_S("sec-websocket-version"), HG_S("13")},
                        {HG_S("sec-websocket-key"), websocket_key_make(arena)},
                        {HG_S("sec-websocket-protocol"), protocols}};
    size_t count = sizeof ours / sizeof *ours - !protocols.n;
    hg_header *all = arena_alloc(arena, (http->n_headers + count) * sizeof *all);

    if (http->n_headers)
        memcpy(all, http->headers, http->n_headers * sizeof *all);
    memcpy(all + http->n_headers, ours, count * sizeof *all);
    http->headers = all;
    http->n_headers += count;
    http->method = HG_S("GET");
    attempt->upgrade_key = ours[3].value;
    attempt->sending.is_upgrade = true;
}

/* Of those that were offered, or none. */
static bool protocol_is_known(const struct attempt *attempt, hg_str protocol)
{
    return !protocol.n ||
           websocket_field_has(attempt->request->head, HG_S("sec-websocket-protocol"), protocol);
}

bool upgrade_judge(struct attempt *attempt, const struct head *head)
{
    const char *reason = NULL;

    if (head->status >= 300)
        return false;
    reason = websocket_refusal(attempt->request->arena, head, attempt->upgrade_key);
    if (!reason && !protocol_is_known(attempt, head_field(head, HG_S("sec-websocket-protocol"))))
        reason = "it chooses a subprotocol that nobody has offered";
    if (reason) {
        attempt_fail(attempt, FAULT_PROTOCOL, "%s: %s", attempt->target->name, reason);
        return true;
    }
    attempt->raw = true;
    attempt->framing = HG_FRAME_BYTES;
    attempt_succeeded(attempt);
    return true;
}
