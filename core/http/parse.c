#include "http/parse.h"

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

#include <http_parser.h>

#include "base/text.h"

/* ---- the scan: what is doubtful byte by byte --------------------------------------------------
 */

enum {
    BYTE_TOKEN = 1,
    BYTE_VALUE = 2,
    BYTE_CAPITAL = 4
};

/* RFC 9110 5.6.2 token characters, and those a field value may hold. */
static const uint8_t classes[256] = {
    ['\t'] = BYTE_VALUE, [' '] = BYTE_VALUE,
    ['!'] = 3,           ['"'] = BYTE_VALUE,
    ['#' ... '\''] = 3,  ['(' ... ')'] = BYTE_VALUE,
    ['*' ... '+'] = 3,   [','] = BYTE_VALUE,
    ['-' ... '.'] = 3,   ['/'] = BYTE_VALUE,
    ['0' ... '9'] = 3,   [':' ... '@'] = BYTE_VALUE,
    ['A' ... 'Z'] = 7,   ['[' ... ']'] = BYTE_VALUE,
    ['^' ... 'z'] = 3,   ['{'] = BYTE_VALUE,
    ['|'] = 3,           ['}'] = BYTE_VALUE,
    ['~'] = 3,           [0x80 ... 0xff] = BYTE_VALUE,
};

static enum parse_result refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return PARSE_BAD;
}

/* A byte other than CR and LF, in its place. */
static const char *byte_wrong(struct head_scan *scan, unsigned char byte)
{
    if (!(classes[byte] & BYTE_VALUE))
        return byte ? "a control character in the head" : "a NUL in the head";
    if (scan->lines == 0)
        return byte == '\t' ? "a tab in the start line" : NULL;
    if (scan->name_done)
        return NULL;
    if (byte == ':') {
        scan->name_done = true;
        return scan->at == scan->line_start ? "a header field without a name" : NULL;
    }
    if (classes[byte] & BYTE_TOKEN)
        return NULL;
    if (scan->at == scan->line_start)
        return byte == ' ' || byte == '\t' ? "a folded header line"
                                           : "a header field name with a forbidden character";
    return byte == ' ' || byte == '\t' ? "a space before the colon of a header field"
                                       : "a header field name with a forbidden character";
}

/* Ends a line at its LF. 1: the head ends here; 0: go on; less: wrong. */
static int line_ends(struct head_scan *scan, const char **ret_reason)
{
    size_t length = scan->at - 1 - scan->line_start;

    if (length == 0 && scan->lines > 0)
        return 1;
    if (length == 0) { /* an empty line before a request line is to be ignored, once */
        if (scan->line_start > 0) {
            *ret_reason = "empty lines before the request";
            return -1;
        }
        scan->line_start = scan->at + 1;
        return 0;
    }
    if (scan->lines > 0 && !scan->name_done) {
        *ret_reason = "a header line without a colon";
        return -1;
    }
    scan->lines++;
    scan->line_start = scan->at + 1;
    scan->name_done = false;
    return 0;
}

static enum parse_result over_limit(const struct head_scan *scan, const struct head_limits *limits)
{
    if (scan->lines == 0 && scan->at > scan->line_start + limits->line)
        return PARSE_LONG_LINE;
    return scan->at > limits->head || scan->lines > limits->fields + 1 ? PARSE_LARGE : PARSE_MORE;
}

#ifdef __SSE2__
/* Sixteen bytes of a value at a time: anything from space on but DEL. */
static size_t value_skip(hg_str bytes, size_t at)
{
    const __m128i space = _mm_set1_epi8(' '), del = _mm_set1_epi8(0x7f);

    for (; bytes.n - at >= 16; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes.p + at));
        __m128i low = _mm_cmpeq_epi8(_mm_max_epu8(x, space), x);
        int fine = _mm_movemask_epi8(_mm_andnot_si128(_mm_cmpeq_epi8(x, del), low));

        if (fine != 0xffff)
            return at + (size_t)__builtin_ctz(~(unsigned)fine);
    }
    return at;
}
#else
static size_t value_skip(hg_str bytes, size_t at)
{
    (void)bytes;
    return at;
}
#endif

/* Passes over bytes that are fine where they stand: nearly all of a head. */
static void run_skip(struct head_scan *scan, hg_str bytes)
{
    uint8_t fine = scan->name_done ? BYTE_VALUE : BYTE_TOKEN;

    if (scan->lines == 0 || scan->name_done)
        scan->at = value_skip(bytes, scan->at);
    while (scan->at < bytes.n && classes[(unsigned char)bytes.p[scan->at]] & fine)
        scan->at++;
}

