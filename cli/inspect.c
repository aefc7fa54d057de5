/* `chronos2 inspect`: what a model folder holds, and whether its weights look trained. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cli.h"

/* Attention of the probe: entropy over its greatest possible value, mean over context queries. */
typedef struct entropy {
  double *share; /* [layers * heads] sums */
  double *count; /* [layers * heads] */
  size_t heads;
} entropy;

static void add_entropy(void *user, const chronos2_attention_row *row) {
  entropy *e = user;
  double sum = 0;
  for (size_t i = 0; i < row->tokens; i++) {
    double w = (double)row->weights[i];
    if (w > 0) sum -= w * log(w);
  }
  e->share[row->layer * e->heads + row->head] += sum / log((double)row->tokens);
  e->count[row->layer * e->heads + row->head] += 1;
}

/* Mean relative entropy of attention on a fixed series: 1 = uniform. */
static chronos2_status probe(const chronos2_model *model, double *mean, double *least, c2_error *err) {
  const chronos2_config *c = chronos2_model_config(model);
  enum { LENGTH = 512 };
  float series[LENGTH];
  for (size_t i = 0; i < LENGTH; i++)
    series[i] = (float)(10 + 0.01 * (double)i + 3 * sin(0.2617993878 * (double)i) + cos(1.7 * (double)i));
  size_t cells = c->layers * c->heads;
  entropy e = {.heads = c->heads};
  float *quantiles = NULL;
  chronos2_session *session = NULL;
  chronos2_batch batch = {.rows = 1, .length = LENGTH, .context = series, .output_patches = 1};
  chronos2_status status = CHRONOS2_ERROR_MEMORY;
  if (c2_alloc_array(cells, sizeof(double), &e.share, err) != C2_OK) return status;
  if (c2_alloc_array(cells, sizeof(double), &e.count, err) == C2_OK &&
      c2_alloc_array(c->quantiles * c->patch, sizeof(float), &quantiles, err) == C2_OK) {
    status = chronos2_session_open(model, &(chronos2_session_options){.threads = 1}, &session);
  }
  if (status == CHRONOS2_OK) {
    chronos2_session_on_attention(session, add_entropy, &e);
    status = chronos2_forward(session, &batch, quantiles, NULL, NULL, NULL);
  }
  *mean = 0;
  *least = 1;
  for (size_t i = 0; status == CHRONOS2_OK && i < cells; i++) {
    double share = e.share[i] / e.count[i];
    *mean += share / (double)cells;
    if (share < *least) *least = share;
  }
  chronos2_session_close(&session);
  free(quantiles);
  free(e.share);
  free(e.count);
  return status;
}

static void print_config(const char *folder, const chronos2_model *model) {
  const chronos2_config *c = chronos2_model_config(model);
  (void)printf("model                %s\n", folder);
  (void)printf("d_model              %zu\nd_kv                 %zu\nd_ff                 %zu\n", c->d_model, c->d_kv,
               c->d_ff);
  (void)printf("layers               %zu\nheads                %zu\npatch                %zu\n", c->layers, c->heads,
               c->patch);
  (void)printf("context length       %zu\nmax output patches   %zu\n", c->context_length, c->max_output_patches);
  (void)printf("time encoding scale  %g\nquantile levels     ", c->time_encoding_scale);
  for (size_t i = 0; i < c->quantiles; i++) (void)printf(" %g", c->quantile_levels[i]);
  (void)printf("\nparameters           %zu\n", chronos2_model_parameters(model));
  (void)printf("memory for weights   %.1f MiB\n\n", (double)chronos2_model_bytes(model) / (1 << 20));
}

/* Largest and median of |deviation / initial deviation - 1| over the query and key matrices. */
static chronos2_status print_tensors(const chronos2_model *model, double *spread) {
  size_t matrices = 0;
  *spread = 0;
  (void)printf("%-56s %-5s %-14s %10s %10s %9s\n", "tensor", "dtype", "shape", "mean", "deviation", "/initial");
  for (size_t i = 0; i < chronos2_model_tensors(model); i++) {
    chronos2_tensor_info t;
    chronos2_status status = chronos2_model_tensor(model, i, &t);
    if (status != CHRONOS2_OK) return status;
    char shape[40];
    char ratio[24] = "";
    (void)snprintf(shape, sizeof shape, t.dims == 2 ? "[%zu, %zu]" : "[%zu]", t.shape[0], t.shape[1]);
    if (t.initial_deviation > 0) (void)snprintf(ratio, sizeof ratio, "%.3f", t.deviation / t.initial_deviation);
    (void)printf("%-56s %-5s %-14s %10.4g %10.4g %9s\n", t.name, t.dtype, shape, t.mean, t.deviation, ratio);
    if (strstr(t.name, "self_attention.q.") || strstr(t.name, "self_attention.k.")) {
      *spread += fabs(t.deviation / t.initial_deviation - 1);
      matrices++;
    }
  }
  *spread /= (double)matrices;
  return CHRONOS2_OK;
}

int cli_inspect(int argc, char **argv) {
  const cli_usage usage = {"inspect", "[MODEL]",
                           "Configuration, tensors, parameters and memory need of a model folder [the bundled\n"
                           "checkpoint], and whether its weights look trained.",
                           0, 1};
  int first = 0;
  int exit_status = 0;
  if (!cli_parse(argc, argv, &usage, NULL, NULL, &first, &exit_status)) return exit_status;
  const char *folder = first < argc ? argv[first] : cli_default_model();
  chronos2_model *model = NULL;
  c2_error err = {C2_OK, "cannot allocate the probe"};
  double spread = 0;
  double mean = 0;
  double least = 0;
  chronos2_status status = chronos2_model_open(folder, NULL, &model);
  if (status != CHRONOS2_OK) return cli_fail_api(status);
  print_config(folder, model);
  status = print_tensors(model, &spread);
  if (status == CHRONOS2_OK) status = probe(model, &mean, &least, &err);
  if (status == CHRONOS2_OK) {
    bool moved = spread > 0.05;
    bool focused = mean < 0.97;
    (void)printf("\nquery and key weights differ from their initial spread by %.1f%% on average\n", 100 * spread);
    (void)printf("attention on a probe series: entropy %.3f of uniform on average, %.3f in the sharpest head\n", mean,
                 least);
    (void)printf("the weights look %s\n", moved && focused ? "trained" : "UNTRAINED");
  }
  chronos2_model_close(&model);
  return status == CHRONOS2_OK ? CLI_DONE : cli_fail_api(status);
}
