/* Chooses the instruction set and the threads that a caller asks for. */
#ifndef C2_ENGINE_CPU_LEVEL_H
#define C2_ENGINE_CPU_LEVEL_H

#include <stdbool.h>

#include "base/status.h"
#include "base/threads.h"
#include "chronos2.h"
#include "kernels/kernels.h"

/* Finds the kernels of the level of that name, which the machine must have, for products of a model of that dtype. If
 * the name is "auto" or NULL, CHRONOS2_ISA in the environment is the name. */
c2_status c2_isa_choose(const char *name, chronos2_dtype dtype, const c2_kernels **out, c2_error *err);

/* Opens a pool of as many threads as are asked for, 0 to 1024. 0 means one for each processor. `pin` is that of
 * c2_pool_open. */
c2_status c2_pool_choose(int asked, bool pin, c2_pool **pool, c2_error *err);

#endif
