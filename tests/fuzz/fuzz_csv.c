/* CSV series: one letter that chooses options, the file of the past and, behind a line "====", that of the future. */
#include "fuzz.h"
#include "series.h"

#include "data/future.h"
#include "data/read.h"
#include "data/unseen.h"

enum { HORIZON = 2 };

static c2_status fill_futures(c2_futures *futures, c2_dataset *set, c2_error *err) {
  c2_unseen unseen = {0};
  c2_status status = C2_OK;
  for (size_t k = 0; status == C2_OK && k < c2_futures_count(futures); k++) {
    status = c2_futures_fill(futures, k, err);
    if (status == C2_OK) status = c2_unseen_count(&unseen, set, err);
  }
  if (status == C2_OK) status = c2_futures_note(futures, err);
  if (status == C2_OK) status = c2_unseen_note(&unseen, set, err);
  c2_unseen_free(&unseen);
  return status;
}

static c2_status read_future(c2_dataset *set, const c2_read_options *options, bool scenarios, const char *text,
                             size_t size, c2_error *err) {
  static char *path;
  c2_futures *futures = NULL;
  if (!path) path = fuzz_path("future.csv");
  fuzz_put("future.csv", text, size);
  c2_status status = c2_futures_open(&futures, set, path, options, HORIZON, scenarios, err);
  if (status == C2_OK) status = fill_futures(futures, set, err);
  c2_futures_close(&futures);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const covariates[] = {"price", "holiday"};
  static const char *const targets[] = {"target", "b"};
  static const char *const freqs[] = {"D", "h", "15min", "W", "MS", "B", "us", "QE"};
  char *part[2] = {NULL, NULL};
  size_t length[2] = {0, 0};
  c2_error err = {.code = C2_OK};
  c2_freq freq;
  if (size < 1) return 0;
  unsigned mode = data[0];
  size_t parts = fuzz_parts(data + 1, size - 1, part, length, 2);
  if (c2_freq_parse(freqs[mode % 8], &freq, &err) != C2_OK) abort();
  c2_read_options options = {.covariates = covariates,
                             .covariate_count = mode & 16 ? 2 : 0,
                             .targets = targets,
                             .target_count = mode & 32 ? 2 : 0,
                             .all_covariates = (mode & 24) == 24,
                             .freq = mode & 8 ? &freq : NULL};
  c2_dataset set = {.twins = mode & 128};
  c2_input input;
  c2_status status = c2_input_start(&input, "past.csv", part[0], length[0], false, NULL, &err);
  if (status == C2_OK) status = c2_input_read(&input, &set, &options, &err);
  c2_input_close(&input);
  if (status == C2_OK && parts == 2) status = read_future(&set, &options, mode & 64, part[1], length[1], &err);
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
