/* Tells whether a model's weights look trained. */
#ifndef C2_STUDY_TRAINED_H
#define C2_STUDY_TRAINED_H

#include <chronos2.h>
#include <stdbool.h>

#include "base/status.h"

typedef struct c2_look {
  chronos2_training training;
  double mean_entropy; /* of dense time attention on a fixed series, over that of uniform attention: mean of heads */
  double least_entropy;
  bool uniform; /* mean_entropy is as good as 1 */
  bool trained; /* the weights have moved and attention is not uniform */
} c2_look;

/* Entropy over that of uniform attention from which on attention counts as uniform. */
#define C2_UNIFORM_ENTROPY 0.97

/* Runs one series through the model to see where its attention goes. */
c2_status c2_look_trained(const chronos2_model *model, c2_look *look, c2_error *err);

#endif
