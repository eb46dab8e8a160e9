#include "sets.h"

#include <string.h>

enum {
    DIGIT = 1,
    UPPER = 2,
    LOWER = 4,
    LOCAL = 8, /* of an address before the @, besides letters and digits */
    KEY = 16   /* within keys, besides letters and digits */
};

#define LETTER (UPPER | LOWER)
#define ALNUM  (LETTER | DIGIT)

static const uint8_t classes[256] = {
    ['0' ... '9'] = DIGIT, ['A' ... 'Z'] = UPPER, ['a' ... 'z'] = LOWER,
    ['.'] = LOCAL | KEY,   ['_'] = LOCAL | KEY,   ['-'] = LOCAL | KEY,
    ['+'] = LOCAL | KEY,   ['%'] = LOCAL,         ['\''] = LOCAL,
    ['&'] = LOCAL,         ['!'] = LOCAL,         ['#'] = LOCAL,
    ['~'] = LOCAL,         ['/'] = KEY,           ['='] = KEY};

static bool is(hg_str text, size_t at, unsigned wanted)
{
    return at < text.n && classes[(unsigned char)text.p[at]] & wanted;
}

/* The character before a place is none of these, or there is none. */
static bool free_before(hg_str text, size_t at, unsigned unwanted)
{
    return at == 0 || !is(text, at - 1, unwanted);
}

