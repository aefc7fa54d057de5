/* Answers. */
#include "serve/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { RETRY_SECONDS = 1 };

static const struct {
  c2_http_status status;
  const char *reason, *type; /* as HTTP has it; as the body of a refusal has it */
} statuses[C2_HTTP_STATUSES] = {
    {C2_HTTP_OK, "OK", ""},
    {C2_HTTP_CREATED, "Created", ""},
    {C2_HTTP_NO_CONTENT, "No Content", ""},
    {C2_HTTP_BAD_REQUEST, "Bad Request", "BadRequestError"},
    {C2_HTTP_UNAUTHORIZED, "Unauthorized", "AuthenticationError"},
    {C2_HTTP_NOT_FOUND, "Not Found", "NotFoundError"},
    {C2_HTTP_NOT_ALLOWED, "Method Not Allowed", "MethodNotAllowedError"},
    {C2_HTTP_TIMEOUT, "Request Timeout", "RequestTimeoutError"},
    {C2_HTTP_TOO_LARGE, "Content Too Large", "ContentTooLargeError"},
    {C2_HTTP_MEDIA_TYPE, "Unsupported Media Type", "UnsupportedMediaTypeError"},
    {C2_HTTP_TOO_MANY, "Too Many Requests", "TooManyRequestsError"},
    {C2_HTTP_FAILED, "Internal Server Error", "InternalServerError"},
    {C2_HTTP_NOT_IMPLEMENTED, "Not Implemented", "NotImplementedError"},
    {C2_HTTP_UNAVAILABLE, "Service Unavailable", "ServiceUnavailableError"},
};

c2_http_status c2_http_at(size_t index) {
  return statuses[index].status;
}

size_t c2_http_index(c2_http_status status) {
  size_t i = 0;
  while (i < C2_HTTP_STATUSES - 1 && statuses[i].status != status) i++;
  return i;
}

const char *c2_http_reason(c2_http_status status) {
  return statuses[c2_http_index(status)].reason;
}

static c2_status open_stream(c2_answer_stream *stream, c2_error *err) {
  memset(stream, 0, sizeof *stream);
  stream->json.compact = true;
  stream->json.out = open_memstream(&stream->text, &stream->size);
  return stream->json.out ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "out of memory for an answer");
}

bool c2_answer_begin(c2_answer_stream *stream, c2_answer *answer) {
  c2_error err;
  c2_status status = open_stream(stream, &err);
  if (status != C2_OK) c2_answer_refuse_error(answer, NULL, &err);
  return status == C2_OK;
}

void c2_answer_close(c2_answer_stream *stream, c2_http_status status, c2_answer *answer) {
  c2_error err;
  c2_status written = c2_json_finish(&stream->json, "the answer", &err);
  if (!c2_text_close(stream->json.out, &stream->text) && written == C2_OK) {
    written = c2_fail(&err, C2_ERR_MEMORY, "out of memory for an answer");
  }
  if (written != C2_OK) {
    free(stream->text);
    c2_answer_refuse_error(answer, NULL, &err);
    return;
  }
  *answer = (c2_answer){.status = status, .type = "application/json", .body = stream->text, .size = stream->size};
}

void c2_answer_fixed(c2_answer *answer, c2_http_status status, const char *type, const char *body, size_t size) {
  *answer = (c2_answer){.status = status, .type = type, .size = size, .is_fixed = true};
  if (size == 0) return;
  memcpy(&answer->body, &body, sizeof body); /* it is never written to */
}

void c2_answer_refuse(c2_answer *answer, c2_http_status status, const char *where, const char *format, ...) {
  static const char no_memory[] =
      "{\"error\":{\"code\":\"503\",\"type\":\"ServiceUnavailableError\",\"param\":\"\",\"message\":\"out of "
      "memory\"}}";
  char line[1200]; /* what the client sent may stand in it */
  char code[8];
  va_list args;
  c2_answer_stream stream;
  c2_error err;
  va_start(args, format);
  c2_text_format(line, sizeof line, format, args);
  va_end(args);
  c2_answer_free(answer);
  if (open_stream(&stream, &err) != C2_OK) {
    c2_answer_fixed(answer, C2_HTTP_UNAVAILABLE, "application/json", no_memory, sizeof no_memory - 1);
  } else {
    (void)snprintf(code, sizeof code, "%d", (int)status);
    c2_json_begin_object(&stream.json, NULL);
    c2_json_begin_object(&stream.json, "error");
    c2_json_put_text(&stream.json, "code", code);
    c2_json_put_text(&stream.json, "type", statuses[c2_http_index(status)].type);
    c2_json_put_text(&stream.json, "param", where ? where : "");
    c2_json_put_text(&stream.json, "message", line);
    c2_json_end_object(&stream.json);
    c2_json_end_object(&stream.json);
    if (c2_text_close(stream.json.out, &stream.text) && !stream.json.failed) {
      *answer = (c2_answer){.status = status, .type = "application/json", .body = stream.text, .size = stream.size};
    } else {
      free(stream.text);
      c2_answer_fixed(answer, C2_HTTP_UNAVAILABLE, "application/json", no_memory, sizeof no_memory - 1);
    }
  }
  if (answer->status == C2_HTTP_TOO_MANY || answer->status == C2_HTTP_UNAVAILABLE) answer->retry_after = RETRY_SECONDS;
}

void c2_answer_refuse_error(c2_answer *answer, const char *where, const c2_error *err) {
  c2_http_status status = C2_HTTP_FAILED;
  if (err->code == C2_ERR_FORMAT || err->code == C2_ERR_ARGUMENT) status = C2_HTTP_BAD_REQUEST;
  if (err->code == C2_ERR_MEMORY) status = C2_HTTP_UNAVAILABLE;
  c2_answer_refuse(answer, status, where, "%s", err->text);
}

void c2_answer_free(c2_answer *answer) {
  if (!answer->is_fixed) free(answer->body);
  free(answer->warnings);
  memset(answer, 0, sizeof *answer);
}
