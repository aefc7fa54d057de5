/* The program: finds the command and runs it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/outputs.h"
#include "version.h"

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} runners[] = {
    {"forecast", cli_forecast},
    {"evaluate", cli_evaluate},
    {"detect", cli_detect},
    {"study", cli_study},
    {"probe", cli_probe},
    {"bench", cli_bench},
    {"inspect", cli_inspect},
    {"pull", cli_pull},
    {"serve", cli_serve},
    {"forward", cli_forward},
    {"predict", cli_predict},
};

static int run_command(int argc, char **argv) {
  for (size_t i = 0; i < sizeof runners / sizeof runners[0]; i++) {
    if (strcmp(argv[0], runners[i].name) == 0) return runners[i].run(argc, argv);
  }
  return cli_fail_usage("unknown command '%s'; see 'chronos2 --help'", argv[0]);
}

/* The instruction set that "auto" takes, and what multiplies under each dtype. */
static int print_version(void) {
  const char *isa = chronos2_isa_chosen(CHRONOS2_FP32, NULL);
  if (!isa) return cli_fail("%s", chronos2_last_error());
  (void)printf("chronos2 %s (commit %s)\nisa: %s\n", chronos2_version(), C2_COMMIT, isa);
  for (int d = CHRONOS2_FP32; d <= CHRONOS2_INT8; d++) {
    const char *product = NULL;
    const char *name = chronos2_isa_chosen((chronos2_dtype)d, &product);
    (void)printf("  %s: %s, %s\n", chronos2_dtype_name((chronos2_dtype)d), name, product);
  }
  (void)printf("gemm: built-in\ncuda: by libchronos2_cuda.so, tried on an H100 before its attention was rewritten\n");
  return CLI_DONE;
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    cli_help_program(stderr);
    return CLI_USAGE;
  }
  bool is_help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0;
  bool is_version = strcmp(argv[1], "--version") == 0;
  if (is_help && argc == 3) {
    char help[] = "--help";
    return run_command(2, (char *[]){argv[2], help, NULL});
  }
  if ((is_help || is_version) && argc > 2) {
    return cli_fail_usage("%s: expected nothing behind it, found '%s'", argv[1], argv[argc - 1]);
  }
  if (is_version) return print_version();
  if (is_help) {
    cli_help_program(stdout);
    return CLI_DONE;
  }
  if (strcmp(argv[1], "--generate") == 0 && argc == 3) return cli_generate_program(argv[2], run_command);
  return run_command(argc - 1, argv + 1);
}

/* No file may get the number of a standard stream that is closed: messages would be written into it. What takes the
 * number can't be used as the stream, so using it is an error as before. */
static bool fill_descriptors(void) {
  for (int d = STDIN_FILENO; d <= STDERR_FILENO; d++) {
    if (fcntl(d, F_GETFD) < 0 && open("/dev/null", d == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return false;
  }
  return true;
}

int main(int argc, char **argv) {
  if (!fill_descriptors()) return cli_fail("/dev/null: cannot open, which a closed standard stream needs");
  (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error with a message, and so is a file at its limit */
  (void)signal(SIGXFSZ, SIG_IGN);
  cli_on_interrupt(NULL);
  int status = run(argc, argv);
  int printed = cli_flush_output();
  return status == CLI_DONE ? printed : status;
}
