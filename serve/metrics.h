/* What the server counts, for GET /metrics. Any thread may count. */
#ifndef C2_SERVE_METRICS_H
#define C2_SERVE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/answer.h"

enum { C2_METRICS_ROUTES = 32, C2_METRICS_BOUNDS = 14 };

/* Zeroed at first. */
typedef struct c2_metrics {
  atomic_uint_fast64_t requests[C2_METRICS_ROUTES][C2_HTTP_STATUSES];
  atomic_uint_fast64_t seconds[C2_METRICS_ROUTES][C2_METRICS_BOUNDS + 1]; /* requests by duration; the last: longer */
  atomic_uint_fast64_t microseconds[C2_METRICS_ROUTES];
  atomic_size_t busy; /* workers */
  atomic_uint_fast64_t batches, series, tokens, busy_microseconds;
} c2_metrics;

/* A request that was answered; route is an index of the names that c2_metrics_write is given. */
void c2_metrics_count(c2_metrics *metrics, size_t route, c2_http_status status, double seconds);

/* What isn't counted but asked for. */
typedef struct c2_gauge {
  const char *name, *help;
  double value;
} c2_gauge;

/* Prometheus' text format, version 0.0.4. */
void c2_metrics_write(const c2_metrics *metrics, const char *const *routes, size_t count, const c2_gauge *gauges,
                      size_t gauge_count, c2_answer *answer);

#endif
