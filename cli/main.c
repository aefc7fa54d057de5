/* The program: finds the command and runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "version.h"

typedef struct command {
  const char *name;
  const char *summary;
  int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
    {"forecast", "read series, write quantile forecasts", cli_forecast},
    {"study", "full against sparse attention: mass, accuracy, time, memory", cli_study},
    {"probe", "attention mass that a sparse pattern keeps", cli_probe},
    {"forward", "one forward pass on raw tensors", cli_forward},
    {"predict", "forecasts of a JSON case as tensors", cli_predict},
    {"bench", "speed and memory of a model shape", cli_bench},
    {"inspect", "configuration, tensors and health of a model", cli_inspect},
};

static void print_usage(FILE *out) {
  (void)fprintf(out, "usage: chronos2 COMMAND [options]\n\nTime-series forecasting with Chronos-2 models.\n\n");
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
  }
  (void)fprintf(out, "\n'chronos2 COMMAND --help' documents every option; 'chronos2 --version' prints the version.\n");
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    print_usage(stderr);
    return CLI_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    print_usage(stdout);
    return CLI_DONE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    (void)printf("chronos2 %s (commit %s)\nisa: %s\ngemm: %s\n", chronos2_version(), C2_COMMIT, chronos2_isa(),
                 chronos2_gemm());
    return CLI_DONE;
  }
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
  }
  return cli_fail_usage("unknown command '%s'; see 'chronos2 --help'", argv[1]);
}

int main(int argc, char **argv) {
  (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error with a message */
  int status = run(argc, argv);
  int printed = cli_flush_output();
  return status == CLI_DONE ? printed : status;
}
