#include "http/start_line.h"

#include "base/text.h"

enum {
    VERSION_LEN = 8 /* "HTTP/1.1" */
};

static enum parse_result refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return PARSE_BAD;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `at` has VERSION_LEN bytes. */
static enum parse_result version_read(const char *at, struct head *ret, const char **ret_reason)
{
    if (memcmp(at, "HTTP/", 5) != 0 || !is_digit(at[5]) || at[6] != '.' || !is_digit(at[7]))
        return refuse(ret_reason, "a start line without an HTTP version");
    if (at[5] != '1' || at[7] > '1') {
        *ret_reason = "an HTTP version other than 1.0 and 1.1";
        return PARSE_VERSION;
    }
    ret->minor = at[7] - '0';
    return PARSE_OK;
}

static bool method_read(hg_str name, enum method *ret)
{
    static const struct {
        hg_str name;
        enum method method;
    } known[] = {
        {{"POST", 4}, METHOD_POST},       {{"GET", 3}, METHOD_GET},
        {{"HEAD", 4}, METHOD_HEAD},       {{"PUT", 3}, METHOD_PUT},
        {{"PATCH", 5}, METHOD_PATCH},     {{"DELETE", 6}, METHOD_DELETE},
        {{"OPTIONS", 7}, METHOD_OPTIONS}, {{"CONNECT", 7}, METHOD_OTHER},
        {{"TRACE", 5}, METHOD_OTHER},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_is(name, known[i].name)) {
            *ret = known[i].method;
            return true;
        }
    return false;
}

enum parse_result request_line_read(hg_str line, struct head *ret, const char **ret_reason)
{
    hg_str rest, method = text_cut(line, ' ', &rest);

    if (!method_read(method, &ret->method))
        return refuse(ret_reason, "an unknown method");
    hg_str version, target = text_cut(rest, ' ', &version);

    if (target.n == 0)
        return refuse(ret_reason, "no request target");
    ret->target = target;
    /* HTTP/0.9 had no version; what has a space more is no version either. */
    if (target.n == rest.n) {
        *ret_reason = "an HTTP version other than 1.0 and 1.1";
        return PARSE_VERSION;
    }
    if (version.n != VERSION_LEN)
        return refuse(ret_reason, "a start line without an HTTP version");
    return version_read(version.p, ret, ret_reason);
}

enum parse_result status_line_read(hg_str line, struct head *ret, const char **ret_reason)
{
    enum {
        CODE_END = VERSION_LEN + 4 /* a space and three digits */
    };
    const char *code = line.p + VERSION_LEN + 1;

    if (line.n < VERSION_LEN)
        return refuse(ret_reason, "a start line without an HTTP version");
    enum parse_result result = version_read(line.p, ret, ret_reason);

    if (result != PARSE_OK)
        return result;
    if (line.n < CODE_END || code[-1] != ' ' || !is_digit(code[0]) || code[0] == '0' ||
        !is_digit(code[1]) || !is_digit(code[2]) || (line.n > CODE_END && code[3] != ' '))
        return refuse(ret_reason, "a status line without a status of three digits");
    ret->status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
    return PARSE_OK;
}
