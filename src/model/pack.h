/* Packed copies of the matrices, for the fused engine. */
#ifndef C2_MODEL_PACK_H
#define C2_MODEL_PACK_H

#include "base/threads.h"
#include "kernels/kernels.h"
#include "model/weights.h"

/* By the pool's threads; what is packed doesn't depend on them. W_o W_v is multiplied by the kernels of `isa`. `cache`
 * is a folder where packed weights are kept, or NULL: whatever is wrong with it becomes the model's warning, never a
 * failure. */
c2_status c2_model_pack(chronos2_model *model, c2_pool *pool, const c2_kernels *kernels, const char *cache,
                        c2_error *err);

#endif
