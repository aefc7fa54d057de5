/* Bands, digests and whole tensors. */
#include "model/reading.h"

#include <stdlib.h>
#include <string.h>

#include "model/adapter.h"

enum { BAND = 1 << 18 }; /* floats: 1 MiB */

/* ---- Tasks that may fail ---------------------------------------------------------------------- */

typedef struct failure {
  size_t task;
  c2_status status;
  c2_error err;
} failure;

typedef struct fallible {
  c2_fallible_fn task;
  void *context;
  failure *failed; /* a worker's */
} fallible;

static void run_one(void *context, size_t task, size_t worker) {
  const fallible *f = context;
  failure *failed = &f->failed[worker];
  c2_error err = {.code = C2_OK};
  c2_status status = f->task(f->context, task, worker, &err);
  if (status == C2_OK || (failed->status != C2_OK && failed->task < task)) return;
  *failed = (failure){task, status, err};
}

c2_status c2_run_fallible(c2_pool *pool, size_t tasks, c2_fallible_fn task, void *context, c2_error *err) {
  fallible f = {.task = task, .context = context};
  const failure *first = NULL;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(c2_pool_threads(pool), sizeof *f.failed, &f.failed, err));
  c2_pool_run(pool, tasks, run_one, &f);
  for (size_t i = 0; i < c2_pool_threads(pool); i++) {
    if (f.failed[i].status != C2_OK && (!first || f.failed[i].task < first->task)) first = &f.failed[i];
  }
  if (first) status = c2_fail(err, first->status, "%s", first->err.text);
  free(f.failed);
  return status;
}

/* ---- Bands ------------------------------------------------------------------------------------ */

size_t c2_band_room(const chronos2_model *model) {
  size_t room = BAND;
  for (size_t i = 0; i < model->expected_count; i++) room = c2_max_size(room, model->expected[i].shape[1]);
  return room;
}

/* First of n values that is not finite: its exponent is all ones. Whole blocks first, without a branch an element. */
static size_t first_odd(const float *values, size_t n) {
  enum { BLOCK = 256 };
  const uint32_t exponent = 0x7f800000;
  for (size_t at = 0; at < n; at += BLOCK) {
    uint32_t bits[BLOCK];
    uint32_t any = 0;
    size_t count = c2_min_size(BLOCK, n - at);
    memcpy(bits, values + at, count * sizeof *bits);
    for (size_t i = 0; i < count; i++) any |= (bits[i] & exponent) == exponent;
    for (size_t i = 0; any && i < count; i++) {
      if ((bits[i] & exponent) == exponent) return at + i;
    }
  }
  return n;
}

void c2_reading_begin(c2_reading *r, const chronos2_model *model, const c2_expected *tensor, float *band, size_t room) {
  *r = (c2_reading){.model = model, .tensor = tensor, .band = band, .room = room};
  c2_hash_begin(&r->hash);
}

/* Elements that are no wider than a float32 are read to the end of their place and converted in it. */
static c2_status read_elements(c2_reading *r, size_t first, size_t count, float *out, c2_error *err) {
  const c2_tensor *t = r->tensor->tensor;
  size_t width = c2_dtype_bytes(t->dtype);
  double wide[512];
  if (width <= sizeof *out) {
    unsigned char *raw = (unsigned char *)out + count * (sizeof *out - width);
    C2_TRY(c2_safetensors_read(r->tensor->file, t, first, count, raw, err));
    c2_hash_add(&r->hash, raw, count * width);
    c2_elements_to_float(t->dtype, raw, count, out);
    return C2_OK;
  }
  for (size_t at = 0; at < count; at += 512) {
    size_t n = c2_min_size(512, count - at);
    C2_TRY(c2_safetensors_read(r->tensor->file, t, first + at, n, wide, err));
    c2_hash_add(&r->hash, wide, n * width);
    c2_elements_to_float(t->dtype, (const unsigned char *)wide, n, out + at);
  }
  return C2_OK;
}

static c2_status check_finite(const c2_reading *r, size_t count, const char *path, const char *sum, c2_error *err) {
  size_t odd = first_odd(r->band, count);
  if (odd == count) return C2_OK;
  C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s'%s: element %zu is not a finite number", path, r->tensor->name, sum,
          r->first * r->tensor->shape[1] + odd);
}

static c2_status read_stored(c2_reading *r, size_t count, c2_error *err) {
  const c2_expected *e = r->tensor;
  size_t columns = e->shape[1];
  C2_TRY(read_elements(r, r->first * columns, count, r->band, err));
  C2_TRY(check_finite(r, count, e->file->path, "", err));
  const c2_adapter *adapter = r->model->adapter;
  if (!adapter || !c2_adapter_changes(adapter, e)) return C2_OK;
  C2_TRY(c2_adapter_add(adapter, e, r->first, r->rows, r->band, err));
  return check_finite(r, count, adapter->file.path, " with what is added to it", err);
}