/* The next digit, eight bytes at a time: most text has few. */
static size_t digit_next(hg_str text, size_t at)
{
    for (; at + 8 <= text.n; at += 8) {
        uint64_t bytes;

        memcpy(&bytes, text.p + at, 8);
        uint64_t low = bytes ^ UINT64_C(0x3030303030303030); /* digits become 0 to 9 */
        uint64_t no = low | ((low & UINT64_C(0x7f7f7f7f7f7f7f7f)) + UINT64_C(0x7676767676767676));

        if (~no & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < text.n && !is(text, at, DIGIT))
        at++;
    return at;
}

static size_t run_end(hg_str text, size_t at, unsigned wanted)
{
    while (is(text, at, wanted))
        at++;
    return at;
}

/* A digit run that begins a number: not the inside of a word, nor what follows a decimal point. */
static bool number_starts(hg_str text, size_t at)
{
    if (!free_before(text, at, ALNUM) || (at && text.p[at - 1] == '_'))
        return false;
    return at < 2 || (text.p[at - 1] != '.' && text.p[at - 1] != ',') || !is(text, at - 2, DIGIT);
}

/* ---- e-mail ------------------------------------------------------------------------------- */

/* The end of a domain that begins at `at`: labels, the last of them a word. 0 if there is none. */
static size_t domain_end(hg_str text, size_t at)
{
    size_t good = 0, labels = 0;

    while (is(text, at, ALNUM)) {
        size_t start = at;

        while (is(text, at, ALNUM) || (at < text.n && text.p[at] == '-'))
            at++;
        size_t end = at;

        while (text.p[end - 1] == '-')
            end--;
        bool is_word = run_end(text, start, LETTER) == end && end - start >= 2;
        bool is_idn = end - start > 4 && memcmp(text.p + start, "xn--", 4) == 0;

        if (labels++ && (is_word || is_idn))
            good = end;
        if (end != at || at >= text.n || text.p[at] != '.')
            break;
        at++;
    }
    return good;
}

static bool email_find(hg_str text, size_t from, size_t *ret_at, size_t *ret_n)
{
    const char *sign = from < text.n ? memchr(text.p + from, '@', text.n - from) : NULL;

    while (sign) {
        size_t at = (size_t)(sign - text.p), start = at, end = domain_end(text, at + 1);

        while (start > from && at - start < 64 && is(text, start - 1, ALNUM | LOCAL))
            start--;
        while (start < at && !is(text, start, ALNUM))
            start++;
        if (start < at && end && text.p[at - 1] != '.') {
            *ret_at = start;
            *ret_n = end - start;
            return true;
        }
        sign = memchr(sign + 1, '@', text.n - at - 1);
    }
    return false;
}

/* ---- cards -------------------------------------------------------------------------------- */

enum {
    CARD_MIN = 13,
    CARD_MAX = 19
};

static bool luhn_holds(const char *digits, size_t n)
{
    unsigned sum = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)(digits[n - 1 - i] - '0');

        if (i % 2)
            digit = digit > 4 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

/* Issuers begin with 1 to 6; 13 digits that begin with 1 are a time in milliseconds. */
static bool card_is_real(const char *digits, size_t n)
{
    if (n < CARD_MIN || digits[0] < '1' || digits[0] > '6' || (digits[0] == '1' && n == CARD_MIN))
        return false;
    return luhn_holds(digits, n);
}

/* The end of a card number that begins at `at`: one run, or groups of 3 to 7 with single spaces or
 * hyphens between them, the first of 4. 0 if there is none. */
static size_t card_end(hg_str text, size_t at)
{
    char digits[CARD_MAX];
    size_t n = 0, good = 0;

    for (size_t group = 0;; group++) {
        size_t end = run_end(text, at, DIGIT), len = end - at;

        if (len == 0 || len > CARD_MAX - n || (group && (len < 3 || len > 7)))
            break;
        memcpy(digits + n, text.p + at, len);
        n += len;
        if (!is(text, end, LETTER) && card_is_real(digits, n))
            good = end;
        if ((group == 0 && len != 4) || end >= text.n || (text.p[end] != ' ' && text.p[end] != '-'))
            break;
        at = end + 1;
    }
    return good;
}

static bool card_find(hg_str text, size_t from, size_t *ret_at, size_t *ret_n)
{
    for (size_t at = digit_next(text, from); at < text.n; at = digit_next(text, at)) {
        size_t end = number_starts(text, at) ? card_end(text, at) : 0;

        if (end) {
            *ret_at = at;
            *ret_n = end - at;
            return true;
        }
        at = run_end(text, at, DIGIT);
    }
    return false;
}

/* ---- US social security numbers ----------------------------------------------------------- */

/* 3, 2 and 4 digits with the same sign between them; some values were never given out. */
static bool ssn_at(hg_str text, size_t at)
{
    const char *p = text.p + at;

    if (text.n - at < 11 || run_end(text, at, DIGIT) != at + 3 ||
        run_end(text, at + 4, DIGIT) != at + 6 || run_end(text, at + 7, DIGIT) != at + 11)
        return false;
    if (p[3] != p[6] || (p[3] != '-' && p[3] != ' ' && p[3] != '.') || is(text, at + 11, LETTER))
        return false;
    if (text.n - at > 12 && p[11] == p[3] && is(text, at + 12, DIGIT))
        return false; /* part of something longer */
    return memcmp(p, "000", 3) != 0 && memcmp(p, "666", 3) != 0 && p[0] != '9' &&
           memcmp(p + 4, "00", 2) != 0 && memcmp(p + 7, "0000", 4) != 0;
}

static bool ssn_find(hg_str text, size_t from, size_t *ret_at, size_t *ret_n)
{
    for (size_t at = digit_next(text, from); at < text.n; at = digit_next(text, at)) {
        bool joined = at > 1 && text.p[at - 1] == '-' && is(text, at - 2, ALNUM);

        if (!joined && number_starts(text, at) && ssn_at(text, at)) {
            *ret_at = at;
            *ret_n = 11;
            return true;
        }
        at = run_end(text, at, DIGIT);
    }
    return false;
}

/* ---- phone numbers ------------------------------------------------------------------------ */

/* Signs between two groups of a phone number: one, or a bracket with its space. */
static size_t phone_gap(hg_str text, size_t at)
{
    size_t end = at;

    while (end < text.n && end - at < 2 && memchr(" -.()", text.p[end], 5))
        end++;
    return end > at && is(text, end, DIGIT) ? end : 0;
}

/* "+49 30 23125 469": 8 to 15 digits behind the plus. */
static size_t phone_end_with_plus(hg_str text, size_t plus)
{
    size_t at = plus + 1, digits = 0, good = 0;
    bool is_american = at < text.n && text.p[at] == '1';

    if (!is(text, at, DIGIT) || text.p[at] == '0')
        return 0;
    for (;;) {
        size_t end = run_end(text, at, DIGIT), len = end - at;

        if (digits + len > 15 || (digits >= 8 && len < 2))
            break;
        digits += len;
        good = end;
        at = phone_gap(text, end);
        if (at == 0 || (is_american && digits == 11))
            break;
    }
    return digits >= 8 && !is(text, good, ALNUM) && (!is_american || digits == 11) ? good : 0;
}

/* "(617) 555-0179", "617-555-0172", "617.555.0172", with or without "1" and a gap before. */
static size_t phone_end_american(hg_str text, size_t at)
{
    bool bracket = at < text.n && text.p[at] == '(';
    size_t area = at + bracket, exchange = area + 3 + bracket, sign = exchange, line;

    if (run_end(text, area, DIGIT) != area + 3 || text.p[area] < '2')
        return 0;
    if (bracket && (area + 3 >= text.n || text.p[area + 3] != ')'))
        return 0;
    if (exchange < text.n && memchr(" -.", text.p[exchange], 3))
        exchange++;
    else if (!bracket)
        return 0;
    line = exchange + 4;
    if (run_end(text, exchange, DIGIT) != exchange + 3 || text.p[exchange] < '2' ||
        run_end(text, line, DIGIT) != line + 4)
        return 0;
    if (!memchr(" -.", text.p[exchange + 3], 3) ||
        (!bracket && text.p[exchange + 3] != text.p[sign]))
        return 0;
    if (is(text, line + 4, ALNUM) ||
        (line + 4 < text.n && text.p[line + 4] == '-' && is(text, line + 5, DIGIT)))
        return 0;
    return line + 4;
}

/* Where the number that a digit belongs to begins: at a plus or a bracket before it. */
static size_t phone_start(hg_str text, size_t from, size_t digit)
{
    size_t at = digit;

    if (at > from && text.p[at - 1] == '(')
        at--;
    if (at > from && text.p[at - 1] == '+')
        at--;
    return at;
}

static bool phone_find(hg_str text, size_t from, size_t *ret_at, size_t *ret_n)
{
    for (size_t at = digit_next(text, from); at < text.n; at = digit_next(text, at)) {
        size_t start = phone_start(text, from, at), end = 0;
        bool joined = start > 1 && text.p[start - 1] == '-' && is(text, start - 2, ALNUM);

        if (free_before(text, start, ALNUM) && text.p[start] == '+')
            end = phone_end_with_plus(text, start);
        else if (!joined && number_starts(text, start))
            end = phone_end_american(text, start);
        if (end) {
            *ret_at = start;
            *ret_n = end - start;
            return true;
        }
        at = run_end(text, at, DIGIT);
    }
    return false;
}

/* ---- IBAN --------------------------------------------------------------------------------- */

static size_t iban_len(const char *country)
{
    static const char lens[] =
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29"
        "ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20"
        "LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29"
        "PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20"
        "YE30";

    for (size_t i = 0; i + 4 < sizeof lens; i += 4) {
        if (memcmp(lens + i, country, 2) == 0)
            return (size_t)((lens[i + 2] - '0') * 10 + lens[i + 3] - '0');
    }
    return 0;
}

/* ISO 7064, modulo 97: the first four go to the end, letters count as 10 to 35. */
static bool iban_holds(const char *chars, size_t n)
{
    unsigned rest = 0;

    for (size_t i = 0; i < n; i++) {
        char c = chars[(i + 4) % n];

        if (c >= 'A')
            rest = (rest * 100 + (unsigned)(c - 'A' + 10)) % 97;
        else
            rest = (rest * 10 + (unsigned)(c - '0')) % 97;
    }
    return rest == 1;
}

/* The end of an IBAN that begins at `at`, with single spaces where its writer liked; 0 if none. */
static size_t iban_end(hg_str text, size_t at)
{
    size_t want = iban_len(text.p + at), n = 0;
    char chars[40];

    while (n < want) {
        if (n && at < text.n && text.p[at] == ' ')
            at++;
        if (!is(text, at, UPPER | DIGIT))
            return 0;
        chars[n++] = text.p[at++];
    }
    return want && !is(text, at, ALNUM) && iban_holds(chars, n) ? at : 0;
}

static bool iban_find(hg_str text, size_t from, size_t *ret_at, size_t *ret_n)
{
    for (size_t at = digit_next(text, from); at < text.n; at = digit_next(text, at)) {
        size_t end = 0;

        if (at >= from + 2 && is(text, at + 1, DIGIT) && is(text, at - 1, UPPER) &&
            is(text, at - 2, UPPER) && free_before(text, at - 2, ALNUM))
            end = iban_end(text, at - 2);
        if (end) {
            *ret_at = at - 2;
            *ret_n = end - at + 2;
            return true;
        }
        at = run_end(text, at, DIGIT);
    }
    return false;
}

/* ---- IPv4 --------------------------------------------------------------------------------- */

/* Four numbers up to 255 with dots, and perhaps the length of a prefix. 0 if there is none. */
static size_t ipv4_end(hg_str text, size_t at)
{
    for (int part = 0;; part++) {
        size_t end = run_end(text, at, DIGIT), len = end - at;
        int value = 0;

        for (size_t i = at; i < end && len <= 3; i++)
            value = value * 10 + (text.p[i] - '0');
        if (len == 0 || len > 3 || value > 255)
            return 0;
        at = end;
        if (part == 3)
            break;
        if (at >= text.n || text.p[at] != '.')
            return 0;
        at++;
    }
    if (is(text, at, ALNUM) || (at + 1 < text.n && text.p[at] == '.' && is(text, at + 1, DIGIT)))
        return 0;
    if (at < text.n && text.p[at] == '/' && is(text, at + 1, DIGIT)) {
        size_t end = run_end(text, at + 1, DIGIT);

        if (end - at <= 3 && !is(text, end, LETTER))
            return end;
    }
    return at;
}

static bool ipv4_find(hg_str text, size_t from, size_t *ret_at, size_t *ret_n)
{
    for (size_t at = digit_next(text, from); at < text.n; at = digit_next(text, at)) {
        bool starts = free_before(text, at, ALNUM) && (at == 0 || text.p[at - 1] != '.');
        size_t end = starts ? ipv4_end(text, at) : 0;

        if (end) {
            *ret_at = at;
            *ret_n = end - at;
            return true;
        }
        at = run_end(text, at, DIGIT);
    }
    return false;
}

/* ---- keys --------------------------------------------------------------------------------- */

enum {
    KEY_RUN = 16,   /* no key is shorter */
    KEY_LOOK = 512, /* a digit must come within these: a bound on work, not on keys */
    JWT_HEAD = 1024,
    JWT_BODY = 16384
};

static const struct {
    const char *begins;
    uint8_t least;  /* characters behind the beginning */
    unsigned class; /* what those are made of: these and DIGIT */
} keys[] = {{"sk-", 20, LETTER | KEY},    {"sk_live_", 16, LETTER},
            {"sk_test_", 16, LETTER},     {"rk_live_", 16, LETTER},
            {"gsk_", 20, LETTER},         {"xai-", 20, LETTER},
            {"pplx-", 20, LETTER},        {"hf_", 20, LETTER},
            {"r8_", 20, LETTER},          {"fw_", 20, LETTER},
            {"nvapi-", 20, LETTER | KEY}, {"tvly-", 20, LETTER | KEY},
            {"AIza", 30, LETTER | KEY},   {"ya29.", 20, LETTER | KEY},
            {"AKIA", 16, UPPER},          {"ASIA", 16, UPPER},
            {"ABIA", 16, UPPER},          {"ACCA", 16, UPPER},
            {"ghp_", 36, LETTER},         {"gho_", 36, LETTER},
            {"ghu_", 36, LETTER},         {"ghs_", 36, LETTER},
            {"ghr_", 36, LETTER},         {"github_pat_", 22, LETTER | KEY},
            {"glpat-", 20, LETTER | KEY}, {"xoxb-", 12, LETTER | KEY},
            {"xoxp-", 12, LETTER | KEY},  {"xoxa-", 12, LETTER | KEY},
            {"xoxe-", 12, LETTER | KEY},  {"xoxr-", 12, LETTER | KEY},
            {"xoxs-", 12, LETTER | KEY},  {"xapp-", 12, LETTER | KEY},
            {"npm_", 36, LETTER},         {"pypi-", 32, LETTER | KEY},
            {"SG.", 40, LETTER | KEY},    {"dop_v1_", 64, LOWER},
            {"shpat_", 32, LETTER},       {"dckr_pat_", 20, LETTER | KEY}};

/* A token of three parts, the first of which is a JSON object in base64. */
static bool jwt_is(hg_str word)
{
    const char *dot, *second;

    if (word.n < 30 || memcmp(word.p, "eyJ", 3) != 0)
        return false;
    dot = memchr(word.p, '.', word.n < JWT_HEAD ? word.n : JWT_HEAD);
    if (!dot || dot - word.p < 10)
        return false;
    size_t rest = word.n - (size_t)(dot + 1 - word.p);

    second = memchr(dot + 1, '.', rest < JWT_BODY ? rest : JWT_BODY);
    return second && second - dot > 10;
}

/* "xxxxxxxx" and the like stand for a key, but are none. */
static bool is_varied(hg_str word, size_t at)
{
    uint64_t seen[2] = {0};
    size_t end = word.n < at + KEY_LOOK ? word.n : at + KEY_LOOK;

    for (; at < end; at++)
        seen[word.p[at] >> 6 & 1] |= UINT64_C(1) << (word.p[at] & 63);
    return __builtin_popcountll(seen[0]) + __builtin_popcountll(seen[1]) > 5;
}

/* How much of the word is a key: all that the key's alphabet has. */
static size_t key_len(hg_str word)
{
    if (word.n > 3 && word.p[0] == 'e' && jwt_is(word))
        return word.n;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t n = strlen(keys[i].begins), end = n;
        bool has_digit = false;

        if (word.p[0] != keys[i].begins[0] || word.n < n + keys[i].least ||
            memcmp(word.p, keys[i].begins, n) != 0)
            continue;
        while (end < n + KEY_LOOK && !has_digit && is(word, end, keys[i].class | DIGIT))
            has_digit = is(word, end++, DIGIT);
        if (!has_digit && keys[i].class & KEY)
            continue; /* words-with-hyphens */
        end = run_end(word, end, keys[i].class | DIGIT);
        while (end && memchr(".=/+-", word.p[end - 1], 5)) /* the end of a sentence */
            end--;
        if (end >= n + keys[i].least && is_varied((hg_str){word.p, end}, n))
            return end;
    }
    return 0;
}

