/* simulator.h - the fake provider: a listening socket, its connections, and where answers come
 * from. */
#pragma once

#include "loop/loop.h"
#include "simulate/diary.h"
#include "simulate/drill.h"
#include "simulate/replay.h"
#include "simulate/rule.h"
#include "simulate/spec.h"

struct simulator_setup {
    struct loop *loop;
    int fd;           /* listening; stays the caller's */
    struct rule rule; /* where every request starts; its texts live as long as we do */
    hg_str key;       /* empty: nobody is asked for one */
    struct replay *replay;
    struct drill *drill;
    struct spec *spec;
    struct diary *diary; /* each may be NULL and stays the caller's */
};

struct simulator;

struct simulator *simulator_new(const struct simulator_setup *setup);
void simulator_free(struct simulator **simulator); /* cuts what is open */
