/* Judges by the weights alone whether a model has been trained. */
#ifndef C2_MODEL_TRAINING_H
#define C2_MODEL_TRAINING_H

#include "model/weights.h"

/* See chronos2_model_training. Reads from the model's files. */
c2_status c2_training_of(const chronos2_model *model, chronos2_training *out, c2_error *err);

#endif
