/* What the protocols share. */
#include "serve/protocol.h"

#include <stdio.h>

bool c2_protocol_read(const c2_protocol *protocol, char *text, size_t size, const c2_call_limits *limits,
                      const chronos2_config *config, c2_call *call, c2_answer *answer) {
  char where[C2_JSON_WHERE_ROOM] = "";
  c2_json_document doc = {.path = "the body", .failure = C2_ERR_FORMAT, .allow_nan = true, .where = where};
  c2_error err;
  c2_status status = c2_json_parse(&doc, text, size, &err);
  if (status == C2_OK && doc.node->type != C2_JSON_OBJECT) {
    status = c2_json_fail(&doc, doc.node, &err, "expected an object, found %s", c2_json_type_name(doc.node));
  }
  if (status == C2_OK) status = protocol->read(call, &doc, limits, config, &err);
  c2_json_free(&doc);
  if (status != C2_OK) c2_answer_refuse_error(answer, where, &err);
  return status == C2_OK;
}

void c2_protocol_write(const c2_protocol *protocol, const c2_call *call, const chronos2_config *config,
                       c2_answer *answer) {
  c2_answer_stream stream;
  c2_error err;
  if (!c2_answer_begin(&stream, answer)) return;
  c2_status status = protocol->write(call, config, &stream.json, &err);
  c2_answer_close(&stream, C2_HTTP_OK, answer);
  if (status != C2_OK) c2_answer_refuse_error(answer, NULL, &err);
}

static void put_target(const c2_call *call, size_t series, size_t target, size_t level, const char *key,
                       c2_json_writer *json) {
  size_t horizon = call->pass.horizon;
  const double *values = c2_call_values(call, series, target);
  c2_json_begin_array(json, key);
  for (size_t s = 0; s < horizon; s++) {
    bool median = level == C2_PROTOCOL_MEDIAN;
    c2_json_put_float(json, NULL, median ? values[s] : values[horizon + s * call->level_count + level]);
  }
  c2_json_end_array(json);
}

void c2_protocol_put_values(const c2_call *call, size_t series, bool is_nested, size_t level, const char *key,
                            c2_json_writer *json) {
  if (!is_nested) {
    put_target(call, series, 0, level, key, json);
    return;
  }
  c2_json_begin_array(json, key);
  for (size_t t = 0; t < call->series[series].targets; t++) put_target(call, series, t, level, NULL, json);
  c2_json_end_array(json);
}

void c2_protocol_put_warnings(const c2_call *call, c2_json_writer *json) {
  if (call->set.notes == 0) return;
  c2_json_begin_array(json, "warnings");
  for (size_t i = 0; i < call->set.notes; i++) c2_json_put_text(json, NULL, call->set.note[i]);
  c2_json_end_array(json);
}
