/* The answer to a request: status, headers and body. Knows no protocol but how a refusal looks:
 * {"error": {"code": "400", "type": "...", "param": "inputs[0].target[3]", "message": "..."}} */
#ifndef C2_SERVE_ANSWER_H
#define C2_SERVE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json_writer.h"
#include "base/status.h"

/* Statuses of HTTP that the server gives. */
typedef enum c2_http_status {
  C2_HTTP_OK = 200,
  C2_HTTP_CREATED = 201,
  C2_HTTP_NO_CONTENT = 204,
  C2_HTTP_BAD_REQUEST = 400,
  C2_HTTP_UNAUTHORIZED = 401,
  C2_HTTP_NOT_FOUND = 404,
  C2_HTTP_NOT_ALLOWED = 405,
  C2_HTTP_TIMEOUT = 408,
  C2_HTTP_TOO_LARGE = 413,
  C2_HTTP_MEDIA_TYPE = 415,
  C2_HTTP_TOO_MANY = 429,
  C2_HTTP_FAILED = 500,
  C2_HTTP_NOT_IMPLEMENTED = 501,
  C2_HTTP_UNAVAILABLE = 503
} c2_http_status;

enum { C2_HTTP_STATUSES = 14 }; /* their number */

/* Zeroed at first. */
typedef struct c2_answer {
  c2_http_status status;
  const char *type; /* media type; not owned */
  char *body;       /* [size]; owned, unless it is fixed */
  size_t size;
  bool is_fixed;
  char *warnings;     /* of a body that has no place for them: a JSON array for a header, or NULL; owned */
  const char *policy; /* of a page: what it may load; not owned */
  const char *allow;  /* 405: the methods there are; not owned */
  int retry_after;    /* 429 and 503: seconds; else 0 */
} c2_answer;

/* A JSON body, written by way of a stream. c2_answer_begin opens it; false: there is no memory, and the answer says so.
 * c2_answer_close sets status and body, or makes the answer a failure if the writing failed. */
typedef struct c2_answer_stream {
  c2_json_writer json;
  char *text;
  size_t size;
} c2_answer_stream;

bool c2_answer_begin(c2_answer_stream *stream, c2_answer *answer);
void c2_answer_close(c2_answer_stream *stream, c2_http_status status, c2_answer *answer);

/* A body that is not owned. */
void c2_answer_fixed(c2_answer *answer, c2_http_status status, const char *type, const char *body, size_t size);

/* A refusal. `where` is the place of what was refused in the body, "" or NULL if there is none. Where memory is out, a
 * fixed text stands for it. */
C2_PRINTF(4, 5)
void c2_answer_refuse(c2_answer *answer, c2_http_status status, const char *where, const char *format, ...);

/* The refusal that an error of the library calls for: the client's fault, or the server's. */
void c2_answer_refuse_error(c2_answer *answer, const char *where, const c2_error *err);

/* Frees the body; the answer is as at first. */
void c2_answer_free(c2_answer *answer);

/* Statuses from the lowest on. */
c2_http_status c2_http_at(size_t index);
size_t c2_http_index(c2_http_status status);

/* "Bad Request", as HTTP has it. */
const char *c2_http_reason(c2_http_status status);

#endif
