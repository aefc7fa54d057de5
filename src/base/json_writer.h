/* Writing JSON straight to a stream: no tree, no allocation. What goes wrong is the stream's error, or stays in the
 * writer; c2_json_finish asks for both, and so does nobody in between. */
#ifndef C2_BASE_JSON_WRITER_H
#define C2_BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

typedef struct c2_json_writer {
  FILE *out;    /* NULL: the text is only counted */
  bool compact; /* no blanks; else a line a value, indented */
  bool html;    /* ASCII alone and no '<', so that it can stand in a script element */
  int digits;   /* of numbers; 0: 17, which read back to the same double */
  size_t size;  /* bytes so far */
  size_t depth; /* containers that are open */
  bool follows; /* a value has been written in the innermost container */
  bool failed;
  int reason; /* errno of the first failure */
} c2_json_writer;

/* `key` is the member's name within an object, NULL within an array and for the root. */
void c2_json_begin_object(c2_json_writer *w, const char *key);
void c2_json_end_object(c2_json_writer *w);
void c2_json_begin_array(c2_json_writer *w, const char *key);
void c2_json_end_array(c2_json_writer *w);

void c2_json_put_null(c2_json_writer *w, const char *key);
void c2_json_put_bool(c2_json_writer *w, const char *key, bool value);
void c2_json_put_whole(c2_json_writer *w, const char *key, uint64_t value);

/* JSON has neither NaN nor infinity: null, "inf" and "-inf" stand for them (c2_json_extended reads them). */
void c2_json_put_number(c2_json_writer *w, const char *key, double value);
void c2_json_put_float(c2_json_writer *w, const char *key, double value); /* with a float32's digits; finite */
void c2_json_put_numbers(c2_json_writer *w, const char *key, const double *values, size_t count);

/* Writes a text, or null if it is NULL. A byte that is not UTF-8 becomes U+FFFD. */
void c2_json_put_text(c2_json_writer *w, const char *key, const char *text);

/* Whether all of it reached the stream's buffer and every container was closed; `name` is the file in the message. */
c2_status c2_json_finish(const c2_json_writer *w, const char *name, c2_error *err);

#endif
