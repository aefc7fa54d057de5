/* The parts of a pass that are local to a token. */
#include "cuda/pass.h"

c2_status c2_cuda_multiply(const c2_cuda_run *r, const c2_cuda_product *p, c2_error *err) {
  if (p->rows == 0) return C2_OK;
  c2_gpu_product product = {.a = p->a,
                            .w = p->w,
                            .c = p->c,
                            .a_stride = p->a_stride,
                            .c_stride = p->c_stride,
                            .rows = p->rows,
                            .columns = p->columns,
                            .depth = p->depth,
                            .type = r->w->type,
                            .c_type = p->add ? C2_GPU_FLOAT : r->w->type,
                            .relu = p->relu,
                            .accumulate = p->add};
  return C2_CUDA_EMIT(&r->cuda->program, product, &product, err);
}

c2_status c2_cuda_norm(const c2_cuda_run *r, void *out, c2_gpu_element type, const float *x, const float *weight,
                       size_t rows, c2_error *err) {
  c2_gpu_norm n = {.x = x,
                   .weight = weight,
                   .out = out,
                   .type = type,
                   .x_stride = r->w->sizes.model,
                   .out_stride = r->w->sizes.model,
                   .rows = rows,
                   .columns = r->config->d_model,
                   .padded = r->w->sizes.model,
                   .epsilon = (float)r->config->layer_norm_epsilon};
  return C2_CUDA_EMIT(&r->cuda->program, norm, &n, err);
}

/* Rows by chunks that fit r->hidden. Under bf16 the operands are read as TF32, which has three bits more than bf16: in
 * float32 these two blocks would take a quarter of a pass. */
c2_status c2_cuda_residual_block(const c2_cuda_run *r, const c2_cuda_residual *w, const float *x, size_t in, float *out,
                                 size_t columns, size_t rows, c2_error *err) {
  size_t ff = r->w->sizes.ff;
  for (size_t first = 0; first < rows; first += C2_CUDA_CHUNK) {
    c2_gpu_product hidden = {.a = x + first * in,
                             .w = w->hidden,
                             .c = r->hidden,
                             .a_stride = in,
                             .c_stride = ff,
                             .rows = c2_min_size(C2_CUDA_CHUNK, rows - first),
                             .columns = ff,
                             .depth = in,
                             .bias = w->hidden_bias,
                             .type = r->w->type == C2_GPU_BF16 ? C2_GPU_TF32 : C2_GPU_FLOAT,
                             .relu = true};
    c2_gpu_product residual = hidden;
    residual.w = w->residual;
    residual.c = out + first * columns;
    residual.c_stride = residual.columns = columns;
    residual.bias = w->bias;
    residual.relu = false;
    c2_gpu_product output = residual;
    output.a = r->hidden;
    output.w = w->output;
    output.a_stride = output.depth = ff;
    output.bias = NULL;
    output.accumulate = true;
    C2_TRY(C2_CUDA_EMIT(&r->cuda->program, product, &hidden, err));
    C2_TRY(C2_CUDA_EMIT(&r->cuda->program, product, &residual, err));
    C2_TRY(C2_CUDA_EMIT(&r->cuda->program, product, &output, err));
  }
  return C2_OK;
}

/* Locations and scales; a decode has those of the encoding. */
static c2_status fit(const c2_cuda_run *r, c2_error *err) {
  c2_gpu_series_span *row = (c2_gpu_series_span *)(r->tables + ((unsigned char *)r->plan.row - r->cuda->tables.base));
  c2_gpu_fit f = {.contexts = c2_cuda_contexts(r), .row = row, .rows = r->plan.layout.rows};
  return r->recall ? C2_OK : C2_CUDA_EMIT(&r->cuda->program, fit, &f, err);
}

c2_status c2_cuda_embed(const c2_cuda_run *r, c2_error *err) {
  const c2_layout *l = &r->plan.layout;
  const c2_cuda_sizes *s = &r->w->sizes;
  C2_TRY(fit(r, err));
  for (size_t first = 0; first < l->tokens; first += C2_CUDA_CHUNK) {
    c2_gpu_features f = {.contexts = c2_cuda_contexts(r),
                         .futures = c2_cuda_mirrored(r, r->plan.value),
                         .row = c2_cuda_mirrored(r, r->plan.row),
                         .row_of = c2_cuda_mirrored(r, l->row_of + first),
                         .position = c2_cuda_mirrored(r, l->position + first),
                         .out = r->features,
                         .tokens = c2_min_size(C2_CUDA_CHUNK, l->tokens - first),
                         .patch = r->config->patch,
                         .stride = s->in,
                         .time_scale = r->config->time_encoding_scale,
                         .arcsinh = r->config->use_arcsinh};
    C2_TRY(C2_CUDA_EMIT(&r->cuda->program, features, &f, err));
    C2_TRY(c2_cuda_residual_block(r, &r->w->embed, r->features, s->in, r->x + first * s->model, s->model, f.tokens,
                                  err));
  }
  if (r->recall) return C2_OK;
  c2_gpu_copy reg = {.from = r->w->reg,
                     .to = r->x,
                     .to_row = c2_cuda_mirrored(r, r->plan.reg),
                     .to_stride = s->model * sizeof(float),
                     .bytes = s->model * sizeof(float),
                     .rows = l->rows};
  return C2_CUDA_EMIT(&r->cuda->program, copy, &reg, err);
}

c2_status c2_cuda_feed_forward(const c2_cuda_run *r, float *x, size_t rows, c2_error *err) {
  const c2_cuda_layer *w = &r->w->layer[r->layer];
  size_t d = r->w->sizes.model;
  size_t ff = r->w->sizes.ff;
  C2_TRY(c2_cuda_norm(r, r->normed, r->w->type, x, w->ffn_norm, rows, err));
  for (size_t first = 0; first < rows; first += C2_CUDA_CHUNK) {
    size_t n = c2_min_size(C2_CUDA_CHUNK, rows - first);
    c2_cuda_product in = {.a = c2_cuda_at(r, r->normed, first * d), .w = w->wi, .c = r->hidden,
                          .a_stride = d, .depth = d, .c_stride = ff, .rows = n, .columns = ff, .relu = true};
    c2_cuda_product out = {.a = r->hidden, .w = w->wo, .c = x + first * d,
                           .a_stride = ff, .depth = ff, .c_stride = d, .rows = n, .columns = d, .add = true};
    C2_TRY(c2_cuda_multiply(r, &in, err));
    C2_TRY(c2_cuda_multiply(r, &out, err));
  }
  return C2_OK;
}
