/* mutex.h - a mutex in shared memory that outlives its owner. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

void mutex_init(pthread_mutex_t *mutex);

/* True if the last owner died inside: repair what it guards. The mutex is usable again already. */
bool mutex_lock(pthread_mutex_t *mutex);

/* Like mutex_lock, but false if somebody else has it. */
bool mutex_try(pthread_mutex_t *mutex, bool *ret_owner_died);

void mutex_unlock(pthread_mutex_t *mutex);
