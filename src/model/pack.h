/* Packed copies of the matrices, for the fused engine. */
#ifndef C2_MODEL_PACK_H
#define C2_MODEL_PACK_H

#include "base/threads.h"
#include "model/weights.h"

/* By the pool's threads; what is packed doesn't depend on them. */
c2_status c2_model_pack(chronos2_model *model, c2_pool *pool, c2_error *err);

#endif
