/* The mass probe measures how much of the weight of dense time attention a sparse pattern would keep.
 *
 * Kept mass is the weight of the context's queries (REG is one of them) on the keys that windowed_future_global allows,
 * over all their weight; the sums run over layers, heads, rows and queries. Kept edges are the allowed pairs over all
 * pairs of these queries with the S keys. Uniform mass is what attention would keep if it spread evenly over the keys
 * that are not padding. Where kept mass equals uniform mass, attention looks at nothing in particular.
 *
 * The probe observes by chronos2_session_on_attention. It has sums of its own for every layer, row and head. So it
 * needs no locks, and the order of summation doesn't depend on threads. It takes O(layers * rows * heads * radii) and
 * O(rows * heads * S) of memory: it sees one row of S weights at a time, never all S * S of them. */
#ifndef C2_STUDY_PROBE_H
#define C2_STUDY_PROBE_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/status.h"
#include "study/measure/plan.h"
#include "study/tasks/windows.h"

/* Where attention goes: means over the queries that were probed. Shares are from 0 to 1. All are NaN without a
 * query. */
enum { C2_FIXED_KEYS = 4 };
extern const size_t c2_fixed_keys[C2_FIXED_KEYS]; /* 1, 4, 16, 64 */
typedef struct c2_share {
  double mass, edges, uniform; /* of a radius */
  double best;                 /* mass of a query's heaviest keys, as many as the window holds without padding */
  double future;               /* mass on future tokens */
  double distance;             /* tokens between query and key, over the mass on the context */
  double entropy;              /* over that of uniform attention */
  double keys_90, keys_99;     /* fewest keys that hold 90% and 99% of a query's mass */
  double fixed[C2_FIXED_KEYS]; /* mass of a query's c2_fixed_keys heaviest keys */
  double reg, first;           /* mass on REG; on the first token of a row's context that is no padding */
} c2_share;

/* Sums over the rows and queries of several passes. */
typedef struct c2_probe_sums {
  double *head;  /* [layers][heads][width] see probe.c; the two others lie behind it in one block */
  double *edges; /* [radii] allowed pairs */
  double *even;  /* [radii] mass that uniform attention keeps, queries as unit */
  double queries, pairs;
} c2_probe_sums;

typedef struct c2_key_range {
  size_t first, last; /* [first, last) */
} c2_key_range;

typedef struct c2_probe {
  const c2_plan *plan; /* borrowed */
  size_t layers, rows, heads, width;
  c2_pool memory, batch;      /* of the probe; of what depends on the tokens of the batch under way */
  double *cell;               /* [layers][rows][heads][width] of the batch under way */
  c2_probe_sums window, task; /* since the last c2_probe_next_window; before it */
  /* The batch under way: rows of series from first_series on, rows_per_series each. */
  size_t first_series, rows_per_series;
  size_t tokens, context; /* S and its context part, of the longest row */
  c2_key_range *range;    /* [radii][context] that a query sees */
  bool *live;             /* [rows][tokens] the token is no padding */
  uint32_t *before;       /* [rows][heads][tokens + 1] keys before a token that are no padding */
  uint32_t *sorted;       /* [rows][heads][2][tokens + 1] */
  double *cumulative;     /* [rows][heads][tokens + 1] */
} c2_probe;

/* Opens a probe for passes of at most `rows` rows. It is closed already after a failure. */
c2_status c2_probe_open(c2_probe *probe, const c2_plan *plan, size_t layers, size_t rows, size_t heads, c2_error *err);
void c2_probe_close(c2_probe *probe);

/* These two functions stand around a pass. Its longest row has `tokens` tokens, of which `context` are the context's.
 * Shorter rows count as padded on the left. `rows` is the number of rows of the pass. */
c2_status c2_probe_begin_batch(c2_probe *probe, size_t tokens, size_t context, c2_error *err);
void c2_probe_end_batch(c2_probe *probe, size_t rows);

/* Sees one row of attention: the observer to register, with the probe as `user`. */
void c2_probe_observe(void *user, const chronos2_attention_row *row);

/* Adds the window's sums to the task's and begins the next window. */
void c2_probe_next_window(c2_probe *probe);

/* The result at a radius of the plan, of one head, or of all of them if `layer` is SIZE_MAX. */
c2_share c2_probe_result(const c2_probe *probe, const c2_probe_sums *sums, size_t radius_index, size_t layer,
                         size_t head);

/* Forecasts the series of a window, or those that are drawn of them, and so fills a probe that was opened for
 * c2_probe_rows rows. The session must run full attention; its observer and its progress function are set, and removed
 * afterwards. *series_used receives the number of series, *context_used the length of the longest row. */
c2_status c2_probe_window(c2_probe *probe, chronos2_session *session, const chronos2_model *model,
                          const c2_window *window, size_t *series_used, size_t *context_used, c2_error *err);

/* The rows of a pass: as many series as fit the plan's probe_batch, at least one. */
size_t c2_probe_rows(const c2_plan *plan, size_t rows_per_series);

#endif
