/* Metrics in Prometheus' text format. */
#include "serve/metrics.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const double bounds[C2_METRICS_BOUNDS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,  0.5,    1,     2.5,  5,     10};

void c2_metrics_count(c2_metrics *m, size_t route, c2_http_status status, double seconds) {
  size_t s = c2_http_index(status);
  size_t b = 0;
  while (b < C2_METRICS_BOUNDS && seconds > bounds[b]) b++;
  atomic_fetch_add(&m->requests[route][s], 1);
  atomic_fetch_add(&m->seconds[route][b], 1);
  atomic_fetch_add(&m->microseconds[route], (uint_fast64_t)(seconds * 1e6));
}

static void write_head(FILE *out, const char *name, const char *type, const char *help) {
  (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_requests(const c2_metrics *m, const char *const *routes, size_t count, FILE *out) {
  write_head(out, "chronos2_requests_total", "counter", "Requests that were answered.");
  for (size_t r = 0; r < count; r++) {
    for (size_t s = 0; s < C2_HTTP_STATUSES; s++) {
      uint64_t n = atomic_load(&m->requests[r][s]);
      if (n == 0) continue;
      (void)fprintf(out, "chronos2_requests_total{route=\"%s\",status=\"%d\"} %" PRIu64 "\n", routes[r],
                    (int)c2_http_at(s), n);
    }
  }
}

static void write_seconds(const c2_metrics *m, const char *const *routes, size_t count, FILE *out) {
  static const char name[] = "chronos2_request_seconds";
  write_head(out, name, "histogram", "Time from a request's headers to the end of its answer.");
  for (size_t r = 0; r < count; r++) {
    uint64_t so_far[C2_METRICS_BOUNDS + 1]; /* each is read once: others count meanwhile */
    uint64_t total = 0;
    for (size_t b = 0; b <= C2_METRICS_BOUNDS; b++) {
      total += atomic_load(&m->seconds[r][b]);
      so_far[b] = total;
    }
    if (total == 0) continue;
    for (size_t b = 0; b < C2_METRICS_BOUNDS; b++) {
      (void)fprintf(out, "%s_bucket{route=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, routes[r], bounds[b], so_far[b]);
    }
    (void)fprintf(out, "%s_bucket{route=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, routes[r], total);
    (void)fprintf(out, "%s_sum{route=\"%s\"} %.6f\n", name, routes[r], (double)atomic_load(&m->microseconds[r]) / 1e6);
    (void)fprintf(out, "%s_count{route=\"%s\"} %" PRIu64 "\n", name, routes[r], total);
  }
}

static void write_counter(FILE *out, const char *name, const char *help, double value) {
  write_head(out, name, "counter", help);
  (void)fprintf(out, "%s %.15g\n", name, value);
}

void c2_metrics_write(const c2_metrics *m, const char *const *routes, size_t count, const c2_gauge *gauges,
                      size_t gauge_count, c2_answer *answer) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) {
    c2_answer_refuse(answer, C2_HTTP_UNAVAILABLE, NULL, "out of memory for the metrics");
    return;
  }
  write_requests(m, routes, count, out);
  write_seconds(m, routes, count, out);
  write_counter(out, "chronos2_batches_total", "Batches that were forecast.", (double)atomic_load(&m->batches));
  write_counter(out, "chronos2_series_total", "Series that were forecast.", (double)atomic_load(&m->series));
  write_counter(out, "chronos2_tokens_total", "Tokens of those series.", (double)atomic_load(&m->tokens));
  write_counter(out, "chronos2_busy_seconds_total", "Time that workers spent on batches.",
                (double)atomic_load(&m->busy_microseconds) / 1e6);
  for (size_t i = 0; i < gauge_count; i++) {
    write_head(out, gauges[i].name, "gauge", gauges[i].help);
    (void)fprintf(out, "%s %.15g\n", gauges[i].name, gauges[i].value);
  }
  if (!c2_text_close(out, &text)) {
    free(text);
    c2_answer_refuse(answer, C2_HTTP_UNAVAILABLE, NULL, "out of memory for the metrics");
    return;
  }
  *answer =
      (c2_answer){.status = C2_HTTP_OK, .type = "text/plain; version=0.0.4; charset=utf-8", .body = text, .size = size};
}
