/* `chronos2 inspect`: what a model folder holds, and whether its weights look trained. */
#include <stdio.h>

#include "cli/cli.h"
#include "study/measure/trained.h"

static void print_config(const char *name, const chronos2_model *model) {
  const chronos2_config *c = chronos2_model_config(model);
  (void)printf("model                %s\n", name);
  (void)printf("d_model              %zu\nd_kv                 %zu\nd_ff                 %zu\n", c->d_model, c->d_kv,
               c->d_ff);
  (void)printf("layers               %zu\nheads                %zu\npatch                %zu\n", c->layers, c->heads,
               c->patch);
  (void)printf("context length       %zu\nmax output patches   %zu\n", c->context_length, c->max_output_patches);
  (void)printf("time encoding scale  %g\nquantile levels     ", c->time_encoding_scale);
  for (size_t i = 0; i < c->quantiles; i++) {
    (void)putchar(' ');
    cli_print_double(stdout, c->quantile_levels[i], 17);
  }
  (void)printf("\ntrained for          %s", chronos2_model_trained_text(model));
  (void)printf("\nparameters           %zu\n", chronos2_model_parameters(model));
  (void)printf("memory for weights   %.1f MiB\n\n", (double)chronos2_model_bytes(model) / (1 << 20));
}

static chronos2_status print_tensors(const chronos2_model *model) {
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
  }
  return CHRONOS2_OK;
}

int cli_inspect(int argc, char **argv) {
  const cli_usage usage = {
      .command = "inspect",
      .arguments = "[MODEL]",
      .summary = "Prints the configuration, the tensors, the number of parameters and the memory need of a model "
                 "[the bundled checkpoint], by its folder or as OWNER/NAME[@REVISION], and whether its weights look "
                 "trained.",
      .examples = "Look at a model of a hub:\nchronos2 inspect amazon/chronos-2\n",
      .max_arguments = 1};
  int first = 0;
  int exit_status = 0;
  if (!cli_parse(argc, argv, &usage, NULL, NULL, &first, &exit_status)) return exit_status;
  const char *name = first < argc ? argv[first] : cli_default_model();
  cli_engine engine = {.model = name};
  chronos2_model *model = NULL;
  c2_error err = {.code = C2_OK};
  c2_look look;
  exit_status = cli_engine_locate(&engine);
  if (exit_status != CLI_DONE) return exit_status;
  const chronos2_model_options options = cli_model_options(&engine);
  chronos2_status status = chronos2_model_open(engine.model, &options, &model);
  if (status != CHRONOS2_OK) return cli_fail_api(status);
  if (chronos2_model_warning(model)) cli_warn("%s", chronos2_model_warning(model));
  print_config(name, model);
  status = print_tensors(model);
  exit_status = status == CHRONOS2_OK ? CLI_DONE : cli_fail_api(status);
  if (exit_status == CLI_DONE && c2_look_trained(model, &look, &err) != C2_OK) exit_status = cli_fail_error(&err);
  if (exit_status == CLI_DONE) {
    (void)printf("\nquery and key weights spread otherwise than a random start's by a factor of %.3g\n",
                 look.training.moved);
    (void)printf("attention on a probe series: entropy %.3f of uniform on average, %.3f in the sharpest head\n",
                 look.mean_entropy, look.least_entropy);
    (void)printf("the weights look %s\n", look.trained ? "trained" : "UNTRAINED");
  }
  chronos2_model_close(&model);
  return exit_status;
}
