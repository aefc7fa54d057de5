/* Reading JSON (RFC 8259), strictly: no duplicate keys, no invalid UTF-8, no lone surrogates, no \u0000, no number
 * beyond a double's range, nothing behind the value, nesting to C2_JSON_DEPTH. Nothing recurses and no value is
 * allocated: a document is one array of nodes over the caller's text, in which strings are decoded in place.
 *
 * A number keeps its own text beside the double, so that 1234567890123456 stays that. */
#ifndef C2_BASE_JSON_H
#define C2_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { C2_JSON_DEPTH = 128, C2_JSON_WHERE_ROOM = 256 };

typedef enum c2_json_type {
  C2_JSON_NULL,
  C2_JSON_NAN, /* only in a document that allows it */
  C2_JSON_FALSE,
  C2_JSON_TRUE,
  C2_JSON_NUMBER,
  C2_JSON_STRING,
  C2_JSON_ARRAY,
  C2_JSON_OBJECT,
  C2_JSON_KEY /* of a member of an object; its value is the next node */
} c2_json_type;

/* A value; the nodes of what it contains follow it. */
typedef struct c2_json c2_json;
struct c2_json {
  const char *text; /* number: as it is spelt; string, key: decoded; ends in a zero. Others: NULL */
  union {
    double number;
    const c2_json *const *sorted; /* [size] keys of a large object in strcmp's order; else NULL */
  };
  uint32_t size;         /* number, string, key: bytes; array: elements; object: members */
  uint32_t span;         /* nodes of this one and of what it contains: the next sibling is so many further */
  uint32_t line, column; /* in the text, from 1; a column is a character */
  c2_json_type type;
};

/* Zeroed but for the first six fields. It can be parsed into again and keeps its memory. */
typedef struct c2_json_document {
  const char *path;     /* begins every message; borrowed */
  c2_status failure;    /* the status of a bad document: C2_ERR_FORMAT, C2_ERR_MODEL */
  size_t lines_before;  /* of the file, where the text is but a part of it */
  bool allow_nan;       /* takes NaN, which Python writes, as a value */
  bool config;          /* is read by c2_read_config */
  char *where;          /* [C2_JSON_WHERE_ROOM], borrowed: c2_json_fail writes the value's place there and begins its
                           message with it, "inputs[3].target[17]"; NULL: a message has line and column */
  bool is_whole;        /* the text has been parsed to its end */
  c2_json *node;        /* [count]; the first is the root */
  const c2_json **keys; /* of the large objects */
  size_t count, capacity, key_count, key_capacity;
  char *loaded; /* the text, where c2_json_load has read it */
} c2_json_document;

/* Parses text [size], which it changes and which must outlive the document. text[size] must be writable. */
c2_status c2_json_parse(c2_json_document *doc, char *text, size_t size, c2_error *err);

/* Parses the file doc->path. */
c2_status c2_json_load(c2_json_document *doc, c2_error *err);

void c2_json_free(c2_json_document *doc);

/* ---- Values. NULL stands for a value that isn't there. -------------------------------------------------------- */

static inline bool c2_json_is(const c2_json *value, c2_json_type type) {
  return value && value->type == type;
}

/* The number of an array's elements or of an object's members; 0 for everything else. */
static inline size_t c2_json_size(const c2_json *value) {
  return c2_json_is(value, C2_JSON_ARRAY) || c2_json_is(value, C2_JSON_OBJECT) ? value->size : 0;
}

static inline const c2_json *c2_json_first(const c2_json *container) {
  return c2_json_size(container) > 0 ? container + 1 : NULL;
}

static inline const c2_json *c2_json_end(const c2_json *container) {
  return c2_json_size(container) > 0 ? container + container->span : NULL;
}

/* The statement behind it is run for each element of an array; for an object, for each key, and key + 1 is the value.
 */
#define C2_JSON_EACH(item, container)                                                                            \
  for (const c2_json *item = c2_json_first(container), *item##_end = c2_json_end(container); item != item##_end; \
       item += item->span)

const c2_json *c2_json_get(const c2_json *object, const char *key); /* NULL if `object` is none or has no such key */
const char *c2_json_string(const c2_json *value);                   /* NULL if it is no string */
bool c2_json_number(const c2_json *value, double *out);             /* false if it is no number; always finite */
bool c2_json_integer(const c2_json *value, int64_t *out);           /* false if it has a point or an exponent, too */
double c2_json_extended(const c2_json *value);       /* of what c2_json_put_number wrote; NaN for everything else */
const char *c2_json_type_name(const c2_json *value); /* "a number", "nothing" */

/* Records "PATH:LINE:COLUMN: ..." for where `at` stands ("PATH: ..." if it is NULL) and returns doc->failure. With
 * doc->where, a value of a document that is whole is named by its place, the root by the path. */
C2_PRINTF(4, 5)
c2_status c2_json_fail(const c2_json_document *doc, const c2_json *at, c2_error *err, const char *format, ...);

/* ---- Members of an object; a message names the key ------------------------------------------------------------- */

/* A whole number from least to most; it must be there. */
c2_status c2_json_get_size(const c2_json_document *doc, const c2_json *object, const char *key, size_t least,
                           size_t most, size_t *out, c2_error *err);

/* If there is no such member, *out stays as it is. */
c2_status c2_json_get_number(const c2_json_document *doc, const c2_json *object, const char *key, double *out,
                             c2_error *err);
c2_status c2_json_get_bool(const c2_json_document *doc, const c2_json *object, const char *key, bool *out,
                           c2_error *err);

/* Refuses a member whose key is none of these, which NULL ends; the message lists them. */
c2_status c2_json_refuse_others(const c2_json_document *doc, const c2_json *object, const char *const *known,
                                c2_error *err);

#endif
