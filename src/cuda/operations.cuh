/* How each operation of device.h becomes a launch. Who includes this defines C2_LAUNCH(device, err, kernel, grid,
 * threads, arguments), an expression that gives a c2_status. */
#ifndef C2_CUDA_OPERATIONS_CUH
#define C2_CUDA_OPERATIONS_CUH

#include "cuda/masked.cuh"
#include "cuda/observed.cuh"
#include "cuda/rollout.cuh"

/* Blocks of ROW_THREADS threads. */
static inline dim3 blocks_for(size_t threads) {
  return dim3((unsigned)((threads + ROW_THREADS - 1) / ROW_THREADS));
}

static c2_status run_fit(c2_device *device, const c2_gpu_fit *f, c2_error *err) {
  if (f->rows == 0) return C2_OK;
  return C2_LAUNCH(device, err, fit_kernel, dim3((unsigned)f->rows), ROW_THREADS, *f);
}

static c2_status run_features(c2_device *device, const c2_gpu_features *f, c2_error *err) {
  if (f->tokens == 0) return C2_OK;
  return C2_LAUNCH(device, err, features_kernel, blocks_for(f->tokens * f->patch), ROW_THREADS, *f);
}

static c2_status run_norm(c2_device *device, const c2_gpu_norm *n, c2_error *err) {
  if (n->rows == 0) return C2_OK;
  dim3 grid = blocks_for(n->rows * 32);
  if (n->type == C2_GPU_BF16) return C2_LAUNCH(device, err, norm_kernel<bf16>, grid, ROW_THREADS, *n);
  return C2_LAUNCH(device, err, norm_kernel<float>, grid, ROW_THREADS, *n);
}

static c2_status run_rotate(c2_device *device, const c2_gpu_rotate *r, c2_error *err) {
  if (r->rows == 0) return C2_OK;
  dim3 grid = blocks_for(r->rows * r->heads * r->half);
  if (r->type == C2_GPU_BF16) return C2_LAUNCH(device, err, rotate_kernel<bf16>, grid, ROW_THREADS, *r);
  return C2_LAUNCH(device, err, rotate_kernel<float>, grid, ROW_THREADS, *r);
}

static c2_status run_copy(c2_device *device, const c2_gpu_copy *c, c2_error *err) {
  if (c->rows == 0) return C2_OK;
  return C2_LAUNCH(device, err, copy_kernel, blocks_for(c->rows * (c->bytes / 16)), ROW_THREADS, *c);
}

static c2_status run_round(c2_device *device, const c2_gpu_round *r, c2_error *err) {
  if (r->count == 0) return C2_OK;
  return C2_LAUNCH(device, err, round_kernel, blocks_for(r->count), ROW_THREADS, *r);
}

static c2_status run_invert(c2_device *device, const c2_gpu_invert *i, c2_error *err) {
  if (i->rows == 0) return C2_OK;
  size_t values = i->rows * i->patches * i->quantiles * i->patch;
  return C2_LAUNCH(device, err, invert_kernel, blocks_for(values), ROW_THREADS, *i);
}

static c2_status run_extend(c2_device *device, const c2_gpu_extend *e, c2_error *err) {
  size_t values = e->rows * e->paths * e->steps;
  if (values == 0) return C2_OK;
  return C2_LAUNCH(device, err, extend_kernel, blocks_for(values), ROW_THREADS, *e);
}

static c2_status run_reduce(c2_device *device, const c2_gpu_reduce *r, c2_error *err) {
  if (r->rows * r->steps == 0) return C2_OK;
  return C2_LAUNCH(device, err, reduce_kernel, dim3((unsigned)(r->rows * r->steps)), ROW_THREADS, *r);
}