c2_status c2_reading_next(c2_reading *r, c2_error *err) {
  const c2_expected *e = r->tensor;
  size_t columns = e->shape[1];
  r->first += r->rows;
  r->rows = c2_min_size(r->room / columns, e->shape[0] - r->first);
  size_t count = r->rows * columns;
  if (count == 0) return C2_OK;
  if (!r->model->raw.values) return read_stored(r, count, err);
  memcpy(r->band, r->model->raw.values[e->index] + r->first * columns, count * sizeof *r->band);
  return C2_OK;
}

c2_status c2_tensor_rows(const chronos2_model *model, const c2_expected *tensor, size_t first, size_t rows, float *out,
                         c2_error *err) {
  c2_reading r;
  c2_reading_begin(&r, model, tensor, out, rows * tensor->shape[1]);
  r.first = first;
  return c2_reading_next(&r, err);
}

static c2_status changed(const c2_expected *e, c2_error *err) {
  C2_FAIL(err, C2_ERR_IO, "%s: tensor '%s' was written to since the model was opened", e->file->path, e->name);
}

c2_status c2_reading_settle(c2_expected *e, uint64_t digest, c2_error *err) {
  if (e->digested && e->digest != digest) return changed(e, err);
  e->digest = digest;
  e->digested = true;
  return C2_OK;
}

c2_status c2_tensor_values(const chronos2_model *model, const c2_expected *e, float *out, c2_error *err) {
  c2_reading r;
  size_t elements = e->shape[0] * e->shape[1];
  c2_reading_begin(&r, model, e, out, elements);
  C2_TRY(c2_reading_next(&r, err));
  if (model->raw.values || !e->digested || c2_hash_end(&r.hash) == e->digest) return C2_OK;
  return changed(e, err);
}

/* ---- All tensors ------------------------------------------------------------------------------ */

typedef struct digesting {
  const chronos2_model *model;
  unsigned char *piece; /* a worker's [PIECE] */
  uint64_t *digest;     /* [expected_count] */
} digesting;

enum { PIECE = 1 << 20 };

static c2_status digest_one(void *context, size_t task, size_t worker, c2_error *err) {
  const digesting *d = context;
  const c2_expected *e = &d->model->expected[task];
  unsigned char *piece = d->piece + worker * PIECE;
  c2_hash hash;
  c2_hash_begin(&hash);
  for (size_t at = 0; at < e->tensor->bytes; at += PIECE) {
    size_t size = c2_min_size(PIECE, e->tensor->bytes - at);
    C2_TRY(c2_infile_read(&e->file->file, e->tensor->offset + at, size, piece, err));
    c2_hash_add(&hash, piece, size);
  }
  d->digest[task] = c2_hash_end(&hash);
  return C2_OK;
}

c2_status c2_model_digest(chronos2_model *model, c2_pool *pool, c2_error *err) {
  digesting d = {.model = model};
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(c2_pool_threads(pool), PIECE, &d.piece, err));
  C2_GOTO(c2_alloc_array(model->expected_count, sizeof *d.digest, &d.digest, err));
  C2_GOTO(c2_run_fallible(pool, model->expected_count, digest_one, &d, err));
  for (size_t i = 0; i < model->expected_count; i++) {
    C2_GOTO(c2_reading_settle(&model->expected[i], d.digest[i], err));
  }
fail:
  free(d.piece);
  free(d.digest);
  return status;
}

typedef struct loading {
  const chronos2_model *model;
  float **values; /* [expected_count] */
} loading;

static c2_status load_one(void *context, size_t task, size_t worker, c2_error *err) {
  const loading *l = context;
  (void)worker;
  return c2_tensor_values(l->model, &l->model->expected[task], l->values[task], err);
}

static void carve_raw(const chronos2_model *model, c2_arena *arena, float **values) {
  for (size_t i = 0; i < model->expected_count; i++) {
    float *tensor = C2_CARVE(arena, float, model->expected[i].shape[0] * model->expected[i].shape[1]);
    if (values) values[i] = tensor;
  }
}

size_t c2_raw_bytes(const chronos2_model *model) {
  c2_arena plan = {0};
  carve_raw(model, &plan, NULL);
  return plan.failed ? SIZE_MAX : c2_block_size(plan.used);
}

c2_status c2_raw_open(const chronos2_model *model, c2_raw *raw, float ***values, c2_error *err) {
  *raw = (c2_raw){0};
  C2_TRY(c2_block_open(&raw->block, c2_raw_bytes(model), err));
  C2_TRY(c2_alloc_array(model->expected_count, sizeof **values, values, err));
  c2_arena arena = {.base = raw->block.base, .size = raw->block.size};
  carve_raw(model, &arena, *values);
  return C2_OK;
}

c2_status c2_raw_load(const chronos2_model *model, c2_pool *pool, c2_raw *raw, c2_error *err) {
  loading l = {.model = model};
  c2_status status = C2_OK;
  C2_GOTO(c2_raw_open(model, raw, &l.values, err));
  C2_GOTO(c2_run_fallible(pool, model->expected_count, load_one, &l, err));
  raw->values = (const float **)l.values; /* now: `raw` may be the model's, which tensors are read from */
  return C2_OK;
fail:
  free(l.values);
  c2_raw_free(raw);
  return status;
}

void c2_raw_free(c2_raw *raw) {
  c2_block_free(&raw->block);
  free(raw->values);
  *raw = (c2_raw){0};
}
