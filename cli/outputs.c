/* The files that a command writes, all or none. */
#include "cli/outputs.h"

#include <signal.h>
#include <string.h>

#include "base/temporary.h"

c2_status cli_outputs_open(c2_outfile *file, const char *const *paths, size_t count, c2_error *err) {
  for (size_t i = 0; i < count; i++) file[i] = (c2_outfile){.descriptor = -1};
  for (size_t i = 0; i < count; i++) {
    if (paths[i]) C2_TRY(c2_outfile_open(&file[i], paths[i], err));
  }
  return C2_OK;
}

c2_status cli_outputs_commit(c2_outfile *file, size_t count, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (file[i].stream) C2_TRY(c2_outfile_flush(&file[i], err));
  }
  for (size_t i = 0; i < count; i++) {
    if (file[i].stream) C2_TRY(c2_outfile_commit(&file[i], err));
  }
  return C2_OK;
}

void cli_outputs_discard(c2_outfile *file, size_t count) {
  for (size_t i = 0; i < count; i++) c2_outfile_discard(&file[i]);
}

bool cli_outputs_take_stdout(const char *const *paths, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (paths[i] && (strcmp(paths[i], "-") == 0 || c2_outfile_same(paths[i], NULL))) return true;
  }
  return false;
}

/* ---- Signals --------------------------------------------------------------------------------- */

static void (*volatile before_the_end)(void);

static void interrupted(int number) {
  if (before_the_end) before_the_end();
  c2_temporary_remove();
  (void)raise(number); /* SA_RESETHAND: the default action */
}

void cli_on_interrupt(void (*last_words)(void)) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  before_the_end = last_words;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct sigaction before;
    struct sigaction action = {.sa_handler = interrupted, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    (void)sigaction(numbers[i], &action, NULL);
  }
}
