#include "process/status.h"

#include <stddef.h>
#include <sys/mman.h>

#include "base/ensure.h"

struct status *status_new(void)
{
    struct status *status =
        mmap(NULL, sizeof *status, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ensure(status != MAP_FAILED);
    return status;
}

const char *status_phase_name(enum status_phase phase)
{
    switch (phase) {
    case STATUS_STARTING:
        return "starting";
    case STATUS_RUNNING:
        return "running";
    case STATUS_STOPPING:
        return "stopping";
    }
    return "unknown";
}
