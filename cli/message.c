/* What the commands say: errors, warnings and notes on stderr, progress, and the end of standard output. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "cli/cli.h"

static struct {
  char **line;
  size_t count, capacity;
  bool is_cut; /* there was no memory for one */
} kept;        /* warnings: a page shows what was warned of */

static void keep(const char *line) {
  bool has_room = c2_grow_array(&kept.line, &kept.capacity, kept.count + 1, sizeof *kept.line, NULL) == C2_OK;
  char *copy = has_room ? c2_strdup(line) : NULL;
  if (copy) {
    kept.line[kept.count++] = copy;
  } else {
    kept.is_cut = true;
  }
}

c2_status cli_warnings(const char *const **warning, size_t *count, c2_error *err) {
  if (kept.is_cut) C2_FAIL(err, C2_ERR_MEMORY, "out of memory for the warnings that a page shows");
  *warning = (const char *const *)kept.line;
  *count = kept.count;
  return C2_OK;
}

C2_PRINTF(2, 0)
static void say(const char *kind, const char *format, va_list args) {
  char line[2048];
  c2_text_format(line, sizeof line, format, args);
  (void)fprintf(stderr, "chronos2: %s%s\n", kind, line);
  if (strcmp(kind, "warning: ") == 0) keep(line);
}

int cli_fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say("error: ", format, args);
  va_end(args);
  return CLI_FAILURE;
}

int cli_fail_usage(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say("error: ", format, args);
  va_end(args);
  return CLI_USAGE;
}

void cli_warn(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say("warning: ", format, args);
  va_end(args);
}

void cli_note(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say("", format, args);
  va_end(args);
}

static const cli_option *offered[2]; /* the options of the command that runs */

void cli_offer(const cli_option *own, const cli_option *shared) {
  offered[0] = own;
  offered[1] = shared;
}

static bool is_offered(const char *name) {
  for (size_t i = 0; i < sizeof offered / sizeof offered[0]; i++) {
    for (const cli_option *o = offered[i]; o && o->name; o++) {
      if (strcmp(o->name, name) == 0) return true;
    }
  }
  return false;
}

int cli_fail_error(const c2_error *err) {
  bool helps = err->remedy && is_offered(err->remedy);
  (void)cli_fail("%s%s%s", err->text, helps ? "; give --" : "", helps ? err->remedy : "");
  return err->code == C2_ERR_ARGUMENT ? CLI_USAGE : CLI_FAILURE;
}

int cli_fail_api(chronos2_status status) {
  (void)cli_fail("%s", chronos2_last_error());
  return status == CHRONOS2_ERROR_ARGUMENT ? CLI_USAGE : CLI_FAILURE;
}

int cli_flush_output(void) {
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return CLI_DONE;
  if (!errno && write(STDOUT_FILENO, "\n", 1) >= 0) errno = EIO; /* stdio has forgotten why an earlier write failed */
  const char *reason = strerror(errno);
  clearerr(stdout);
  return cli_fail("standard output: cannot write: %s", reason);
}

void cli_progress(const char *what, size_t done, size_t total) {
  static double began; /* the first call of a row of them, in which `done` may stay for some calls */
  static size_t before;
  static bool runs;
  if (!isatty(STDERR_FILENO)) return;
  double now = c2_clock_seconds();
  if (!runs || done < before) began = now;
  double rate = runs && now > began ? (double)done / (now - began) : 0;
  (void)fprintf(stderr, "\r%s %zu", what, done);
  if (total > 0) (void)fprintf(stderr, "/%zu", total);
  if (rate > 0) (void)fprintf(stderr, ", %.3g/s", rate);
  if (rate > 0 && done < total) (void)fprintf(stderr, ", %.0f s left", (double)(total - done) / rate);
  (void)fputs(done == total ? "\033[K\n" : "\033[K", stderr);
  before = done;
  runs = done != total;
  (void)fflush(stderr);
}

int cli_on_progress(void *user, size_t done, size_t total) {
  (void)user;
  cli_progress("forecasting", done, total);
  return 0;
}

void cli_print_double(FILE *out, double value, int most) {
  char text[40];
  for (int digits = most < 15 ? most : 15; digits <= most; digits++) {
    (void)snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  (void)fputs(text, out);
}
