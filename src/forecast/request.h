/* A request: series and options that are checked, categories as numbers; and how it is cut into passes. */
#ifndef C2_FORECAST_REQUEST_H
#define C2_FORECAST_REQUEST_H

#include "forecast/session.h"
#include "series/categories.h"

/* Tokens of a pass that keep its workspace small: a pass ends with the series that reaches them. */
enum { C2_PASS_TOKENS = 16384 };

typedef struct c2_request {
  const chronos2_config *config;
  const chronos2_series *series; /* [count] as the caller gave them, but categories are numbers */
  size_t count;
  size_t horizon;       /* steps; 0: no future is read */
  size_t batch_rows;    /* rows of a pass */
  size_t context_limit; /* observations of a context */
  bool cross_learning;  /* the rows of a pass are one group */
  c2_encoded encoded;
} c2_request;

/* Checks the series and encodes their categories; what that takes counts as held by the session. The series must
 * outlive the request. Close it also after a failure. */
c2_status c2_request_open(c2_request *request, chronos2_session *session, const chronos2_series *series, size_t count,
                          const chronos2_predict_options *options, size_t horizon, c2_error *err);
void c2_request_close(c2_request *request);

/* Rows of a series: targets, then covariates. */
static inline size_t c2_rows_of(const chronos2_series *series) {
  return series->targets + series->covariates;
}

/* Series [from, to), and the same again `stride` further on, `times` in all: the futures of an encoded context. */
typedef struct c2_pass {
  size_t from, to, stride, times;
  size_t rows; /* of one time */
} c2_pass;

/* The pass that begins at series `from`: as many series as fit batch_rows. Without cross_learning, where a pass decides
 * no groups, it also ends when it has `most_tokens`; a future of `horizon` steps counts. */
c2_pass c2_request_pass(const c2_request *request, size_t from, size_t horizon, size_t most_tokens);

/* A pass of series [from, to). */
c2_pass c2_request_pass_to(const c2_request *request, size_t from, size_t to);

/* Fills row [times * rows] of a pass: the targets of a series, then its covariates; a group a series, or under
 * cross_learning a group a time. Slots are indices of rows. */
void c2_pass_rows(const c2_request *request, const c2_pass *pass, c2_row *row);

#endif
