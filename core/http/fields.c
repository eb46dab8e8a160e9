#include "http/fields.h"

#include "base/text.h"

#define NAME_IS(literal) (memcmp(name.p, literal, sizeof(literal) - 1) == 0)

/* By length first: hardly ever is more than one comparison made. */
static enum field_id field_identify(hg_str name)
{
    bool hop = false;

    switch (name.n) {
    case 2:
        hop = NAME_IS("te");
        break;
    case 4:
        return NAME_IS("host") ? FIELD_HOST : FIELD_OTHER;
    case 6:
        return NAME_IS("expect") ? FIELD_EXPECT : FIELD_OTHER;
    case 7:
        hop = NAME_IS("upgrade") || NAME_IS("trailer");
        break;
    case 10:
        if (NAME_IS("connection"))
            return FIELD_CONNECTION;
        hop = NAME_IS("keep-alive");
        break;
    case 12:
        return NAME_IS("content-type") ? FIELD_CONTENT_TYPE : FIELD_OTHER;
    case 13:
        return NAME_IS("authorization") ? FIELD_AUTHORIZATION : FIELD_OTHER;
    case 14:
        return NAME_IS("content-length") ? FIELD_CONTENT_LENGTH : FIELD_OTHER;
    case 16:
        hop = NAME_IS("proxy-connection");
        break;
    case 17:
        return NAME_IS("transfer-encoding") ? FIELD_TRANSFER_ENCODING : FIELD_OTHER;
    case 18:
        hop = NAME_IS("proxy-authenticate");
        break;
    case 19:
        hop = NAME_IS("proxy-authorization");
        break;
    default:
        break;
    }
    return hop ? FIELD_HOP_BY_HOP : FIELD_OTHER;
}

const char *field_take(struct head *head, struct field *field, struct fields_seen *seen)
{
    uint64_t length;

    field->id = field_identify(field->name);
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
        seen->connection++;
        return NULL;
    case FIELD_OTHER:
    case FIELD_AUTHORIZATION:
    case FIELD_HOP_BY_HOP:
        return NULL;
    }
    return NULL;
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

enum parse_result fields_settle(struct head *head, const struct fields_seen *seen,
                                const char **ret_reason)
{
    for (unsigned i = 0; seen->connection && i < head->field_count; i++)
        if (head->fields[i].id == FIELD_CONNECTION)
            connection_options(head, head->fields[i].value);
    if (seen->coding && seen->length) {
        *ret_reason = "Content-Length together with Transfer-Encoding";
        return PARSE_BAD;
    }
    if (seen->coding && head->minor == 0) {
        *ret_reason = "Transfer-Encoding in HTTP/1.0";
        return PARSE_BAD;
    }
    if (seen->other_coding) {
        *ret_reason = "a transfer coding other than chunked";
        return PARSE_CODING;
    }
    return PARSE_OK;
}