/* Where the run of key characters around `at` ends is found from behind, so that short words, which
 * most are, cost a look at one or two of their letters. */
static bool key_find(hg_str text, size_t from, size_t *ret_at, size_t *ret_n)
{
    size_t at = from;

    while (text.n >= KEY_RUN && at <= text.n - KEY_RUN) {
        size_t back = at + KEY_RUN;

        while (back > at && is(text, back - 1, ALNUM | KEY))
            back--;
        if (back > at) { /* the run breaks here: none can begin before */
            at = back;
            continue;
        }
        size_t end = run_end(text, at, ALNUM | KEY);

        for (size_t start = at; start + KEY_RUN <= end; start++) {
            size_t n = free_before(text, start, ALNUM) && (start == 0 || text.p[start - 1] != '_')
                           ? key_len((hg_str){text.p + start, end - start})
                           : 0;

            if (n) {
                *ret_at = start;
                *ret_n = n;
                return true;
            }
        }
        at = end + 1;
    }
    return false;
}

/* ---- the sets ----------------------------------------------------------------------------- */

static const struct set sets[] = {
    {"email", "[EMAIL]", email_find},  {"credit_card", "[CREDIT_CARD]", card_find},
    {"us_ssn", "[US_SSN]", ssn_find},  {"phone", "[PHONE]", phone_find},
    {"iban", "[IBAN]", iban_find},     {"ipv4", "[IPV4]", ipv4_find},
    {"api_key", "[API_KEY]", key_find}};

const struct set *set_by_name(hg_str name)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (strlen(sets[i].name) == name.n && memcmp(sets[i].name, name.p, name.n) == 0)
            return &sets[i];
    }
    return NULL;
}

const struct set *set_at(size_t number)
{
    return number < sizeof sets / sizeof *sets ? &sets[number] : NULL;
}