static enum parse_result head_look(struct head_scan *scan, hg_str bytes,
                                   const struct head_limits *limits, const char **ret_reason)
{
    for (; scan->at < bytes.n; scan->at++) {
        unsigned char byte = (unsigned char)bytes.p[scan->at];

        if (byte == '\n') {
            if (!scan->after_cr)
                return refuse(ret_reason, "a line feed without a carriage return");
            scan->after_cr = false;
            if (over_limit(scan, limits) != PARSE_MORE)
                break;
            int end = line_ends(scan, ret_reason);

            if (end < 0)
                return PARSE_BAD;
            if (end > 0) {
                scan->at++;
                return PARSE_OK;
            }
            if (over_limit(scan, limits) != PARSE_MORE)
                break;
            continue;
        }
        if (scan->after_cr)
            return refuse(ret_reason, "a carriage return without a line feed");
        run_skip(scan, bytes);
        if (scan->at == bytes.n)
            break;
        byte = (unsigned char)bytes.p[scan->at];
        if (byte == '\n')
            return refuse(ret_reason, "a line feed without a carriage return");
        if (byte == '\r') {
            scan->after_cr = true;
            continue;
        }
        const char *wrong = byte_wrong(scan, byte);

        if (wrong)
            return refuse(ret_reason, wrong);
    }
    enum parse_result over = over_limit(scan, limits);

    if (over == PARSE_LONG_LINE)
        *ret_reason = "the request line is too long";
    if (over == PARSE_LARGE)
        *ret_reason = "the header fields are too large or too many";
    return over;
}

/* ---- the start line, by http-parser ---------------------------------------------------------- */

static enum method method_of(unsigned method)
{
    switch (method) {
    case HTTP_GET:
        return METHOD_GET;
    case HTTP_HEAD:
        return METHOD_HEAD;
    case HTTP_POST:
        return METHOD_POST;
    case HTTP_PUT:
        return METHOD_PUT;
    case HTTP_PATCH:
        return METHOD_PATCH;
    case HTTP_DELETE:
        return METHOD_DELETE;
    case HTTP_OPTIONS:
        return METHOD_OPTIONS;
    default:
        return METHOD_OTHER;
    }
}

static int on_url(http_parser *parser, const char *at, size_t n)
{
    ((struct head *)parser->data)->target = (hg_str){at, n};
    return 0;
}

static enum parse_result start_line_read(hg_str line, enum http_parser_type type, struct head *ret,
                                         const char **ret_reason)
{
    static const http_parser_settings callbacks = {.on_url = on_url};
    http_parser parser;

    http_parser_init(&parser, type);
    parser.data = ret;
    http_parser_execute(&parser, &callbacks, line.p, line.n);
    http_parser_execute(&parser, &callbacks, "\r\n", 2);
    enum http_errno wrong = HTTP_PARSER_ERRNO(&parser);

    if (wrong == HPE_INVALID_VERSION ||
        (wrong == HPE_OK && (parser.http_major != 1 || parser.http_minor > 1))) {
        *ret_reason = "an HTTP version other than 1.0 and 1.1";
        return PARSE_VERSION;
    }
    if (wrong != HPE_OK)
        return refuse(ret_reason, http_errno_description(wrong));
    ret->minor = parser.http_minor;
    ret->status = parser.status_code;
    ret->method = method_of(parser.method);
    return PARSE_OK;
}

/* Makes a name's letters small, in our own copy of the head; returns its colon. */
static const char *name_lower(const char *name)
{
    char *at = (char *)(uintptr_t)name;

    for (; *at != ':'; at++)
        *at = (char)(*at | (classes[(unsigned char)*at] & BYTE_CAPITAL) << 3);
    return at;
}

/* The scan has found every line to be a name, a colon and a value. */
static void fields_split(hg_str lines, struct head *head)
{
    const char *end = lines.p + lines.n;

    for (const char *at = lines.p; at + 2 < end;) {
        const char *colon = name_lower(at);
        const char *stop = memchr(colon, '\r', (size_t)(end - colon));

        head->fields[head->field_count++] =
            (struct field){.name = {at, (size_t)(colon - at)},
                           .value = text_trim((hg_str){colon + 1, (size_t)(stop - colon - 1)})};
        at = stop + 2;
    }
}

/* ---- what the fields mean -------------------------------------------------------------------- */

