/* Embeddings: hidden states after the encoder. */
#ifndef C2_FORECAST_EMBEDDING_H
#define C2_FORECAST_EMBEDDING_H

#include "forecast/request.h"
#include "forecast/session.h"

typedef struct c2_embedded {
  size_t targets, tokens;
  float *values;       /* [targets][tokens][D] */
  double *loc, *scale; /* [targets] */
} c2_embedded;

struct chronos2_embedding {
  size_t count;
  c2_embedded *item; /* [count] */
  c2_fault *fault;   /* [count] why a series has none; NULL unless bad series are left out */
};

/* Embeds `count` series. Free the embedding also after a failure. */
c2_status c2_embedding_run(chronos2_embedding *embedding, chronos2_session *session, const chronos2_series *series,
                           size_t count, const chronos2_predict_options *options, c2_error *err);
void c2_embedding_free(chronos2_embedding *embedding);

#endif
