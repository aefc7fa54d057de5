/* CSV series: one letter that chooses options, the file of the past and, behind a line "====", that of the future. */
#include "fuzz.h"
#include "series.h"

enum { HORIZON = 2 };

static c2_status read_future(c2_dataset *set, const c2_read_options *options, const char *text, size_t size,
                             c2_error *err) {
  static char *path;
  char **names = NULL;
  size_t count = 0;
  if (!path) path = fuzz_path("future.csv");
  fuzz_put("future.csv", text, size);
  c2_status status = c2_scenario_names(path, &names, &count, err);
  if (status == C2_OK) fuzz_require(count == 0 || names, "scenarios have names");
  free(names);
  names = NULL;
  if (status != C2_OK) *err = (c2_error){C2_OK, ""};
  status = c2_csv_covariate_names(path, options, &names, &count, err);
  free(names);
  if (status != C2_OK) *err = (c2_error){C2_OK, ""};
  return c2_dataset_read_future(set, path, options, HORIZON, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const covariates[] = {"price", "holiday"};
  static const char *const targets[] = {"target", "b"};
  static const char *const freqs[] = {"D", "h", "15min", "W", "MS", "B", "us", "QE"};
  char *part[2] = {NULL, NULL};
  size_t length[2] = {0, 0};
  c2_error err = {C2_OK, ""};
  c2_freq freq;
  if (size < 1) return 0;
  unsigned mode = data[0];
  size_t parts = fuzz_parts(data + 1, size - 1, part, length, 2);
  if (c2_freq_parse(freqs[mode % 8], &freq, &err) != C2_OK) abort();
  c2_read_options options = {.covariates = covariates,
                             .covariate_count = mode & 16 ? 2 : 0,
                             .targets = targets,
                             .target_count = mode & 32 ? 2 : 0,
                             .scenario = mode & 64 ? "s" : NULL,
                             .freq = mode & 8 ? &freq : NULL};
  c2_dataset set = {.twins = mode & 128};
  c2_status status = c2_read_csv_series(&set, "past.csv", part[0], length[0], &options, &err);
  if (status == C2_OK && parts == 2) status = read_future(&set, &options, part[1], length[1], &err);
  if (status == C2_OK) {
    check_dataset(&set);
  } else {
    fuzz_check_error(status, &err);
  }
  c2_dataset_free(&set);
  free(part[0]);
  free(part[1]);
  return 0;
}