static enum field_id field_identify(hg_str name)
{
    static const struct {
        hg_str name;
        enum field_id id;
    } known[] = {
        {{"te", 2}, FIELD_HOP_BY_HOP},
        {{"host", 4}, FIELD_HOST},
        {{"expect", 6}, FIELD_EXPECT},
        {{"upgrade", 7}, FIELD_HOP_BY_HOP},
        {{"trailer", 7}, FIELD_HOP_BY_HOP},
        {{"connection", 10}, FIELD_CONNECTION},
        {{"keep-alive", 10}, FIELD_HOP_BY_HOP},
        {{"content-type", 12}, FIELD_CONTENT_TYPE},
        {{"authorization", 13}, FIELD_AUTHORIZATION},
        {{"content-length", 14}, FIELD_CONTENT_LENGTH},
        {{"proxy-connection", 16}, FIELD_HOP_BY_HOP},
        {{"transfer-encoding", 17}, FIELD_TRANSFER_ENCODING},
        {{"proxy-authenticate", 18}, FIELD_HOP_BY_HOP},
        {{"proxy-authorization", 19}, FIELD_HOP_BY_HOP},
    };

    /* Most names of the field begin with x, o or d. */
    if (!memchr("acehkptu", *name.p, 8))
        return FIELD_OTHER;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].name.n >= name.n) {
            if (known[i].name.n > name.n)
                return FIELD_OTHER;
            if (memcmp(known[i].name.p, name.p, name.n) == 0)
                return known[i].id;
        }
    return FIELD_OTHER;
}

/* A field that is named here is meant for this connection only. */
static void field_bind(struct head *head, hg_str name)
{
    for (unsigned i = 0; i < head->field_count; i++)
        if (head->fields[i].id == FIELD_OTHER && text_is_nocase(head->fields[i].name, name))
            head->fields[i].id = FIELD_HOP_BY_HOP;
}

static void connection_options(struct head *head, hg_str value)
{
    while (value.n) {
        hg_str option = text_trim(text_cut(value, ',', &value));

        if (text_is_nocase(option, HG_S("close")))
            head->keep_alive = false;
        else if (text_is_nocase(option, HG_S("keep-alive")))
            head->keep_alive = true;
        else
            field_bind(head, option);
    }
}

struct seen {
    unsigned host, length, coding;
    bool other_coding;
};

static const char *field_take(struct head *head, struct field *field, struct seen *seen)
{
    uint64_t length;

    switch (field->id) {
    case FIELD_HOST:
        head->host = field->value;
        return seen->host++ ? "two Host fields" : NULL;
    case FIELD_CONTENT_LENGTH:
        if (!text_to_u64(field->value, &length) || length > INT64_MAX)
            return "a Content-Length that is no number";
        head->content_length = (int64_t)length;
        return seen->length++ ? "two Content-Length fields" : NULL;
    case FIELD_TRANSFER_ENCODING:
        head->chunked = text_is_nocase(field->value, HG_S("chunked"));
        seen->other_coding = !head->chunked;
        return seen->coding++ ? "two Transfer-Encoding fields" : NULL;
    case FIELD_CONTENT_TYPE:
        head->content_type = field->value;
        return NULL;
    case FIELD_EXPECT:
        head->expect_continue = text_is_nocase(field->value, HG_S("100-continue"));
        return NULL;
    case FIELD_CONNECTION: /* afterwards: it names other fields */
    case FIELD_OTHER:
    case FIELD_AUTHORIZATION:
    case FIELD_HOP_BY_HOP:
        return NULL;
    }
    return NULL;
}

static enum parse_result fields_take(struct head *head, struct seen *seen, const char **ret_reason)
{
    head->content_length = -1;
    head->keep_alive = head->minor >= 1;
    for (unsigned i = 0; i < head->field_count; i++) {
        struct field *field = &head->fields[i];

        field->id = field_identify(field->name);
        const char *wrong = field_take(head, field, seen);

        if (wrong)
            return refuse(ret_reason, wrong);
    }
    for (unsigned i = 0; i < head->field_count; i++)
        if (head->fields[i].id == FIELD_CONNECTION)
            connection_options(head, head->fields[i].value);
    if (seen->coding && seen->length)
        return refuse(ret_reason, "Content-Length together with Transfer-Encoding");
    if (seen->coding && head->minor == 0)
        return refuse(ret_reason, "Transfer-Encoding in HTTP/1.0");
    if (seen->other_coding) {
        *ret_reason = "a transfer coding other than chunked";
        return PARSE_CODING;
    }
    return PARSE_OK;
}

/* ---- the target ---------------------------------------------------------------------------------
 */

static bool is_dot_segment(hg_str segment)
{
    unsigned dots = 0;

    while (segment.n) {
        if (*segment.p == '.')
            segment.p++, segment.n--;
        else if (segment.n >= 3 && segment.p[0] == '%' && segment.p[1] == '2' &&
                 (segment.p[2] | 0x20) == 'e')
            segment.p += 3, segment.n -= 3;
        else
            return false;
        dots++;
    }
    return dots == 1 || dots == 2;
}

