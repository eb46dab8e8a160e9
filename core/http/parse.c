#include "http/parse.h"

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

#include "base/text.h"
#include "http/fields.h"
#include "http/start_line.h"
#include "http/target.h"

/* Where a field stands, from the head's first byte on. */
struct head_place {
    uint32_t name, colon, end;
};

enum {
    BYTE_TOKEN = 1,
    BYTE_VALUE = 2,
};

/* RFC 9110 5.6.2 token characters, and those a field value may hold. */
static const uint8_t classes[256] = {
    ['\t'] = BYTE_VALUE, [' '] = BYTE_VALUE,
    ['!'] = 3,           ['"'] = BYTE_VALUE,
    ['#' ... '\''] = 3,  ['(' ... ')'] = BYTE_VALUE,
    ['*' ... '+'] = 3,   [','] = BYTE_VALUE,
    ['-' ... '.'] = 3,   ['/'] = BYTE_VALUE,
    ['0' ... '9'] = 3,   [':' ... '@'] = BYTE_VALUE,
    ['A' ... 'Z'] = 3,   ['[' ... ']'] = BYTE_VALUE,
    ['^' ... 'z'] = 3,   ['{'] = BYTE_VALUE,
    ['|'] = 3,           ['}'] = BYTE_VALUE,
    ['~'] = 3,           [0x80 ... 0xff] = BYTE_VALUE,
};

static enum parse_result refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return PARSE_BAD;
}

/* ---- passing over many bytes at once -----------------------------------------------------------
 */

enum {
    BLOCK = 16
};

#ifdef __SSE2__
static __m128i block_at(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Which bytes lie from `first` to `first` + `span`. */
static __m128i in_range(__m128i x, char first, char span)
{
    __m128i from_first = _mm_sub_epi8(x, _mm_set1_epi8(first));

    return _mm_cmpeq_epi8(_mm_min_epu8(from_first, _mm_set1_epi8(span)), from_first);
}

/* The number of bytes before the first that is not fine; BLOCK if all are. */
static size_t fine_count(__m128i fine)
{
    return (size_t)__builtin_ctz(~(unsigned)_mm_movemask_epi8(fine));
}

/* Letters, digits and hyphens: nearly all of a name. */
static size_t name_skip_blocks(hg_str bytes, size_t at)
{
    size_t n = BLOCK;

    for (; n == BLOCK && bytes.n - at >= BLOCK; at += n) {
        __m128i x = block_at(bytes.p + at);
        __m128i letter = in_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z' - 'a');
        __m128i other = _mm_or_si128(in_range(x, '0', 9), _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));

        n = fine_count(_mm_or_si128(letter, other));
    }
    return at;
}

/* Anything from space on but DEL: nearly all of a value. */
static size_t value_skip_blocks(hg_str bytes, size_t at)
{
    const __m128i space = _mm_set1_epi8(' '), del = _mm_set1_epi8(0x7f);
    size_t n = BLOCK;

    for (; n == BLOCK && bytes.n - at >= BLOCK; at += n) {
        __m128i x = block_at(bytes.p + at);
        __m128i low = _mm_cmpeq_epi8(_mm_max_epu8(x, space), x);

        n = fine_count(_mm_andnot_si128(_mm_cmpeq_epi8(x, del), low));
    }
    return at;
}

/* BLOCK bytes may be read and written at the end of the name, too: the copy has that room. */
static void name_lower(char *name, size_t n)
{
    static const unsigned char lanes[2 * BLOCK] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    };

    for (size_t at = 0; at < n; at += BLOCK) {
        size_t outside = n - at < BLOCK ? BLOCK - (n - at) : 0;
        __m128i x = block_at(name + at), inside = block_at((const char *)lanes + outside);
        __m128i capital = _mm_and_si128(in_range(x, 'A', 'Z' - 'A'), inside);

        x = _mm_or_si128(x, _mm_and_si128(capital, _mm_set1_epi8(0x20)));
        _mm_storeu_si128((__m128i *)(void *)(name + at), x);
    }
}
#else
static size_t name_skip_blocks(hg_str bytes, size_t at)
{
    (void)bytes;
    return at;
}

static size_t value_skip_blocks(hg_str bytes, size_t at)
{
    (void)bytes;
    return at;
}

