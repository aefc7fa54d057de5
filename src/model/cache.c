/* Names, checks and writes the files that cache.h describes. */
#include "model/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "kernels/kernels.h"

enum { TEXT_ROOM = C2_CACHE_HEADER - 1 };

/* What the packed bytes depend on. Fails if it does not fit. */
static c2_status describe(const chronos2_model *model, char text[C2_CACHE_HEADER], c2_error *err) {
  const chronos2_config *c = &model->config;
  memset(text, 0, C2_CACHE_HEADER);
  int n =
      snprintf(text, TEXT_ROOM, "chronos2 packed weights 1\ndtype %d isa %s panel %d\n%zu %zu %zu %zu %zu %zu %zu\n",
               (int)model->dtype, c2_kernels_of(c2_isa_detect())->name, (int)C2_PANEL, c->d_model, c->d_kv, c->heads,
               c->d_ff, c->layers, c->patch, c->quantiles);
  for (size_t f = 0; f < model->file_count && n > 0 && n < TEXT_ROOM; f++) {
    char stamp[C2_STAMP_ROOM];
    C2_TRY(c2_file_stamp(model->files[f].path, stamp, err));
    n += snprintf(text + n, (size_t)(TEXT_ROOM - n), "%s\n", stamp);
  }
  if (n < 0 || n >= TEXT_ROOM) C2_FAIL(err, C2_ERR_UNSUPPORTED, "cache: the model's files have too long names");
  return C2_OK;
}

/* FNV-1a, 64 bits. */
static uint64_t digest(const char *text) {
  uint64_t h = 0xcbf29ce484222325u;
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
  return h;
}

static c2_status path_of(const char *text, const char *folder, char **path, c2_error *err) {
  char name[64];
  (void)snprintf(name, sizeof name, "chronos2-%016llx.packed", (unsigned long long)digest(text));
  if (!c2_is_directory(folder)) C2_FAIL(err, C2_ERR_IO, "%s: expected a folder for packed weights", folder);
  return c2_path_join(path, folder, name, err);
}

c2_status c2_cache_find(chronos2_model *model, const char *folder, c2_error *err) {
  char text[C2_CACHE_HEADER];
  char *path = NULL;
  C2_TRY(describe(model, text, err));
  C2_TRY(path_of(text, folder, &path, err));
  c2_status status = C2_OK;
  if (c2_file_exists(path)) {
    C2_GOTO(c2_map_private(path, &model->cache, err));
    if (model->cache.size < C2_CACHE_HEADER || memcmp(model->cache.data, text, C2_CACHE_HEADER) != 0) {
      C2_GOTO(c2_fail(err, C2_ERR_MODEL, "%s: not the packed weights that its name says; delete it", path));
    }
  }
fail:
  free(path);
  return status;
}

c2_status c2_cache_write(const chronos2_model *model, const char *folder, c2_error *err) {
  char text[C2_CACHE_HEADER];
  char *path = NULL;
  c2_outfile file = {0};
  c2_status status = C2_OK;
  C2_TRY(describe(model, text, err));
  C2_GOTO(path_of(text, folder, &path, err));
  C2_GOTO(c2_outfile_open(&file, path, err));
  c2_arena_open_gaps(model->packed.base, model->packed_bytes);
  if (fwrite(text, 1, sizeof text, file.stream) != sizeof text ||
      fwrite(model->packed.base, 1, model->packed_bytes, file.stream) != model->packed_bytes) {
    C2_GOTO(c2_fail(err, C2_ERR_IO, "%s: could not write", path));
  }
  C2_GOTO(c2_outfile_commit(&file, err));
fail:
  c2_outfile_discard(&file);
  free(path);
  return status;
}
