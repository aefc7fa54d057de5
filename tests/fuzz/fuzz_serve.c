/* Bodies of requests to the server: one letter that chooses the protocol ("2" is Arrow), then the body. Whatever comes
 * is answered, by a refusal that says what and where in JSON, or a result of the length that was asked for. */
#include "data/ipc.h"
#include "fuzz.h"
#include "serve/arrow.h"
#include "serve/protocol.h"

/* A result's rows in Arrow. */
static void check_table(const c2_answer *answer, const c2_call *call) {
  struct ArrowArrayStream stream;
  c2_error err;
  int64_t rows = 0;
  int64_t expected = 0;
  char *bytes = malloc(answer->size);
  if (!bytes) abort();
  memcpy(bytes, answer->body, answer->size);
  fuzz_require(c2_ipc_open(&stream, bytes, answer->size, &(c2_ipc_options){0}, &err) == C2_OK, "a result is a stream");
  for (;;) {
    struct ArrowArray batch = {.release = NULL};
    fuzz_require(stream.get_next(&stream, &batch) == 0, "a result is whole");
    if (!batch.release) break;
    rows += batch.length;
    batch.release(&batch);
  }
  stream.release(&stream);
  free(bytes);
  for (size_t i = 0; i < call->count; i++) expected += (int64_t)(call->series[i].targets * call->pass.horizon);
  fuzz_require(rows == expected, "a row for each step");
  fuzz_require(answer->size <= c2_arrow_bytes(call), "an answer takes no more than was counted");
}

static void check_answer(c2_answer *answer, bool is_refusal) {
  c2_json_document doc = {.path = "answer", .failure = C2_ERR_FORMAT};
  c2_error err;
  fuzz_require(answer->body && answer->size > 0, "an answer has a body");
  char *text = malloc(answer->size + 1);
  if (!text) abort();
  memcpy(text, answer->body, answer->size);
  fuzz_require(c2_json_parse(&doc, text, answer->size, &err) == C2_OK, "an answer is JSON");
  if (is_refusal) {
    const c2_json *error = c2_json_get(doc.node, "error");
    const char *message = c2_json_string(c2_json_get(error, "message"));
    fuzz_require(answer->status == C2_HTTP_BAD_REQUEST || answer->status == C2_HTTP_MEDIA_TYPE ||
                     answer->status == C2_HTTP_UNAVAILABLE,
                 "a refusal's status");
    fuzz_require(message && *message && !strchr(message, '\n'), "a refusal is one line");
    fuzz_require(c2_json_string(c2_json_get(error, "param")) != NULL, "a refusal has a place");
  } else {
    fuzz_require(answer->status == C2_HTTP_OK, "a result's status");
  }
  c2_json_free(&doc);
  free(text);
}

static void check_call(const c2_call *call, const c2_call_limits *limits, const chronos2_config *config) {
  fuzz_require(call->set.count >= 1 && call->set.count <= limits->series, "the number of series");
  fuzz_require(call->pass.horizon >= 1 && call->pass.horizon <= limits->horizon, "the horizon");
  for (size_t i = 0; i < call->set.count; i++) {
    const chronos2_series *s = &call->series[i];
    fuzz_require(s->length >= 1 && s->targets >= 1 && s->targets + s->covariates <= C2_CALL_ROWS, "a series' size");
    fuzz_require(c2_call_tokens(call, i, config) >= s->targets + s->covariates, "a row has a token at least");
    for (size_t c = 0; c < s->covariates; c++) {
      size_t length = call->set.item[i].covariate[c].future_length;
      fuzz_require(length == 0 || length == call->pass.horizon, "a future is as long as the horizon");
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const chronos2_config config = fuzz_config();
  const c2_call_limits limits = {.series = 5, .horizon = 30, .context_length = 64, .batch_size = 16, .model = "m"};
  c2_call call = {.set = {.item = NULL}};
  c2_answer answer = {.body = NULL};
  c2_error err;
  if (size < 1) return 0;
  const c2_protocol *protocol = data[0] & 1 ? &c2_kserve : &c2_sagemaker;
  bool is_arrow = data[0] == '2';
  char parameters[] = "{\"prediction_length\":3,\"quantile_levels\":[0.1,0.5]}";
  char *text = malloc(size);
  if (!text) abort();
  memcpy(text, data + 1, size - 1);
  bool good = is_arrow ? c2_arrow_read(text, size - 1, parameters, &limits, &config, &call, &answer)
                       : c2_protocol_read(protocol, text, size - 1, &limits, &config, &call, &answer);
  free(text);
  if (good) {
    check_call(&call, &limits, &config);
    if (c2_call_make_room(&call, &err) != C2_OK) abort();
    if (is_arrow) {
      c2_arrow_write(&call, "0", &answer);
      check_table(&answer, &call);
    } else {
      c2_protocol_write(protocol, &call, &config, &answer);
    }
  }
  if (!good || !is_arrow) check_answer(&answer, !good);
  c2_answer_free(&answer);
  c2_call_free(&call);
  return 0;
}