static void name_lower(char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (name[i] >= 'A' && name[i] <= 'Z')
            name[i] = (char)(name[i] | 0x20);
}
#endif

static size_t skip(hg_str bytes, size_t at, uint8_t fine)
{
    while (at < bytes.n && classes[(unsigned char)bytes.p[at]] & fine)
        at++;
    return at;
}

static size_t name_skip(hg_str bytes, size_t at)
{
    return skip(bytes, name_skip_blocks(bytes, at), BYTE_TOKEN);
}

static size_t value_skip(hg_str bytes, size_t at)
{
    at = value_skip_blocks(bytes, at);
    while (at < bytes.n && bytes.p[at] == '\t') /* ends a block, but is fine */
        at = value_skip_blocks(bytes, at + 1);
    return skip(bytes, at, BYTE_VALUE);
}

/* ---- the look: is every byte in its place, and where do the fields stand?
 * ------------------------
 */

static const char *control_wrong(char c)
{
    switch (c) {
    case 0:
        return "a NUL in the head";
    case '\n':
        return "a line feed without a carriage return";
    case '\r':
        return "a carriage return without a line feed";
    default:
        return "a control character in the head";
    }
}

/* A byte that ends a name and is not its colon. */
static const char *name_wrong(char c, bool is_first)
{
    if (is_first && c == ':')
        return "a header field without a name";
    if (c == ' ' || c == '\t')
        return is_first ? "a folded header line" : "a space before the colon of a header field";
    if (c == '\r')
        return "a header line without a colon";
    return classes[(unsigned char)c] ? "a header field name with a forbidden character"
                                     : control_wrong(c);
}

/* Passes over what is left of a line, its end included. */
static enum parse_result line_pass(struct head_scan *scan, hg_str bytes, const char **ret_reason)
{
    size_t at = scan->at = value_skip(bytes, scan->at);

    if (at == bytes.n || (bytes.p[at] == '\r' && at + 1 == bytes.n))
        return PARSE_MORE;
    if (bytes.p[at] != '\r' || bytes.p[at + 1] != '\n')
        return refuse(ret_reason, control_wrong(bytes.p[at]));
    scan->at += 2;
    return PARSE_OK;
}

static enum parse_result start_line_look(struct head_scan *scan, hg_str bytes,
                                         const struct head_limits *limits, const char **ret_reason)
{
    enum parse_result result = line_pass(scan, bytes, ret_reason);

    /* An empty line before the start line is to be ignored, once. */
    if (result == PARSE_OK && scan->line_start == 0 && scan->at == 2) {
        scan->line_start = 2;
        result = line_pass(scan, bytes, ret_reason);
    }
    size_t end = result == PARSE_OK ? scan->at - 2 : scan->at;

    if (end - scan->line_start > limits->line) {
        *ret_reason = "the request line is too long";
        return PARSE_LONG_LINE;
    }
    if (result != PARSE_OK)
        return result;
    if (end == scan->line_start)
        return refuse(ret_reason, "empty lines before the request");
    if (memchr(bytes.p + scan->line_start, '\t', end - scan->line_start))
        return refuse(ret_reason, "a tab in the start line");
    scan->start_line = scan->line_start;
    scan->start_line_end = end;
    scan->line_start = scan->at;
    return PARSE_OK;
}

static void place_add(struct head_scan *scan, struct arena *arena, struct head_place place)
{
    enum {
        FIRST_ROOM = 16
    };

    if (scan->count == scan->room) {
        unsigned room = scan->room ? scan->room * 2 : FIRST_ROOM;
        struct head_place *larger = arena_alloc(arena, room * sizeof *larger);

        if (scan->count)
            memcpy(larger, scan->places, scan->count * sizeof *larger);
        scan->places = larger;
        scan->room = room;
    }
    scan->places[scan->count++] = place;
}

