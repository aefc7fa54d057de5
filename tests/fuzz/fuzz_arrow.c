/* Arrow's IPC format, as the program reads a file and as a client's table is forecast. */
#include <errno.h>
#include <math.h>

#include "data/ipc.h"
#include "data/read.h"
#include "fuzz.h"
#include "series.h"

enum { HORIZON = 2 };

/* A compressed buffer may claim any size, for which the allocator then has no memory. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "allocator_may_return_null=1";
}

static void read_file(char *text, size_t size) {
  c2_read_options options = {.all_covariates = true};
  check_reading("past.arrow", text, size, &options, false);
}

static chronos2_session *open_session(void) {
  static chronos2_model *model;
  static chronos2_session *session;
  const chronos2_config config = fuzz_config();
  chronos2_session_options plain = {CHRONOS2_SESSION_OPTIONS_INIT, .threads = 1};
  if (!model && (chronos2_model_random(&config, 1, NULL, &model) != CHRONOS2_OK ||
                 chronos2_session_open(model, &plain, &session) != CHRONOS2_OK)) {
    abort();
  }
  return session;
}

/* All batches of the forecasts. */
static int take_all(struct ArrowArrayStream *out) {
  int code = 0;
  for (;;) {
    struct ArrowArray batch = {.release = NULL};
    code = out->get_next(out, &batch);
    if (code != 0 || !batch.release) return code;
    batch.release(&batch);
  }
}

static void forecast(const char *text, size_t size) {
  static const c2_ipc_options bounded = {.is_bounded = true, .most_values = 1 << 16};
  chronos2_predict_options predict = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .context_length = 64};
  chronos2_stream_options options = {CHRONOS2_STREAM_OPTIONS_INIT, .predict = &predict, .gather = true};
  struct ArrowArrayStream in = {.release = NULL};
  struct ArrowArrayStream out = {.release = NULL};
  c2_error err = {.code = C2_OK};
  c2_status opened = c2_ipc_open(&in, text, size, &bounded, &err);
  if (opened != C2_OK) {
    fuzz_check_error(opened, &err);
    return;
  }
  chronos2_status status = chronos2_predict_stream(open_session(), &in, NULL, &options, &out);
  fuzz_require(!in.release, "the input was taken");
  if (status != CHRONOS2_OK) {
    fuzz_check_api_error(status);
    return;
  }
  if (take_all(&out) != 0) {
    const char *why = out.get_last_error(&out);
    fuzz_require(why && *why, "a failure has a text");
  }
  out.release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (!text) abort();
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  forecast(text, size);
  read_file(text, size);
  free(text);
  return 0;
}