/* Routing and authorisation look at the same path, so it has one spelling: repeated slashes are
 * made one, and what would climb up is refused. */
static const char *path_settle(struct head *head)
{
    char *from = (char *)(uintptr_t)head->path.p, *to = from, *end = from + head->path.n;

    for (char *at = from; at < end;) {
        char *stop = at + 1;

        while (stop < end && *stop != '/')
            stop++;
        hg_str segment = {at + 1, (size_t)(stop - at - 1)};

        if (is_dot_segment(segment))
            return "dot segments in the path";
        if (memchr(segment.p, '\\', segment.n))
            return "a backslash in the path";
        if (segment.n || stop == end) {
            memmove(to, at, (size_t)(stop - at));
            to += stop - at;
        }
        at = stop;
    }
    head->path.n = (size_t)(to - from);
    return NULL;
}

/* The part of an absolute target behind its authority, which must be the Host that was sent. */
static const char *absolute_split(struct head *head, hg_str *ret_rest)
{
    hg_str target = head->target;
    size_t scheme = text_starts(target, HG_S("http://"))    ? 7
                    : text_starts(target, HG_S("https://")) ? 8
                                                            : 0;
    if (!scheme)
        return "a request target that is neither a path nor an http URL";
    hg_str after = {target.p + scheme, target.n - scheme};
    size_t n = 0;

    while (n < after.n && after.p[n] != '/' && after.p[n] != '?')
        n++;
    if (!text_is_nocase((hg_str){after.p, n}, head->host))
        return "a request target and a Host field that differ";
    *ret_rest = (hg_str){after.p + n, after.n - n};
    return NULL;
}

static const char *target_split(struct head *head, struct arena *arena)
{
    hg_str rest = head->target;

    if (rest.n == 0)
        return "no request target";
    if (memchr(rest.p, '#', rest.n))
        return "a fragment in the request target";
    if (*rest.p != '/' && !(rest.n == 1 && *rest.p == '*')) {
        const char *wrong = absolute_split(head, &rest);

        if (wrong)
            return wrong;
    }
    head->path = text_cut(rest, '?', &head->query);
    if (head->path.n == 0)
        head->path = HG_S("/");
    if (*head->path.p != '/')
        return NULL;
    head->path = arena_text(arena, head->path);
    return path_settle(head);
}

/* ---- the two entries --------------------------------------------------------------------------
 */

/* A head of the right form is copied, so that names can be lower-cased in place, and read. */
static enum parse_result head_read(struct arena *arena, struct head_scan *scan, hg_str bytes,
                                   enum http_parser_type type, const struct head_limits *limits,
                                   struct head *ret, struct seen *seen, const char **ret_reason)
{
    enum parse_result result = head_look(scan, bytes, limits, ret_reason);

    if (result != PARSE_OK)
        return result;
    hg_str copy = arena_text(arena, (hg_str){bytes.p, scan->at});
    size_t first = copy.p[0] == '\r' ? 2 : 0; /* an empty line before the head */
    const char *end = (const char *)memchr(copy.p + first, '\n', copy.n - first) + 1;

    *ret = (struct head){.size = scan->at};
    ret->fields = arena_alloc(arena, (scan->lines + 1) * sizeof *ret->fields);
    result = start_line_read((hg_str){copy.p + first, (size_t)(end - copy.p) - first}, type, ret,
                             ret_reason);
    if (result != PARSE_OK)
        return result;
    fields_split((hg_str){end, (size_t)(copy.p + copy.n - end)}, ret);
    return fields_take(ret, seen, ret_reason);
}

enum parse_result parse_request(struct arena *arena, struct head_scan *scan, hg_str bytes,
                                const struct head_limits *limits, struct head *ret,
                                const char **ret_reason)
{
    struct seen seen = {0};
    enum parse_result result =
        head_read(arena, scan, bytes, HTTP_REQUEST, limits, ret, &seen, ret_reason);

    if (result != PARSE_OK)
        return result;
    if (seen.host == 0 && ret->minor >= 1)
        return refuse(ret_reason, "no Host field");
    const char *wrong = target_split(ret, arena);

    return wrong ? refuse(ret_reason, wrong) : PARSE_OK;
}

enum parse_result parse_response(struct arena *arena, struct head_scan *scan, hg_str bytes,
                                 const struct head_limits *limits, struct head *ret,
                                 const char **ret_reason)
{
    struct seen seen = {0};

    return head_read(arena, scan, bytes, HTTP_RESPONSE, limits, ret, &seen, ret_reason);
}
