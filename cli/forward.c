/* `chronos2 forward`: one forward pass on raw tensors, named as in tests/golden. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/safetensors.h"
#include "cli/cli.h"
#include "data/series.h"

/* Attention weights of all layers, [layers][B][heads][S][S]. */
typedef struct collected {
  float *weights;
  size_t rows, heads, tokens;
} collected;

typedef struct request {
  cli_engine engine;
  const char *output;
  bool attention; /* its weights are written, too */
  size_t patches; /* 0: those of the file */
} request;

typedef struct work {
  c2_safetensors file;
  float *context, *future, *quantiles, *loc, *scale, *mask;
  int64_t *groups;
  chronos2_batch batch;
  collected attention;
} work;

static void collect(void *user, const chronos2_attention_row *row) {
  collected *c = user;
  float *to =
      c->weights + (((row->layer * c->rows + row->row) * c->heads + row->head) * c->tokens + row->query) * c->tokens;
  memcpy(to, row->weights, c->tokens * sizeof *to);
}

static c2_status read_matrix(const work *w, const char *name, size_t rows, size_t *columns, float **out,
                             c2_error *err) {
  const c2_tensor *t = c2_safetensors_find(&w->file, name);
  if (!t) C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s' is missing", w->file.path, name);
  bool real = t->dtype == C2_F32 || t->dtype == C2_F16 || t->dtype == C2_BF16 || t->dtype == C2_F64;
  if (t->dims != 2 || !real || t->shape[0] == 0 || (rows > 0 && t->shape[0] != rows)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': expected numbers [rows, steps] with the rows of in.context",
            w->file.path, name);
  }
  C2_TRY(c2_alloc_array(t->elements, sizeof(float), out, err));
  if (t->elements > 0) c2_tensor_to_float(t, *out);
  *columns = t->shape[1];
  return C2_OK;
}

static c2_status read_groups(work *w, c2_error *err) {
  const c2_tensor *t = c2_safetensors_find(&w->file, "in.group_ids");
  if (!t) return C2_OK;
  if (t->dtype != C2_I64 || t->dims != 1 || t->shape[0] != w->batch.rows) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor 'in.group_ids': expected I64 [rows]", w->file.path);
  }
  C2_TRY(c2_alloc_array(t->elements, sizeof *w->groups, &w->groups, err));
  memcpy(w->groups, t->data, t->bytes);
  w->batch.group_ids = w->groups;
  return C2_OK;
}

/* num_output_patches from the file's "case" metadata, unless given. */
static c2_status read_patches(work *w, size_t asked, c2_error *err) {
  w->batch.output_patches = asked;
  if (asked > 0) return C2_OK;
  const char *metadata = c2_safetensors_metadata(&w->file, "case");
  if (!metadata) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected --output-patches, or metadata 'case' with num_output_patches",
            w->file.path);
  }
  char *text = c2_strdup(metadata);
  c2_json_document doc = {.path = "metadata 'case'", .failure = C2_ERR_FORMAT, .loaded = text};
  c2_error why;
  c2_status status = text ? c2_json_parse(&doc, text, strlen(text), &why)
                          : c2_fail(&why, C2_ERR_MEMORY, "cannot allocate the metadata");
  if (status == C2_OK) {
    status = c2_json_get_size(&doc, doc.node, "num_output_patches", 1, 4096, &w->batch.output_patches, &why);
  }
  c2_json_free(&doc);
  if (status != C2_OK) C2_FAIL(err, status, "%s: %s", w->file.path, why.text);
  return C2_OK;
}

/* Keeps the last `most` steps of every row. */
static void cut_context(work *w, size_t most) {
  size_t length = w->batch.length;
  if (most == 0 || length <= most) return;
  for (size_t b = 0; b < w->batch.rows; b++) {
    memmove(w->context + b * most, w->context + (b + 1) * length - most, most * sizeof *w->context);
  }
  w->batch.length = most;
}

static c2_status read_case(work *w, const char *path, size_t patches, c2_error *err) {
  C2_TRY(c2_safetensors_open(&w->file, path, err));
  C2_TRY(read_matrix(w, "in.context", 0, &w->batch.length, &w->context, err));
  const c2_tensor *t = c2_safetensors_find(&w->file, "in.context");
  w->batch.rows = t->shape[0];
  w->batch.context = w->context;
  C2_TRY(read_groups(w, err));
  if (c2_safetensors_find(&w->file, "in.future_covariates")) {
    C2_TRY(read_matrix(w, "in.future_covariates", w->batch.rows, &w->batch.future_length, &w->future, err));
    w->batch.future_covariates = w->future;
  }
  return read_patches(w, patches, err);
}

static c2_status allocate(work *w, const chronos2_model *model, bool attention, c2_error *err) {
  const chronos2_config *c = chronos2_model_config(model);
  size_t tokens = chronos2_batch_tokens(model, &w->batch);
  size_t per_row = c->quantiles * c->patch * w->batch.output_patches;
  C2_TRY(c2_alloc_array(w->batch.rows, per_row * sizeof(float), &w->quantiles, err));
  C2_TRY(c2_alloc_array(w->batch.rows, sizeof(float), &w->loc, err));
  C2_TRY(c2_alloc_array(w->batch.rows, sizeof(float), &w->scale, err));
  C2_TRY(c2_alloc_array(w->batch.rows, tokens * sizeof(float), &w->mask, err));
  if (!attention) return C2_OK;
  size_t pairs = 0;
  if (!c2_mul(tokens, tokens, &pairs) || !c2_mul(pairs, c->layers * w->batch.rows * c->heads, &pairs)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the attention weights' size overflows");
  }
  w->attention = (collected){NULL, w->batch.rows, c->heads, tokens};
  return c2_alloc_array(pairs, sizeof(float), &w->attention.weights, err);
}

