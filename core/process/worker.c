/* The loop does everything; this file only brings it up, and listens to the supervisor. */
#include "process/worker.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config.h"
#include "gateway/gateway.h"
#include "loop/loop.h"
#include "process/channel.h"
#include "process/heart.h"
#include "shm/region.h"
#include "shm/slot.h"
