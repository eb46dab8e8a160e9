#include "json/pointer.h"

#include <string.h>

#include "base/text.h"
#include "json/index.h"

bool pointer_token(const char **pointer, char room[POINTER_TOKEN_MAX], hg_str *ret_token)
{
    const char *token = *pointer + 1, *end = strchrnul(token, '/');
    size_t n = 0;

    *pointer = end;
    *ret_token = (hg_str){token, (size_t)(end - token)};
    if (!memchr(token, '~', ret_token->n))
        return true;
    for (; token < end; token++) {
        char c = *token;

        if (c == '~') {
            if (++token == end || (*token != '0' && *token != '1'))
                return false;
            c = *token == '0' ? '~' : '/';
        }
        if (n == POINTER_TOKEN_MAX)
            return false;
        room[n++] = c;
    }
    *ret_token = (hg_str){room, n};
    return true;
}

hg_json pointer_child(hg_json from, hg_str token)
{
    uint64_t index;

    if (from.kind == HG_J_OBJ)
        return json_member(from, token);
    if (token.n == 0 || (token.p[0] == '0' && token.n > 1) || !text_to_u64(token, &index))
        return (hg_json){0};
    return json_element(from, index);
}
