#include "json/compact.h"

#include "json/index.h"
#include "json/scan.h"

void json_compact(hg_json value, void (*add)(void *arg, const void *p, size_t n), void *arg)
{
    hg_str raw = json_raw(value);
    const uint8_t *from = (const uint8_t *)raw.p, *end = from + raw.n, *run = from, *at = from;

    while (at < end) {
        if (*at == '"') {
            at = json_skip_string(from, at, end);
        } else if (*at > ' ') {
            at++;
        } else {
            add(arg, run, (size_t)(at - run));
            at = run = json_skip_space(at, end);
        }
    }
    if (at > run)
        add(arg, run, (size_t)(at - run));
}
