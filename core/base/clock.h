/* clock.h - the only place that reads the time, so that a test can move it. */
#pragma once

#include <headgate/abi.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* Monotonic, as of the last clock_update: the loop updates it once a turn. */
hg_ns clock_now(void);

/* Milliseconds and microseconds since 1970, of the same moment. */
int64_t clock_wall_us(void);

void clock_update(void);

/* Reads the hardware at once, for timings inside a turn. */
hg_ns clock_precise(void);

/* The same for a quarter of the price, but as of the kernel's last tick, 1 to 10 ms ago. */
hg_ns clock_coarse(void);

/* For tests: from now on time stands at `now` (monotonic and wall alike) until it is moved again;
 * 0 gives the real clock back. */
void clock_freeze(hg_ns now);
