/* Do a model's weights look trained? */
#ifndef C2_STUDY_TRAINED_H
#define C2_STUDY_TRAINED_H

#include <chronos2.h>
#include <stdbool.h>

#include "base/status.h"

typedef struct c2_look {
  double spread;       /* mean |deviation / initial deviation - 1| over query and key matrices of both attentions */
  double mean_entropy; /* of dense time attention on a fixed series, over that of uniform attention: mean of heads */
  double least_entropy;
  bool trained; /* the weights have moved and attention is not uniform */
} c2_look;

c2_status c2_look_trained(const chronos2_model *model, c2_look *look, c2_error *err);

#endif
