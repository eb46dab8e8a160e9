#include "shm/mutex.h"

#include <errno.h>

#include "base/ensure.h"

void mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;

    ensure(pthread_mutexattr_init(&attributes) == 0);
    ensure(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    ensure(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    ensure(pthread_mutex_init(mutex, &attributes) == 0);
    pthread_mutexattr_destroy(&attributes);
}

static bool owner_died(pthread_mutex_t *mutex, int rc)
{
    ensure(rc == 0 || rc == EOWNERDEAD);
    if (rc == EOWNERDEAD)
        ensure(pthread_mutex_consistent(mutex) == 0);
    return rc == EOWNERDEAD;
}

bool mutex_lock(pthread_mutex_t *mutex)
{
    return owner_died(mutex, pthread_mutex_lock(mutex));
}

bool mutex_try(pthread_mutex_t *mutex, bool *ret_owner_died)
{
    int rc = pthread_mutex_trylock(mutex);

    if (rc == EBUSY)
        return false;
    *ret_owner_died = owner_died(mutex, rc);
    return true;
}

void mutex_unlock(pthread_mutex_t *mutex)
{
    ensure(pthread_mutex_unlock(mutex) == 0);
}