static c2_status run_attend(c2_device *device, const c2_gpu_attend *a, c2_error *err) {
  if (a->tiles == 0) return C2_OK;
  dim3 grid((unsigned)a->tiles, (unsigned)a->heads);
  if (a->type == C2_GPU_BF16) {
    switch (a->head) {
      case 32: return C2_LAUNCH(device, err, attend_bf16_kernel<32>, grid, ATTEND_THREADS, *a);
      case 64: return C2_LAUNCH(device, err, attend_bf16_kernel<64>, grid, ATTEND_THREADS, *a);
      default: return C2_LAUNCH(device, err, attend_bf16_kernel<128>, grid, ATTEND_THREADS, *a);
    }
  }
  switch (a->head) { /* keys of a step: what 48 KiB of shared memory hold */
    case 32: return C2_LAUNCH(device, err, (attend_float_kernel<32, 32>), grid, ATTEND_THREADS, *a);
    case 64: return C2_LAUNCH(device, err, (attend_float_kernel<64, 32>), grid, ATTEND_THREADS, *a);
    default: return C2_LAUNCH(device, err, (attend_float_kernel<128, 8>), grid, ATTEND_THREADS, *a);
  }
}

static c2_status run_attend_seats(c2_device *device, const c2_gpu_attend_seats *a, c2_error *err) {
  if (a->seats == 0) return C2_OK;
  dim3 grid = blocks_for(a->seats * a->heads * 32);
  if (a->type == C2_GPU_BF16) {
    switch (a->head) {
      case 32: return C2_LAUNCH(device, err, (attend_seats_kernel<bf16, 32>), grid, ROW_THREADS, *a);
      case 64: return C2_LAUNCH(device, err, (attend_seats_kernel<bf16, 64>), grid, ROW_THREADS, *a);
      default: return C2_LAUNCH(device, err, (attend_seats_kernel<bf16, 128>), grid, ROW_THREADS, *a);
    }
  }
  switch (a->head) {
    case 32: return C2_LAUNCH(device, err, (attend_seats_kernel<float, 32>), grid, ROW_THREADS, *a);
    case 64: return C2_LAUNCH(device, err, (attend_seats_kernel<float, 64>), grid, ROW_THREADS, *a);
    default: return C2_LAUNCH(device, err, (attend_seats_kernel<float, 128>), grid, ROW_THREADS, *a);
  }
}

static c2_status run_weights(c2_device *device, const c2_gpu_weights *w, c2_error *err) {
  if (w->of.tiles == 0) return C2_OK;
  dim3 grid((unsigned)w->of.tiles, (unsigned)w->of.heads);
  if (w->of.type == C2_GPU_BF16) {
    switch (w->of.head) {
      case 32: return C2_LAUNCH(device, err, (weights_kernel<bf16, 32>), grid, ATTEND_THREADS, *w);
      case 64: return C2_LAUNCH(device, err, (weights_kernel<bf16, 64>), grid, ATTEND_THREADS, *w);
      default: return C2_LAUNCH(device, err, (weights_kernel<bf16, 128>), grid, ATTEND_THREADS, *w);
    }
  }
  switch (w->of.head) {
    case 32: return C2_LAUNCH(device, err, (weights_kernel<float, 32>), grid, ATTEND_THREADS, *w);
    case 64: return C2_LAUNCH(device, err, (weights_kernel<float, 64>), grid, ATTEND_THREADS, *w);
    default: return C2_LAUNCH(device, err, (weights_kernel<float, 128>), grid, ATTEND_THREADS, *w);
  }
}

static c2_status run_spread(c2_device *device, const c2_gpu_spread *s, c2_error *err) {
  if (s->seats == 0) return C2_OK;
  dim3 grid = blocks_for(s->seats * s->heads * 32);
  if (s->type == C2_GPU_BF16) return C2_LAUNCH(device, err, spread_kernel<bf16>, grid, ROW_THREADS, *s);
  return C2_LAUNCH(device, err, spread_kernel<float>, grid, ROW_THREADS, *s);
}

static c2_status run_means(c2_device *device, const c2_gpu_means *m, c2_error *err) {
  if (m->patches == 0) return C2_OK;
  dim3 grid((unsigned)m->patches);
  if (m->type == C2_GPU_BF16) return C2_LAUNCH(device, err, means_kernel<bf16>, grid, ROW_THREADS, *m);
  return C2_LAUNCH(device, err, means_kernel<float>, grid, ROW_THREADS, *m);
}

#endif
