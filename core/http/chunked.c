#include "http/chunked.h"

#include "base/text.h"

enum state {
    SIZE,
    EXTENSION_START,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER,
    TRAILER_LF,
    END_LF
};

enum {
    LINE_MAX_BYTES = 4096,
    TRAILERS_MAX_BYTES = 16384
};

/* The value of a hexadecimal digit, or -1. */
static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool size_byte(struct chunked *chunked, char c)
{
    int digit = digit_of(c);

    if (digit >= 0) {
        if (chunked->left >> 58)
            return false;
        chunked->left = chunked->left << 4 | (unsigned)digit;
        chunked->digits = true;
        return true;
    }
    if (!chunked->digits)
        return false;
    if (c == '\r')
        chunked->state = SIZE_LF;
    else if (c == ';')
        chunked->state = EXTENSION_START;
    else
        return false;
    return true;
}

/* Behind the semicolon there has to be something. */
static bool extension_byte(struct chunked *chunked, char c)
{
    if (chunked->state == EXTENSION_START && (c == ' ' || c == '\t'))
        return true;
    if (chunked->state == EXTENSION_START && c == '\r')
        return false;
    chunked->state = c == '\r' ? SIZE_LF : EXTENSION;
    return c == '\r' || c == '\t' || (unsigned char)c >= ' ';
}

static bool trailer_byte(struct chunked *chunked, char c)
{
    if (c == '\r' && chunked->state != TRAILER_NAME) {
        chunked->state = chunked->state == TRAILER_START ? END_LF : TRAILER_LF;
        return true;
    }
    if (chunked->state == TRAILER_START && c == ':')
        return false;
    if (chunked->state != TRAILER) {
        chunked->state = c == ':' ? TRAILER : TRAILER_NAME;
        return (unsigned char)c > ' ';
    }
    return c == '\t' || (unsigned char)c >= ' ';
}

/* One byte outside the payload; false if it has no place there. */
static bool frame_byte(struct chunked *chunked, char c)
{
    switch ((enum state)chunked->state) {
    case SIZE:
        return size_byte(chunked, c);
    case EXTENSION_START:
    case EXTENSION:
        return extension_byte(chunked, c);
    case SIZE_LF:
        chunked->state = chunked->left ? DATA : TRAILER_START;
        chunked->line = 0;
        return c == '\n';
    case DATA_CR:
        chunked->state = DATA_LF;
        return c == '\r';
    case DATA_LF:
        chunked->state = SIZE;
        chunked->digits = false;
        chunked->line = 0;
        return c == '\n';
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER:
        return trailer_byte(chunked, c);
    case TRAILER_LF:
        chunked->state = TRAILER_START;
        return c == '\n';
    case END_LF:
        chunked->done = true;
        return c == '\n';
    case DATA:
        break;
    }
    return false;
}

static bool line_fits(const struct chunked *chunked)
{
    return chunked->line <= (chunked->state < TRAILER_START ? LINE_MAX_BYTES : TRAILERS_MAX_BYTES);
}

size_t chunked_read(struct chunked *chunked, hg_str in, hg_str *ret_piece)
{
    size_t at = 0;

    *ret_piece = (hg_str){0};
    while (at < in.n && !chunked->done && !chunked->bad) {
        if (chunked->state == DATA) {
            size_t n = in.n - at < chunked->left ? in.n - at : (size_t)chunked->left;

            *ret_piece = (hg_str){in.p + at, n};
            chunked->left -= n;
            if (chunked->left == 0)
                chunked->state = DATA_CR;
            return at + n;
        }
        chunked->line++;
        if (!frame_byte(chunked, in.p[at++]) || !line_fits(chunked))
            chunked->bad = true;
    }
    return at;
}

size_t chunked_line(char line[CHUNKED_LINE_MAX], size_t n)
{
    char *end = put_hex(line, n);

    end = put_mem(end, "\r\n", 2);
    return (size_t)(end - line);
}
