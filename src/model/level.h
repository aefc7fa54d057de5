/* The instruction set that a caller asks for. */
#ifndef C2_MODEL_LEVEL_H
#define C2_MODEL_LEVEL_H

#include <chronos2.h>

#include "base/status.h"
#include "kernels/kernels.h"

/* The level asked for, never above the machine's; under auto CHRONOS2_ISA in the environment lowers it. */
c2_status c2_isa_choose(chronos2_isa_level asked, c2_isa *out, c2_error *err);

#endif
