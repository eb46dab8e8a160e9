#include "http/websocket.h"

#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/text.h"

/* ---- the upgrade -------------------------------------------------------------------------------
 */

bool websocket_field_has(const struct head *head, hg_str name, hg_str word)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        hg_str list = head->fields[i].value;

        while (text_is(head->fields[i].name, name) && list.n)
            if (text_is_nocase(text_trim(text_cut(list, ',', &list)), word))
                return true;
    }
    return false;
}

/* Sixteen bytes in base64. */
static bool key_is_sane(hg_str key)
{
    if (key.n != WEBSOCKET_KEY_SIZE || key.p[22] != '=' || key.p[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '+' || c == '/'))
            return false;
    }
    return true;
}

const char *websocket_missing(const struct head *head)
{
    if (head->method != METHOD_GET || head->minor < 1)
        return "this is for WebSockets: a GET of HTTP/1.1";
    if (!websocket_field_has(head, HG_S("upgrade"), HG_S("websocket")) ||
        !websocket_field_has(head, HG_S("connection"), HG_S("upgrade")))
        return "this is for WebSockets: it needs Upgrade: websocket and Connection: Upgrade";
    if (!text_is(head_field(head, HG_S("sec-websocket-version")), HG_S("13")))
        return "Sec-WebSocket-Version must be 13";
    if (!key_is_sane(head_field(head, HG_S("sec-websocket-key"))))
        return "Sec-WebSocket-Key must be 16 bytes in base64";
    if (head->chunked || head->content_length > 0)
        return "an upgrade to WebSocket has no body";
    return NULL;
}

hg_str websocket_key_make(struct arena *arena)
{
    uint8_t bytes[16];

    random_fill(bytes, sizeof bytes);
    return base64_encode(arena, bytes, sizeof bytes);
}

