/* Packed copies of the matrices, for the fused engine. */
#ifndef C2_MODEL_PACK_H
#define C2_MODEL_PACK_H

#include "model/weights.h"

c2_status c2_model_pack(chronos2_model *model, c2_error *err);

#endif
