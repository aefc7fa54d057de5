/* Files of the fuzz targets: a folder in memory, edits of valid files, a tiny model. */
#define _XOPEN_SOURCE 700 /* nftw */
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/infile.h"
#include "base/platform.h"
#include "base/safetensors.h"
#include "fuzz.h"
#include "model/weights.h"

static char folder[256];

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)kind;
  (void)where;
  return remove(path);
}

static void remove_folder(void) {
  (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void) {
  const char *place = getenv("TMPDIR");
  if (folder[0]) return folder;
  if (!place) place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  (void)snprintf(folder, sizeof folder, "%s/chronos2-fuzz-XXXXXX", place);
  if (!mkdtemp(folder)) abort();
  (void)atexit(remove_folder);
  return folder;
}

char *fuzz_path(const char *name) {
  char *path = NULL;
  if (c2_path_join(&path, fuzz_folder(), name, NULL) != C2_OK) abort();
  return path;
}

void fuzz_put(const char *name, const void *data, size_t size) {
  char *path = fuzz_path(name);
  int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0 || (size > 0 && write(file, data, size) != (ssize_t)size)) abort();
  close(file);
  free(path);
}

void fuzz_remove(const char *name) {
  char *path = fuzz_path(name);
  (void)unlink(path);
  free(path);
}

static char *copy_of(const uint8_t *data, size_t size) {
  char *copy = malloc(size + 1);
  if (!copy) abort();
  if (size > 0) memcpy(copy, data, size);
  copy[size] = '\0';
  return copy;
}

size_t fuzz_parts(const uint8_t *data, size_t size, char **part, size_t *length, size_t most) {
  static const char mark[] = "====\n";
  size_t count = 0;
  size_t start = 0;
  for (size_t i = 0; i < size && count + 1 < most; i++) {
    bool line = i == start || data[i - 1] == '\n';
    if (!line || size - i < sizeof mark - 1 || memcmp(data + i, mark, sizeof mark - 1) != 0) continue;
    length[count] = i - start;
    part[count++] = copy_of(data + start, i - start);
    start = i + sizeof mark - 1;
    i = start - 1;
  }
  length[count] = size - start;
  part[count++] = copy_of(size > start ? data + start : NULL, size - start);
  return count;
}

/* ---- Edits ------------------------------------------------------------------------------------- */

fuzz_file fuzz_load(const char *name) {
  char *path = fuzz_path(name);
  char *text = NULL;
  fuzz_file f = {.name = name};
  if (c2_read_file(path, &text, &f.size, NULL) != C2_OK) abort();
  f.bytes = (unsigned char *)text;
  free(path);
  return f;
}

typedef struct draft {
  unsigned char *bytes;
  size_t size, room;
} draft;

static void edit_once(draft *d, fuzz_reader *r) {
  unsigned kind = fuzz_byte(r);
  size_t at = (size_t)fuzz_word(r, 2);
  size_t n = fuzz_byte(r) % 32;
  if (d->size == 0) return;
  at = kind & 0x80 ? at % d->size : at % (d->size < 4096 ? d->size : 4096); /* headers are in front */
  switch (kind % 6) {
    case 0: d->bytes[at] = fuzz_byte(r); break;
    case 1: d->bytes[at] ^= (unsigned char)(1u << (n % 8)); break;
    case 2: d->size = at; break;
    case 3: /* overwrite */
      for (size_t i = 0; i < n && at + i < d->size; i++) d->bytes[at + i] = fuzz_byte(r);
      break;
    case 4: /* insert */
      if (n > d->room - d->size) break;
      memmove(d->bytes + at + n, d->bytes + at, d->size - at);
      for (size_t i = 0; i < n; i++) d->bytes[at + i] = fuzz_byte(r);
      d->size += n;
      break;
    default: /* cut out */
      if (n > d->size - at) n = d->size - at;
      memmove(d->bytes + at, d->bytes + at + n, d->size - at - n);
      d->size -= n;
      break;
  }
}

/* A safetensors header of the length that its file now needs, so that what lies behind the length is read too. */
static void mend_length(draft *d, const fuzz_file *f) {
  uint64_t length = 0;
  if (f->size < 8 || d->size < 8) return;
  memcpy(&length, f->bytes, 8);
  length += (uint64_t)d->size - (uint64_t)f->size;
  memcpy(d->bytes, &length, 8);
}

void fuzz_edit(const fuzz_file *files, size_t count, const uint8_t *data, size_t size) {
  enum { MOST = 8, ROOM = 4096 };
  draft d[MOST];
  fuzz_reader r = {data, data + size};
  unsigned mend = fuzz_byte(&r);
  for (size_t i = 0; i < count; i++) {
    d[i] = (draft){malloc(files[i].size + ROOM), files[i].size, files[i].size + ROOM};
    if (!d[i].bytes) abort();
    memcpy(d[i].bytes, files[i].bytes, files[i].size);
  }
  for (int edits = 0; r.at < r.end && edits < 64; edits++) edit_once(&d[fuzz_byte(&r) % count], &r);
  for (size_t i = 0; i < count; i++) {
    const char *ending = strrchr(files[i].name, '.');
    if (mend % 2 == 1 && ending && strcmp(ending, ".safetensors") == 0) mend_length(&d[i], &files[i]);
    fuzz_put(files[i].name, d[i].bytes, d[i].size);
    free(d[i].bytes);
  }
}

