/* Opening and closing a model: its configuration, its files, and each tensor where it lies. */
#ifndef C2_MODEL_OPEN_H
#define C2_MODEL_OPEN_H

#include "model/weights.h"

/* Opens a model folder, with options->adapter if that isn't NULL. A folder that is itself an adapter names its base
 * model. No tensor is read yet. On failure *model is NULL. */
c2_status c2_model_open(const char *folder, const chronos2_model_options *options, chronos2_model **model,
                        c2_error *err);

/* A model of random weights in memory. On failure *model is NULL. */
c2_status c2_model_random(const chronos2_config *config, uint64_t seed, const chronos2_model_options *options,
                          chronos2_model **model, c2_error *err);

/* Adds a line to the model's warning. */
C2_PRINTF(2, 3) void c2_model_warn(chronos2_model *model, const char *format, ...);

/* The checks that follow once a backend has read the tensors: whether they look trained, and whether the files are
 * still those that were opened (else C2_ERR_IO). */
c2_status c2_model_settle(chronos2_model *model, c2_error *err);

/* Also closes the backend's copy of the weights. */
void c2_model_close(chronos2_model **model);

#endif
