/* The list of tensors that a model of a given configuration has, and where each belongs in c2_weights. */
#ifndef C2_MODEL_EXPECTED_H
#define C2_MODEL_EXPECTED_H

#include "model/weights.h"

/* Fills model->expected from model->config. */
c2_status c2_expected_list(chronos2_model *model, c2_error *err);

/* Points model->weights at the list's tensors. */
c2_status c2_expected_bind(chronos2_model *model, c2_error *err);

#endif
