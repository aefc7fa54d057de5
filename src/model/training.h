/* Have a model's weights been trained? By the weights alone. */
#ifndef C2_MODEL_TRAINING_H
#define C2_MODEL_TRAINING_H

#include "model/weights.h"

/* See chronos2_model_training. */
chronos2_training c2_training_of(const chronos2_model *model);

#endif