hg_str websocket_accept(struct arena *arena, hg_str key)
{
    static const hg_str guid = {"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36};
    char *text = arena_alloc(arena, key.n + guid.n);
    uint8_t sum[SHA1_SIZE];

    put_text(put_text(text, key), guid);
    sha1_of((hg_str){text, key.n + guid.n}, sum);
    return base64_encode(arena, sum, sizeof sum);
}

const char *websocket_refusal(struct arena *arena, const struct head *head, hg_str key)
{
    if (head->status != 101)
        return "it does not switch to WebSocket";
    if (!websocket_field_has(head, HG_S("upgrade"), HG_S("websocket")) ||
        !websocket_field_has(head, HG_S("connection"), HG_S("upgrade")))
        return "it switches to something else than WebSocket";
    if (!text_is(head_field(head, HG_S("sec-websocket-accept")), websocket_accept(arena, key)))
        return "its Sec-WebSocket-Accept is wrong";
    if (head_field(head, HG_S("sec-websocket-extensions")).n)
        return "it uses an extension that nobody has offered";
    return NULL;
}

/* ---- frames ------------------------------------------------------------------------------------
 */

/* A head, read. */
struct frame_head {
    size_t size; /* 0: not all of it is here */
    uint64_t length;
    uint8_t opcode;
    bool is_last, is_control;
};

static enum websocket_found bad(struct websocket *websocket, unsigned code, const char *reason)
{
    websocket->fault = (uint16_t)code;
    websocket->reason = reason;
    return WEBSOCKET_BAD;
}

static uint64_t number_at(const char *p, int n)
{
    uint64_t value = 0;

    for (int i = 0; i < n; i++)
        value = value << 8 | (uint8_t)p[i];
    return value;
}

/* The shortest form that holds the length is the only one allowed. */
static bool length_read(struct frame_head *head, hg_str in, size_t masks)
{
    unsigned said = (uint8_t)in.p[1] & 0x7f;
    int more = said < 126 ? 0 : said == 126 ? 2 : 8;

    head->length = said;
    if (in.n < 2 + (size_t)more + masks)
        return true;
    head->size = 2 + (size_t)more + masks;
    if (more)
        head->length = number_at(in.p + 2, more);
    return more == 0 ||
           (more == 2 ? head->length > 125 : head->length > 0xffff && head->length <= INT64_MAX);
}

static const char *opcode_check(const struct websocket *websocket, const struct frame_head *head)
{
    switch (head->opcode) {
    case WEBSOCKET_CONTINUATION:
        return websocket->message ? NULL : "a continuation of nothing";
    case WEBSOCKET_TEXT:
    case WEBSOCKET_BINARY:
        return websocket->message ? "a new message before the last one has ended" : NULL;
    case WEBSOCKET_CLOSE:
    case WEBSOCKET_PING:
    case WEBSOCKET_PONG:
        return head->is_last ? NULL : "a control frame in fragments";
    default:
        return "a frame of an unknown kind";
    }
}

/* Reads the head at the front of `in`, as far as it is here; what is wrong with it already. */
static const char *head_read(const struct websocket *websocket, hg_str in, struct frame_head *ret)
{
    uint8_t first = in.n ? (uint8_t)in.p[0] : 0;
    const char *reason;

    *ret = (struct frame_head){
        .opcode = first & 0x0f, .is_last = first & 0x80, .is_control = (first & 0x08) != 0};
    if (in.n < 1)
        return NULL;
    if (first & 0x70)
        return "a reserved bit of a frame is set";
    if ((reason = opcode_check(websocket, ret)) || in.n < 2)
        return reason;
    if (((uint8_t)in.p[1] >> 7) != websocket->is_masked)
        return websocket->is_masked ? "a client's frame without a mask"
                                    : "a server's frame with a mask";
    if (ret->is_control && ((uint8_t)in.p[1] & 0x7f) > WEBSOCKET_CONTROL_MAX)
        return "a control frame that is too long";
    if (!length_read(ret, in, websocket->is_masked ? 4 : 0))
        return "a length that is not written as it must be";
    return NULL;
}

static bool code_is_sane(unsigned code)
{
    return (code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1014 && code != 1004 &&
                                              code != CLOSE_NO_CODE && code != CLOSE_ABNORMAL);
}

/* `frame` is whole. */
static bool close_read(struct websocket *websocket, hg_str frame)
{
    size_t length = (uint8_t)frame.p[1] & 0x7f, at = frame.n - length;
    uint8_t code[2];

    websocket->close_code = CLOSE_NO_CODE;
    websocket->is_closed = length == 0;
    if (length < 2)
        return length == 0;
    for (size_t i = 0; i < 2; i++)
        code[i] = (uint8_t)(frame.p[at + i] ^ (websocket->is_masked ? frame.p[at - 4 + i] : 0));
    websocket->close_code = (uint16_t)(code[0] << 8 | code[1]);
    return websocket->is_closed = code_is_sane(websocket->close_code);
}

static hg_str take(hg_str *bytes, size_t n)
{
    hg_str taken = {bytes->p, n};

    bytes->p += n;
    bytes->n -= n;
    return taken;
}

/* More of the payload of the frame under way. */
static void payload_take(struct websocket *websocket, hg_str *bytes, struct websocket_piece *ret)
{
    size_t n = bytes->n < websocket->left ? bytes->n : (size_t)websocket->left;

    ret->payload = take(bytes, n);
    websocket->left -= n;
    ret->opcode = websocket->message;
    ret->ends = websocket->left == 0 && websocket->is_last;
    if (ret->ends) {
        websocket->messages++;
        websocket->message = 0;
        websocket->message_len = 0;
    }
}

static enum websocket_found data_begin(struct websocket *websocket, const struct frame_head *head,
                                       hg_str *bytes, struct websocket_piece *ret)
{
    const char *start = ret->bytes.p; /* of what of the head has come in this read */

    websocket->message_len += head->length; /* each is at most INT64_MAX */
    if (websocket->message_max && websocket->message_len > websocket->message_max)
        return bad(websocket, CLOSE_TOO_LARGE, "a message larger than the limit");
    if (websocket->message_len > INT64_MAX)
        return bad(websocket, CLOSE_TOO_LARGE, "a message without end");
    if (head->opcode != WEBSOCKET_CONTINUATION) {
        websocket->message = head->opcode;
        ret->starts = true;
    }
    websocket->frames++;
    websocket->is_last = head->is_last;
    websocket->left = head->length;
    payload_take(websocket, bytes, ret);
    ret->bytes = (hg_str){start, (size_t)(bytes->p - start)};
    return WEBSOCKET_DATA;
}

/* How much of a frame is taken only whole: its head, or all of a control frame. 0: not known yet.
 */
static size_t unit_size(const struct frame_head *head)
{
    if (!head->size)
        return 0;
    return head->size + (head->is_control ? (size_t)head->length : 0);
}

/* The next head in front of what is held and what has come. */
static enum websocket_found frame_begin(struct websocket *websocket, hg_str *bytes,
                                        struct websocket_piece *ret)
{
    hg_str unit = *bytes;
    struct frame_head head;
    const char *reason;
    size_t held = websocket->held_n, size;

    if (held) { /* as much of it as one can need */
        size_t room = sizeof websocket->held - held, n = bytes->n < room ? bytes->n : room;

        memcpy(websocket->held + held, bytes->p, n);
        unit = (hg_str){websocket->held, held + n};
    }
    if ((reason = head_read(websocket, unit, &head)))
        return bad(websocket, CLOSE_PROTOCOL, reason);
    size = unit_size(&head);
    if (size == 0 || size > unit.n) {
        if (!held)
            memcpy(websocket->held, unit.p, unit.n);
        websocket->held_n = (uint8_t)unit.n;
        take(bytes, bytes->n);
        return WEBSOCKET_MORE;
    }
    ret->held = (hg_str){websocket->held, held};
    ret->bytes = take(bytes, size - held);
    websocket->held_n = 0;
    if (!head.is_control)
        return data_begin(websocket, &head, bytes, ret);
    websocket->frames++;
    ret->opcode = head.opcode;
    if (head.opcode == WEBSOCKET_CLOSE && !close_read(websocket, (hg_str){unit.p, size}))
        return bad(websocket, CLOSE_PROTOCOL, "a close frame with a code that must not be sent");
    return WEBSOCKET_CONTROL;
}

enum websocket_found websocket_next(struct websocket *websocket, hg_str *bytes,
                                    struct websocket_piece *ret)
{
    *ret = (struct websocket_piece){.held = {NULL, 0}};
    if (websocket->fault)
        return WEBSOCKET_BAD;
    if (websocket->is_closed) /* nothing may follow, and nobody looks at it */
        take(bytes, bytes->n);
    if (!bytes->n)
        return WEBSOCKET_MORE;
    if (!websocket->left)
        return frame_begin(websocket, bytes, ret);
    payload_take(websocket, bytes, ret);
    ret->bytes = ret->payload;
    return WEBSOCKET_DATA;
}

hg_str websocket_close(char room[WEBSOCKET_CLOSE_MAX], bool is_masked, unsigned code,
                       const char *reason)
{
    size_t n = strlen(reason), at = is_masked ? 6 : 2;
    char *payload = room + at;

    if (n > WEBSOCKET_CONTROL_MAX - 2)
        n = WEBSOCKET_CONTROL_MAX - 2;
    if (code_is_sane(code)) {
        payload[0] = (char)(code >> 8);
        payload[1] = (char)code;
        memcpy(payload + 2, reason, n);
        n += 2;
    } else {
        n = 0;
    }
    room[0] = (char)(0x80 | WEBSOCKET_CLOSE);
    room[1] = (char)(n | (is_masked ? 0x80 : 0));
    if (is_masked) {
        random_fill(room + 2, 4);
        for (size_t i = 0; i < n; i++)
            payload[i] = (char)(payload[i] ^ room[2 + (i & 3)]);
    }
    return (hg_str){room, at + n};
}
