/* The reference backend's forward pass. */
#ifndef C2_ENGINE_REFERENCE_H
#define C2_ENGINE_REFERENCE_H

#include "base/threads.h"
#include "engine/backend.h"

typedef struct c2_reference {
  c2_pool *pool;      /* that reads the tensors */
  c2_raw raw;         /* loaded when it first runs, unless the model holds it */
  c2_block workspace; /* grows to what the largest batch needed */
} c2_reference;

c2_status c2_reference_run(c2_engine *engine, c2_reference *reference, const c2_batch *batch, const c2_result *result,
                           c2_error *err);

#endif
