/* The instruction set that a caller asks for. */
#ifndef C2_MODEL_LEVEL_H
#define C2_MODEL_LEVEL_H

#include <chronos2.h>

#include "base/status.h"
#include "kernels/kernels.h"

/* Kernels of the level asked for, which the machine must have; under auto CHRONOS2_ISA in the environment lowers it. */
c2_status c2_isa_choose(chronos2_isa_level asked, const c2_kernels **out, c2_error *err);

#endif
