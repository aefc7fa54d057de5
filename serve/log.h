/* Structured logs on standard error: a JSON object a line. Any thread may log. */
#ifndef C2_SERVE_LOG_H
#define C2_SERVE_LOG_H

#include <stddef.h>
#include <stdint.h>

/* Members of a line; a value is a text, or a number where `text` is NULL. */
typedef struct c2_log_field {
  const char *name, *text;
  double number;
} c2_log_field;

#define C2_LOG_TEXT(name, value) ((c2_log_field){(name), (value), 0}) /* not NULL */
#define C2_LOG_NUMBER(name, number) ((c2_log_field){(name), NULL, (double)(number)})

/* Writes {"time", "level", "event", ...} in one piece. What can't be written is lost. */
void c2_log(const char *level, const char *event, const c2_log_field *field, size_t count);

#define C2_LOG(level, event, ...)                               \
  c2_log((level), (event), (const c2_log_field[]){__VA_ARGS__}, \
         sizeof((const c2_log_field[]){__VA_ARGS__}) / sizeof(c2_log_field))

#endif
