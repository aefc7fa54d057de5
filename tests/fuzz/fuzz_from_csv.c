/* A study from CSV files: up to six of them, behind each other with lines "====" between. An empty one isn't there. */
#include <sys/stat.h>

#include "fuzz.h"
#include "study/study.h"

enum { FILES = 6 };

static void warn(const char *line) {
  fuzz_require(line[0] != '\0' && !strchr(line, '\n'), "a warning is one line");
}

static FILE *nowhere(void) {
  static FILE *stream;
  if (!stream) stream = fopen("/dev/null", "w");
  if (!stream) abort();
  return stream;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const name[FILES] = {"p__perf_full.csv",       "p__perf_sparse_r2.csv",
                                          "p__perf_sparse_r8.csv",  "p__perf_compare_r4.csv",
                                          "p__mass_per_window.csv", "p__baselines.csv"};
  static char *prefix;
  char *part[FILES];
  size_t length[FILES];
  if (!prefix) {
    char *out = fuzz_path("out");
    if (mkdir(out, 0700) != 0) abort();
    free(out);
    prefix = fuzz_path("out/q");
  }
  size_t parts = fuzz_parts(data, size, part, length, FILES);
  for (size_t i = 0; i < FILES; i++) {
    if (i < parts && length[i] > 0) {
      fuzz_put(name[i], part[i], length[i]);
    } else {
      fuzz_remove(name[i]);
    }
    if (i < parts) free(part[i]);
  }
  c2_error err = {.code = C2_OK};
  c2_study study = {.plan = {.prefix = prefix,
                             .from_csv = fuzz_folder(),
                             .margin = 0.01,
                             .draws = 20,
                             .split = 128,
                             .command = "study"},
                    .journal = {.warn = warn}};
  c2_status status = c2_study_from_csv(&study, &err);
  if (status == C2_OK) {
    c2_study_print(&study, nowhere());
  } else {
    fuzz_check_error(status, &err);
  }
  c2_study_free(&study);
  return 0;
}