static c2_status write_case(const work *w, const chronos2_model *model, const char *path, c2_error *err) {
  const chronos2_config *c = chronos2_model_config(model);
  size_t rows = w->batch.rows;
  size_t tokens = chronos2_batch_tokens(model, &w->batch);
  size_t layers = w->attention.weights ? c->layers : 0;
  c2_tensor_out *out = NULL;
  char(*names)[40] = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(4 + layers, sizeof *out, &out, err));
  C2_GOTO(c2_alloc_array(layers, sizeof *names, &names, err));
  out[0] = (c2_tensor_out){
      "out.quantiles", C2_F32, 3, {rows, c->quantiles, c->patch * w->batch.output_patches}, w->quantiles};
  out[1] = (c2_tensor_out){"out.loc", C2_F32, 2, {rows, 1}, w->loc};
  out[2] = (c2_tensor_out){"out.scale", C2_F32, 2, {rows, 1}, w->scale};
  out[3] = (c2_tensor_out){"out.token_mask", C2_F32, 2, {rows, tokens}, w->mask};
  for (size_t i = 0; i < layers; i++) {
    (void)snprintf(names[i], sizeof names[i], "out.time_attention.%zu", i);
    out[4 + i] = (c2_tensor_out){names[i],
                                 C2_F32,
                                 4,
                                 {rows, c->heads, tokens, tokens},
                                 w->attention.weights + i * rows * c->heads * tokens * tokens};
  }
  C2_GOTO(c2_safetensors_write(path, out, 4 + layers, err));
fail:
  free(out);
  free(names);
  return status;
}

static void release(work *w) {
  c2_safetensors_close(&w->file);
  free(w->context);
  free(w->future);
  free(w->quantiles);
  free(w->loc);
  free(w->scale);
  free(w->mask);
  free(w->groups);
  free(w->attention.weights);
}

static const cli_usage forward_usage = {
    .command = "forward",
    .arguments = "CASE.safetensors",
    .summary = "A command for developers: it runs one forward pass on the tensors in.context [rows, steps] (NaN is a "
               "missing value), in.group_ids [rows] and in.future_covariates [rows, steps], and writes "
               "out.quantiles, out.loc, out.scale and out.token_mask.",
    .min_arguments = 1,
    .max_arguments = 1};

static c2_status forward(const request *r, const char *input, const chronos2_model *model, chronos2_session *session,
                         work *w, c2_error *err) {
  C2_TRY(read_case(w, input, r->patches, err));
  size_t trained = chronos2_model_config(model)->context_length;
  cut_context(w, r->engine.context_length);
  if (w->batch.length > trained) cli_warn("forward cuts a context at the model's %zu steps", trained);
  C2_TRY(allocate(w, model, r->attention, err));
  if (r->attention) chronos2_session_on_attention(session, collect, &w->attention);
  C2_TRY(c2_api(chronos2_forward(session, &w->batch, w->quantiles, w->loc, w->scale, w->mask), err));
  return write_case(w, model, r->output, err);
}

static int run(request *r, const char *input) {
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  work w = {0};
  c2_error err = {.code = C2_OK};
  if (!r->output) return cli_fail_usage("forward needs -o FILE; see 'chronos2 forward --help'");
  int status = cli_engine_locate(&r->engine);
  if (status != CLI_DONE) return status;
  if (cli_keep_inputs(r->output, &r->engine, &input, 1, &err) != C2_OK) return cli_fail_error(&err);
  status = cli_engine_open(&r->engine, &model, &session);
  if (status != CLI_DONE) return status;
  if (r->attention && chronos2_session_pattern(session).attention != CHRONOS2_FULL) {
    status = cli_fail_usage("--attention-weights are those of full attention: expected --attention full beside it");
  } else {
    if (forward(r, input, model, session, &w, &err) != C2_OK) status = cli_fail_error(&err);
  }
  release(&w);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return status;
}

int cli_forward(int argc, char **argv) {
  request r = {.output = NULL};
  const cli_option options[] = {
      {"output", 'o', "FILE", "Write the results to this file. It is required.", CLI_TEXT, &r.output, NULL},
      {"output-patches", 0, "N", "Number of future tokens. [num_output_patches of the file's metadata 'case']",
       CLI_COUNT, &r.patches, NULL},
      {"context-length", 0, "N",
       "Use at most this many of the last observations. More than the model was made for are not used. [the model's]",
       CLI_COUNT, &r.engine.context_length, NULL},
      {"attention-weights", 0, NULL, "Also write out.time_attention.LAYER. This needs --attention full.", CLI_FLAG,
       &r.attention, NULL},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  int first = 0;
  int status = 0;
  cli_engine_init(&r.engine);
  cli_engine_leave_out(&r.engine, "batch-size"); /* the file is the batch */
  cli_engine_leave_out(&r.engine, "context-length"); /* its own has another limit */
  if (!cli_parse(argc, argv, &forward_usage, options, &r.engine, &first, &status)) return status;
  return run(&r, argv[first]);
}