static enum parse_result field_look(struct head_scan *scan, struct arena *arena, hg_str bytes,
                                    const char **ret_reason)
{
    if (!scan->colon) {
        scan->at = name_skip(bytes, scan->at);
        if (scan->at == bytes.n)
            return PARSE_MORE;
        bool is_first = scan->at == scan->line_start;

        if (bytes.p[scan->at] != ':' || is_first)
            return refuse(ret_reason, name_wrong(bytes.p[scan->at], is_first));
        scan->colon = scan->at++;
    }
    enum parse_result result = line_pass(scan, bytes, ret_reason);

    if (result != PARSE_OK)
        return result;
    place_add(scan, arena,
              (struct head_place){(uint32_t)scan->line_start, (uint32_t)scan->colon,
                                  (uint32_t)scan->at - 2});
    scan->line_start = scan->at;
    scan->colon = 0;
    return PARSE_OK;
}

/* PARSE_OK: the head ends at scan->at. */
static enum parse_result lines_look(struct head_scan *scan, struct arena *arena, hg_str bytes,
                                    const struct head_limits *limits, const char **ret_reason)
{
    enum parse_result result = PARSE_OK;

    if (!scan->start_line_end)
        result = start_line_look(scan, bytes, limits, ret_reason);
    while (result == PARSE_OK) {
        if (scan->at == scan->line_start && scan->at < bytes.n && bytes.p[scan->at] == '\r')
            return line_pass(scan, bytes, ret_reason);
        result = field_look(scan, arena, bytes, ret_reason);
        if (scan->count > limits->fields)
            result = PARSE_LARGE;
    }
    return result;
}

static enum parse_result head_look(struct head_scan *scan, struct arena *arena, hg_str bytes,
                                   const struct head_limits *limits, const char **ret_reason)
{
    bool all = bytes.n < limits->head;

    if (!all)
        bytes.n = limits->head;
    enum parse_result result = lines_look(scan, arena, bytes, limits, ret_reason);

    if (result == PARSE_MORE && !all)
        result = PARSE_LARGE;
    if (result == PARSE_LARGE)
        *ret_reason = "the header fields are too large or too many";
    return result;
}

/* ---- the head is made ---------------------------------------------------------------------------
 */

static hg_str value_trim(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (hg_str){p, (size_t)(end - p)};
}

static enum parse_result fields_make(const struct head_scan *scan, struct arena *arena, char *copy,
                                     struct head *head, struct fields_seen *seen,
                                     const char **ret_reason)
{
    head->fields = arena_alloc(arena, scan->count * sizeof *head->fields);
    head->field_count = scan->count;
    head->content_length = -1;
    head->keep_alive = head->minor >= 1;
    for (unsigned i = 0; i < scan->count; i++) {
        const struct head_place *place = &scan->places[i];
        struct field *field = &head->fields[i];

        field->name = (hg_str){copy + place->name, place->colon - place->name};
        field->value = value_trim(copy + place->colon + 1, copy + place->end);
        name_lower(copy + place->name, field->name.n);
        const char *wrong = field_take(head, field, seen);

        if (wrong)
            return refuse(ret_reason, wrong);
    }
    return fields_settle(head, seen, ret_reason);
}

typedef enum parse_result start_line_read(hg_str line, struct head *ret, const char **ret_reason);

/* A head of the right form is copied, so that names can be lower-cased in place, and read. */
static enum parse_result head_read(struct arena *arena, struct head_scan *scan, hg_str bytes,
                                   const struct head_limits *limits, start_line_read *read,
                                   struct head *ret, struct fields_seen *seen,
                                   const char **ret_reason)
{
    enum parse_result result = head_look(scan, arena, bytes, limits, ret_reason);

    if (result != PARSE_OK)
        return result;
    char *copy = arena_alloc(arena, scan->at + BLOCK);

    memcpy(copy, bytes.p, scan->at);
    *ret = (struct head){.size = scan->at};
    result = read((hg_str){copy + scan->start_line, scan->start_line_end - scan->start_line}, ret,
                  ret_reason);
    if (result != PARSE_OK)
        return result;
    return fields_make(scan, arena, copy, ret, seen, ret_reason);
}

enum parse_result parse_request(struct arena *arena, struct head_scan *scan, hg_str bytes,
                                const struct head_limits *limits, struct head *ret,
                                const char **ret_reason)
{
    struct fields_seen seen = {0};
    enum parse_result result =
        head_read(arena, scan, bytes, limits, request_line_read, ret, &seen, ret_reason);

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
    struct fields_seen seen = {0};

    return head_read(arena, scan, bytes, limits, status_line_read, ret, &seen, ret_reason);
}
