/* A request: series and options after their check, with categories as numbers, and how it is cut into passes. */
#ifndef C2_FORECAST_REQUEST_H
#define C2_FORECAST_REQUEST_H

#include "base/pool.h"
#include "forecast/session.h"
#include "series/categories.h"

/* Tokens of a pass that keep its workspace small: a pass ends with the series that reaches them. It is also what many
 * threads need to have enough to do. */
enum { C2_PASS_TOKENS = 16384 };

/* Why a series has no forecast. */
typedef struct c2_fault {
  c2_status status; /* C2_OK: it has */
  char *text;       /* the caller frees it; NULL if it has, or if there was no memory for it */
} c2_fault;

/* Frees the texts of `count` faults, and the array. */
void c2_faults_free(c2_fault *fault, size_t count);

/* The series of encoded contexts. A request that continues them has them once or several times over. */
typedef struct c2_encoding {
  size_t asked;    /* series that were given, before bad ones were left out */
  c2_fault *fault; /* [asked] why a series was left out; NULL: none was to be */
} c2_encoding;

typedef struct c2_request {
  const chronos2_config *config;
  const chronos2_series *series; /* [count] the good ones as the caller gave them, but categories are numbers */
  size_t count;
  size_t asked;              /* series that the caller gave */
  size_t horizon;            /* steps; 0: no future is read */
  size_t batch_rows;         /* rows of a pass */
  size_t context_limit;      /* observations of a context */
  size_t max_output_patches; /* future tokens of a pass */
  bool cross_learning;       /* the rows of a pass are one group */
  bool skip;                 /* a bad series is left out, and no error */
  size_t *index;             /* [count] the caller's number of a series; NULL: the same */
  chronos2_series *good;     /* [count] copies, where some are bad */
  c2_pool pool;              /* of their covariates, where they differ from the caller's */
  size_t pool_bytes;
  c2_encoded encoded;
} c2_request;

/* The options of a request, after their check, with defaults in the place of 0. It has no series yet. */
c2_status c2_request_settle(c2_request *request, const chronos2_config *config, size_t count,
                            const chronos2_predict_options *options, size_t horizon, c2_error *err);

/* Checks the series and encodes their categories; what that takes counts as held by the session. The series must
 * outlive the request. `fault` [count] takes what is wrong with the series that are left out. It may be NULL if none
 * can be: where neither the options nor `encoding` (NULL: none) leave out any. A series whose encoded past is good but
 * whose future is bad gets a fault too, but it stays in the request, as if its future weren't known: the encoding has
 * its rows. Close the request also after a failure. */
c2_status c2_request_open(c2_request *request, chronos2_session *session, const chronos2_series *series, size_t count,
                          const chronos2_predict_options *options, size_t horizon, const c2_encoding *encoding,
                          c2_fault *fault, c2_error *err);
void c2_request_close(c2_request *request);

/* A request of which only the shape is known. No value is read. Covariates that are not described (NULL) count as if
 * each had to be copied and were known ahead. For c2_pass_rows_plan. */
c2_status c2_request_plan(c2_request *request, chronos2_session *session, const chronos2_series *series, size_t count,
                          const chronos2_predict_options *options, c2_error *err);

/* The caller's number of a series. */
static inline size_t c2_request_index(const c2_request *request, size_t series) {
  return request->index ? request->index[series] : series;
}

/* Rows of a series: targets, then covariates. */
static inline size_t c2_rows_of(const chronos2_series *series) {
  return series->targets + series->covariates;
}

/* A pass has the series [from, to). If it forecasts several futures of an encoded context, it has them `times` times,
 * each time `stride` further on. */
typedef struct c2_pass {
  size_t from, to, stride, times;
  size_t rows; /* of one time */
} c2_pass;

/* The pass that begins at series `from`: as many series as fit batch_rows. Without cross_learning, where a pass decides
 * no groups, it also ends when it has `most_tokens`; a future of `horizon` steps counts. */
c2_pass c2_request_pass(const c2_request *request, size_t from, size_t horizon, size_t most_tokens);

/* Makes a pass of series [from, to). */
c2_pass c2_request_pass_to(const c2_request *request, size_t from, size_t to);

/* The rows of a pass [times * rows]: for each series its targets, then its covariates. A series is a group, or under
 * cross_learning all rows of one time are. Slots are indices of rows. Values that don't lie there as doubles are
 * copied. The engine counts rows and copies as held. Close the rows also after a failure. */
typedef struct c2_pass_rows {
  c2_row *row;
  double *copy;
} c2_pass_rows;

c2_status c2_pass_rows_open(c2_pass_rows *rows, c2_engine *engine, const c2_request *request, const c2_pass *pass,
                            c2_error *err);
void c2_pass_rows_close(c2_pass_rows *rows);

/* Makes rows without values, and tells what c2_pass_rows_open allocates for such. */
c2_status c2_pass_rows_plan(c2_pass_rows *rows, const c2_request *request, const c2_pass *pass, size_t *bytes,
                            c2_error *err);

#endif
