/* The program: finds the command and runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "version.h"

const cli_command cli_commands[] = {
    {"forecast", "forecast series of CSV or JSON Lines files", cli_forecast, false},
    {"study", "measure what sparse attention costs and gains", cli_study, false},
    {"probe", "measure the attention that a sparse pattern keeps", cli_probe, false},
    {"bench", "measure the speed and memory of a model", cli_bench, false},
    {"inspect", "describe a model and check its weights", cli_inspect, false},
    {"forward", "run one forward pass on raw tensors", cli_forward, true},
    {"predict", "forecast the inputs of a JSON file as tensors", cli_predict, true},
    {NULL, NULL, NULL, false},
};

static int run(int argc, char **argv) {
  if (argc < 2) {
    cli_help_program(stderr);
    return CLI_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    cli_help_program(stdout);
    return CLI_DONE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    (void)printf("chronos2 %s (commit %s)\nisa: %s\ngemm: built-in\n", chronos2_version(), C2_COMMIT,
                 chronos2_isa_name(0));
    return CLI_DONE;
  }
  if (strcmp(argv[1], "--generate") == 0 && argc == 3) return cli_generate_program(argv[2]);
  for (const cli_command *c = cli_commands; c->name; c++) {
    if (strcmp(argv[1], c->name) == 0) return c->run(argc - 1, argv + 1);
  }
  return cli_fail_usage("unknown command '%s'; see 'chronos2 --help'", argv[1]);
}

int main(int argc, char **argv) {
  (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error with a message */
  int status = run(argc, argv);
  int printed = cli_flush_output();
  return status == CLI_DONE ? printed : status;
}
