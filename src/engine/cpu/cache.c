/* Names, checks and writes the files that cache.h describes. */
#include "engine/cpu/cache.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "base/text.h"
#include "kernels/kernels.h"
#include "model/adapter.h"
#include "model/open.h"

enum { PIECE = 1 << 20 }; /* bytes that one thread digests at a time */

static void warn(chronos2_model *model, const char *path, const char *reason) {
  char shown[241];
  c2_text_escape(shown, sizeof shown, path);
  c2_model_warn(model, "cache: %s: %.230s; the weights were packed anew", shown, reason);
}

/* ---- The key ---------------------------------------------------------------------------------- */

static uint64_t digest_tensors(const chronos2_model *model) {
  c2_hash h;
  c2_hash_begin(&h);
  for (size_t i = 0; i < model->expected_count; i++) {
    const c2_expected *e = &model->expected[i];
    const uint64_t one[2] = {(uint64_t)e->tensor->dtype, e->digest};
    c2_hash_add(&h, one, sizeof one);
  }
  return c2_hash_end(&h);
}

void c2_cache_describe(const chronos2_model *model, const char *kernels, uint64_t layout, size_t bytes,
                       c2_cache_key *key) {
  const chronos2_config *c = &model->config;
  memset(key, 0, sizeof *key);
  key->bytes = bytes;
  (void)snprintf(key->text, sizeof key->text,
                 "chronos2 packed weights 2\ndtype %d isa %s panel %d\nshape %zu %zu %zu %zu %zu %zu %zu\n"
                 "layout %016llx bytes %zu\nweights %016llx adapter %016llx\n",
                 (int)model->dtype, kernels, (int)C2_PANEL, c->d_model, c->d_kv, c->heads,
                 c->d_ff, c->layers, c->patch, c->quantiles, (unsigned long long)layout, bytes,
                 (unsigned long long)digest_tensors(model),
                 (unsigned long long)(model->adapter ? c2_adapter_digest(model->adapter) : 0));
}

static c2_status path_of(const c2_cache_key *key, const char *folder, char **path, c2_error *err) {
  char name[64];
  (void)snprintf(name, sizeof name, "chronos2-%016llx.packed",
                 (unsigned long long)c2_hash_of(key->text, strlen(key->text)));
  return c2_path_join(path, folder, name, err);
}

/* ---- The bytes -------------------------------------------------------------------------------- */

typedef struct pieces {
  const unsigned char *data;
  size_t size;
  uint64_t *digest; /* a piece's */
} pieces;

static void digest_piece(void *context, size_t task, size_t worker) {
  const pieces *p = context;
  (void)worker;
  p->digest[task] = c2_hash_of(p->data + task * PIECE, c2_min_size(PIECE, p->size - task * PIECE));
}

/* Of the pieces' digests, so that all threads can take part. */
static c2_status digest_bytes(const unsigned char *data, size_t size, c2_pool *pool, uint64_t *digest, c2_error *err) {
  pieces p = {.data = data, .size = size};
  size_t count = (size + PIECE - 1) / PIECE;
  C2_TRY(c2_alloc_array(count, sizeof *p.digest, &p.digest, err));
  c2_pool_run(pool, count, digest_piece, &p);
  *digest = c2_hash_of(p.digest, count * sizeof *p.digest);
  free(p.digest);
  return C2_OK;
}

/* The key's text, a line with the digest of the packed bytes, zeros. */
static void make_header(const c2_cache_key *key, uint64_t digest, char header[C2_CACHE_HEADER]) {
  memset(header, 0, C2_CACHE_HEADER);
  (void)snprintf(header, C2_CACHE_HEADER, "%sdigest %016llx\n", key->text, (unsigned long long)digest);
}

/* ---- Finding ---------------------------------------------------------------------------------- */

static c2_status check(const c2_infile *file, const c2_mapping *map, const c2_cache_key *key, c2_pool *pool,
                       c2_error *err) {
  char header[C2_CACHE_HEADER];
  uint64_t digest = 0;
  if (map->size != C2_CACHE_HEADER + key->bytes) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: has %zu bytes, expected %zu", file->path, map->size, C2_CACHE_HEADER + key->bytes);
  }
  C2_TRY(digest_bytes(map->data + C2_CACHE_HEADER, key->bytes, pool, &digest, err));
  make_header(key, digest, header);
  if (memcmp(map->data, header, C2_CACHE_HEADER) == 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: is damaged", file->path);
}

bool c2_cache_find(chronos2_model *model, c2_mapping *map, const char *folder, const c2_cache_key *key, c2_pool *pool) {
  c2_error err = {.code = C2_OK};
  c2_infile file = {.descriptor = -1};
  char *path = NULL;
  if (path_of(key, folder, &path, &err) != C2_OK || !c2_file_exists(path)) {
    free(path);
    return false;
  }
  c2_status status = c2_infile_open(&file, path, &err);
  if (status == C2_OK) status = c2_infile_map(&file, map, &err);
  if (status == C2_OK) status = check(&file, map, key, pool, &err);
  if (status != C2_OK) {
    const char *reason = strncmp(err.text, path, strlen(path)) == 0 ? err.text + strlen(path) + 2 : err.text;
    warn(model, path, reason);
    c2_unmap(map);
  }
  c2_infile_close(&file);
  free(path);
  return status == C2_OK;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static c2_status write_file(const unsigned char *base, const char *path, const c2_cache_key *key, c2_pool *pool,
                            c2_error *err) {
  char header[C2_CACHE_HEADER];
  uint64_t digest = 0;
  c2_outfile file;
  if (c2_file_exists(path)) { /* anything but a file would be written to as it is */
    c2_infile old;
    c2_status plain = c2_infile_open(&old, path, err);
    c2_infile_close(&old);
    C2_TRY(plain);
  }
  c2_arena_open_gaps((void *)(uintptr_t)base, key->bytes);
  C2_TRY(digest_bytes(base, key->bytes, pool, &digest, err));
  make_header(key, digest, header);
  c2_status status = c2_outfile_open(&file, path, err);
  if (status == C2_OK) {
    (void)fwrite(header, 1, sizeof header, file.stream);
    (void)fwrite(base, 1, key->bytes, file.stream);
    status = c2_outfile_commit(&file, err);
  }
  c2_outfile_discard(&file);
  return status;
}

void c2_cache_write(chronos2_model *model, const unsigned char *base, const char *folder, const c2_cache_key *key,
                    c2_pool *pool) {
  c2_error err = {.code = C2_OK};
  char *path = NULL;
  char *prefix = NULL;
  c2_status status = c2_make_folder(folder, &err);
  if (status == C2_OK) status = path_of(key, folder, &path, &err);
  if (status == C2_OK) status = c2_path_join(&prefix, folder, "chronos2-", &err);
  if (status == C2_OK) c2_outfile_sweep(prefix, 60);
  if (status == C2_OK) status = write_file(base, path, key, pool, &err);
  if (status != C2_OK) c2_model_warn(model, "cache: %.400s", err.text);
  free(path);
  free(prefix);
}
