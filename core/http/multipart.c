#include "http/multipart.h"

#include <string.h>

#include "base/text.h"

enum {
    BOUNDARY_MAX = 70 /* RFC 2046 */
};

/* Takes one parameter off a list like ` name="a;b"; filename=c`. False at its end. A quoted value
 * is given as it stands, escapes and all. */
static bool parameter_take(hg_str *list, hg_str *ret_name, hg_str *ret_value)
{
    const char *at = list->p, *end = list->p + list->n, *start;
    bool quoted;

    while (at < end && (*at == ' ' || *at == '\t' || *at == ';'))
        at++;
    if (at == end)
        return false;
    for (start = at; at < end && *at != '=' && *at != ';'; at++)
        ;
    *ret_name = text_trim((hg_str){start, (size_t)(at - start)});
    *ret_value = (hg_str){at, 0};
    if (at < end && *at == '=') {
        quoted = ++at < end && *at == '"';
        for (start = at += quoted; at < end && *at != (quoted ? '"' : ';'); at++)
            at += quoted && *at == '\\' && at + 1 < end;
        *ret_value = (hg_str){start, (size_t)(at - start)};
        if (!quoted)
            *ret_value = text_trim(*ret_value);
        at += quoted && at < end;
    }
    *list = (hg_str){at, (size_t)(end - at)};
    return true;
}

hg_str multipart_boundary(hg_str content_type)
{
    hg_str list, name, value;

    if (!text_is_nocase(text_trim(text_cut(content_type, ';', &list)), HG_S("multipart/form-data")))
        return HG_S("");
    while (parameter_take(&list, &name, &value))
        if (text_is_nocase(name, HG_S("boundary")))
            return value.n <= BOUNDARY_MAX ? value : HG_S("");
    return HG_S("");
}

/* The next line "--boundary" in `text`: what stands before it, and what behind. */
static bool delimiter_cut(hg_str boundary, hg_str text, hg_str *ret_before, hg_str *ret_behind)
{
    char mark[4 + BOUNDARY_MAX] = "\r\n--";
    size_t n = 4 + boundary.n;

    memcpy(mark + 4, boundary.p, boundary.n);
    const char *found = text.n ? memmem(text.p, text.n, mark, n) : NULL;

    if (!found)
        return false;
    *ret_before = (hg_str){text.p, (size_t)(found - text.p)};
    *ret_behind = (hg_str){found + n, text.n - ret_before->n - n};
    return true;
}

/* Whether a header line names a field, and not a file, of that name. */
static bool line_is(hg_str line, hg_str name)
{
    hg_str list, key, value, rest;
    bool is = false;

    if (!text_is_nocase(text_trim(text_cut(line, ':', &rest)), HG_S("content-disposition")) ||
        !text_is_nocase(text_trim(text_cut(rest, ';', &list)), HG_S("form-data")))
        return false;
    while (parameter_take(&list, &key, &value)) {
        if (text_is_nocase(key, HG_S("filename")) || text_is_nocase(key, HG_S("filename*")))
            return false;
        is |= text_is_nocase(key, HG_S("name")) && text_is(value, name);
    }
    return is;
}

/* The value of a part, which begins behind its delimiter, if it is a field of that name. */
static bool part_is(hg_str part, hg_str name, hg_str *ret_value)
{
    bool is = false;

    hg_str padding = text_cut(part, '\r', &part);

    if (text_trim(padding).n || !part.n || *part.p != '\n')
        return false;
    part = (hg_str){part.p + 1, part.n - 1};
    for (;;) {
        const char *end = part.n ? memmem(part.p, part.n, "\r\n", 2) : NULL;
        hg_str line = {part.p, end ? (size_t)(end - part.p) : 0};

        if (!end)
            return false;
        part = (hg_str){end + 2, part.n - line.n - 2};
        if (!line.n)
            break;
        is |= line_is(line, name);
    }
    *ret_value = part;
    return is;
}

bool multipart_find(hg_str boundary, hg_str body, hg_str name, struct multipart_field *ret)
{
    hg_str part, rest, value;
    bool found = false;

    if (!boundary.n || boundary.n > BOUNDARY_MAX || body.n < 2 + boundary.n)
        return false;
    *ret = (struct multipart_field){0};
    if (text_starts(body, HG_S("--")) && !memcmp(body.p + 2, boundary.p, boundary.n))
        rest = (hg_str){body.p + 2 + boundary.n, body.n - 2 - boundary.n};
    else if (!delimiter_cut(boundary, body, &part, &rest)) /* there may be a preamble */
        return false;
    while (!text_starts(rest, HG_S("--")) && delimiter_cut(boundary, rest, &part, &rest)) {
        if (!part_is(part, name, &value))
            continue;
        if (found) {
            ret->is_twice = true;
            break;
        }
        found = true;
        ret->at = (size_t)(value.p - body.p);
        ret->value = value;
    }
    return found;
}
