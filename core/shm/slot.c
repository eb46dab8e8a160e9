#include "shm/slot.h"

#include <string.h>

/* The last byte of `to` is never written, so the text ends whenever it is read. */
static void copy_text(char *to, size_t room, const char *p, size_t n)
{
    if (n > room - 1)
        n = room - 1;
    memcpy(to, p, n);
    to[n] = '\0';
}

void culprit_set(struct slot *slot, const char *instance, const char *operation, hg_str request_id)
{
    struct culprit *culprit = &slot->culprit;

    atomic_store_explicit(&culprit->running, 0, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    copy_text(culprit->instance, sizeof culprit->instance, instance, strlen(instance));
    copy_text(culprit->operation, sizeof culprit->operation, operation, strlen(operation));
    copy_text(culprit->request, sizeof culprit->request, request_id.n ? request_id.p : "",
              request_id.n);
    atomic_store_explicit(&culprit->running, 1, memory_order_release);
}

bool culprit_read(const struct slot *slot, struct culprit *ret_culprit)
{
    if (!atomic_load_explicit(&slot->culprit.running, memory_order_acquire))
        return false;
    memcpy(ret_culprit, &slot->culprit, sizeof *ret_culprit);
    ret_culprit->instance[CULPRIT_INSTANCE - 1] = '\0';
    ret_culprit->operation[CULPRIT_OPERATION - 1] = '\0';
    ret_culprit->request[CULPRIT_REQUEST - 1] = '\0';
    return true;
}

void slot_begin(struct slot *slot, int32_t pid, uint64_t generation, hg_ns now)
{
    slot_clear(slot);
    atomic_store(&slot->generation, generation);
    atomic_store(&slot->started_at, now);
    atomic_store(&slot->heartbeat, now);
    atomic_store(&slot->pid, pid);
    atomic_store(&slot->state, SLOT_STARTING);
}

void slot_clear(struct slot *slot)
{
    atomic_store(&slot->state, SLOT_FREE);
    atomic_store(&slot->pid, 0);
    atomic_store(&slot->generation, 0);
    atomic_store(&slot->started_at, 0);
    atomic_store(&slot->heartbeat, 0);
    atomic_store(&slot->open_streams, 0);
    atomic_store(&slot->open_connections, 0);
    atomic_store(&slot->accepted, 0);
    atomic_store(&slot->culprit.running, 0);
    memset(slot->culprit.instance, 0, sizeof slot->culprit.instance);
    memset(slot->culprit.operation, 0, sizeof slot->culprit.operation);
    memset(slot->culprit.request, 0, sizeof slot->culprit.request);
}
