/* The file of packed weights, edited: whatever it has become, the forecast is that of the model's own file, or there
 * is an error. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static fuzz_file file[1];
static char *model_folder, *cache_folder;

/* The name "cache/chronos2-....packed" of the only file in the cache. */
static char *cache_name(void) {
  char *name = NULL;
  DIR *dir = opendir(cache_folder);
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
    if (!strstr(entry->d_name, ".packed") || strstr(entry->d_name, ".tmp")) continue;
    size_t room = strlen(entry->d_name) + sizeof "cache/";
    if (name || !(name = malloc(room))) abort();
    (void)snprintf(name, room, "cache/%s", entry->d_name);
  }
  if (!dir || !name) abort();
  (void)closedir(dir);
  return name;
}

static void forecast(bool cached, double out[15], chronos2_status *status) {
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *f = NULL;
  double values[20];
  for (int i = 0; i < 20; i++) values[i] = i % 7;
  chronos2_series series = {.length = 20, .targets = 1, .target = values};
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .threads = 1, .cache = cached ? cache_folder : NULL};
  chronos2_session_options session_options = {CHRONOS2_SESSION_OPTIONS_INIT, .threads = 1};
  *status = chronos2_model_open(model_folder, &options, &model);
  if (*status == CHRONOS2_OK) *status = chronos2_session_open(model, &session_options, &session);
  if (*status == CHRONOS2_OK) {
    *status = chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                                                                .horizon = 5}, &f);
  }
  if (*status != CHRONOS2_OK) fuzz_check_api_error(*status);
  if (f) memcpy(out, chronos2_forecast_quantiles(f, 0, 0), 15 * sizeof *out);
  chronos2_forecast_free(&f);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

static double plain[15];

static void prepare(void) {
  chronos2_status status = CHRONOS2_OK;
  double made[15];
  fuzz_put_model(1);
  model_folder = fuzz_path(".");
  cache_folder = fuzz_path("cache");
  if (mkdir(cache_folder, 0700) != 0) abort();
  forecast(false, plain, &status);
  forecast(true, made, &status);
  if (status != CHRONOS2_OK) abort();
  fuzz_require(memcmp(plain, made, sizeof plain) == 0, "a cache changes no bit");
  file[0] = fuzz_load(cache_name());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  chronos2_status status = CHRONOS2_OK;
  double found[15];
  if (!file[0].bytes) prepare();
  fuzz_edit(file, 1, data, size);
  forecast(true, found, &status);
  if (status == CHRONOS2_OK) fuzz_require(memcmp(plain, found, sizeof plain) == 0, "a cache changes no bit");
  return 0;
}