/* ---- The model --------------------------------------------------------------------------------- */

static const char config_json[] =
    "{\"architectures\": [\"Chronos2Model\"], \"d_model\": 10, \"d_kv\": 4, \"d_ff\": 12, \"num_layers\": 2,\n"
    " \"num_heads\": 2, \"layer_norm_epsilon\": 1e-06, \"rope_theta\": 10000.0, \"initializer_factor\": 1.0,\n"
    " \"feed_forward_proj\": \"relu\", \"chronos_config\": {\"context_length\": 48, \"input_patch_size\": 8,\n"
    " \"input_patch_stride\": 8, \"output_patch_size\": 8, \"max_output_patches\": 2, \"quantiles\": [0.1, 0.5, 0.9],\n"
    " \"time_encoding_scale\": 48, \"use_arcsinh\": true, \"use_reg_token\": true}}\n";

chronos2_config fuzz_config(void) {
  return (chronos2_config){.d_model = 10,
                           .d_kv = 4,
                           .d_ff = 12,
                           .layers = 2,
                           .heads = 2,
                           .patch = 8,
                           .context_length = 48,
                           .max_output_patches = 2,
                           .quantiles = 3,
                           .quantile_levels = {0.1, 0.5, 0.9},
                           .time_encoding_scale = 48,
                           .layer_norm_epsilon = 1e-6,
                           .rope_theta = 10000,
                           .initializer_factor = 1,
                           .use_arcsinh = true,
                           .use_reg_token = true};
}

static void put_shard(const char *name, const c2_tensor_out *tensors, size_t count) {
  char *path = fuzz_path(name);
  if (c2_safetensors_write(path, tensors, count, NULL) != C2_OK) abort();
  free(path);
}

static void put_index(const c2_tensor_out *tensors, size_t count, size_t shards) {
  char text[16384];
  size_t at = (size_t)snprintf(text, sizeof text, "{\"metadata\": {}, \"weight_map\": {");
  for (size_t i = 0; i < count && at < sizeof text; i++) {
    at += (size_t)snprintf(text + at, sizeof text - at, "%s\"%s\": \"shard-%zu.safetensors\"", i ? ",\n " : "",
                           tensors[i].name, i * shards / count);
  }
  if (at < sizeof text) at += (size_t)snprintf(text + at, sizeof text - at, "}}\n");
  if (at >= sizeof text) abort();
  fuzz_put("model.safetensors.index.json", text, at);
}

void fuzz_put_model(size_t shards) {
  chronos2_config config = fuzz_config();
  chronos2_model *model = NULL;
  c2_tensor_out out[64];
  if (chronos2_model_random(&config, 1, &(chronos2_model_options){CHRONOS2_MODEL_OPTIONS_INIT, .threads = 1},
                            &model) != CHRONOS2_OK) abort();
  size_t count = model->expected_count;
  if (count > sizeof out / sizeof out[0]) abort();
  for (size_t i = 0; i < count; i++) {
    const c2_expected *e = &model->expected[i];
    out[i] = (c2_tensor_out){
        .name = e->name, .dtype = C2_F32, .dims = e->dims, .shape = {e->shape[0], e->shape[1]}};
    out[i].data = model->raw.values[i];
  }
  fuzz_put("config.json", config_json, sizeof config_json - 1);
  for (size_t s = 0; s < shards; s++) {
    char name[32];
    size_t first = (s * count + shards - 1) / shards;
    size_t last = ((s + 1) * count + shards - 1) / shards;
    (void)snprintf(name, sizeof name, shards > 1 ? "shard-%zu.safetensors" : "model.safetensors", s);
    put_shard(name, out + first, last - first);
  }
  if (shards > 1) put_index(out, count, shards);
  chronos2_model_close(&model);
}

void fuzz_forecast(const chronos2_model *model) {
  enum { LENGTH = 20, HORIZON = 5 };
  double values[LENGTH];
  chronos2_session *session = NULL;
  chronos2_forecast *forecast = NULL;
  for (int i = 0; i < LENGTH; i++) values[i] = i % 7;
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .threads = 1, .isa = "scalar"};
  if (chronos2_session_open(model, &options, &session) != CHRONOS2_OK) abort();
  chronos2_status status =
      chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                                                        .horizon = HORIZON}, &forecast);
  if (status != CHRONOS2_OK) {
    fuzz_check_api_error(status);
    fuzz_require(!forecast, "there is no forecast after a failure");
  } else {
    const double *q = chronos2_forecast_quantiles(forecast, 0, 0);
    for (size_t i = 0; i < HORIZON * chronos2_model_config(model)->quantiles; i++) {
      fuzz_require(isfinite(q[i]), "a forecast is finite");
    }
  }
  chronos2_forecast_free(&forecast);
  chronos2_session_close(&session);
}
