/* headgate/units.h - sizes in settings, read the way the gateway reads its own. Code for the
 * plugin, no part of the contract with the host. */
#ifndef HEADGATE_UNITS_H
#define HEADGATE_UNITS_H

#include <headgate/host.h>
#include <headgate/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes in a unit: "", "B", and K, M, G or T, with "B" or "iB" behind it if one likes; 0 if it is
 * none of them. All are powers of 1024. */
static inline double hg_unit(hg_str word)
{
    static const char units[] = "kmgt";
    double bytes = 1024;
    size_t i = 0;

    if (word.n == 0 || (word.n == 1 && (word.p[0] | 0x20) == 'b'))
        return 1;
    if (word.n > 3 || (word.n > 1 && (word.p[word.n - 1] | 0x20) != 'b') ||
        (word.n == 3 && (word.p[1] | 0x20) != 'i'))
        return 0;
    while (units[i] && (word.p[0] | 0x20) != units[i]) {
        bytes *= 1024;
        i++;
    }
    return units[i] ? bytes : 0;
}

/* "64MB", "1.5g", "4096". 0 if it is no size, or an absurd one. */
static inline int hg_size_of_text(hg_str text, uint64_t *ret_bytes)
{
    double value = 0, digit = 1;
    size_t i = 0, whole;

    for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        value = value * 10 + (text.p[i] - '0');
    whole = i;
    if (whole && i < text.n && text.p[i] == '.')
        for (i++; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
            value += (text.p[i] - '0') * (digit /= 10);
    text.p += i;
    text.n -= i;
    value *= hg_unit(text);
    if (!whole || hg_unit(text) < 1 || value > 9e18)
        return 0;
    *ret_bytes = (uint64_t)value;
    return 1;
}

/* A setting: such a text, or a number of bytes; `dflt` if it is absent or null. 0 if it is neither.
 */
static inline int hg_size_of(const hg_host *host, hg_op op, hg_json value, uint64_t dflt,
                             uint64_t *ret_bytes)
{
    int64_t number;

    if (value.kind == HG_J_STR)
        return hg_size_of_text(host->json->str(op, value), ret_bytes);
    if (value.kind == HG_J_NONE || value.kind == HG_J_NULL) {
        *ret_bytes = dflt;
        return 1;
    }
    number = value.kind == HG_J_NUM ? host->json->i64(value, -1) : -1;
    *ret_bytes = number < 0 ? 0 : (uint64_t)number;
    return number >= 0;
}

#ifdef __cplusplus
}
#endif
#endif
