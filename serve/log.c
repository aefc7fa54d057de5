/* Structured logs. */
#include "serve/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/json_writer.h"
#include "base/text.h"

static void print_now(char out[40]) {
  struct timespec now;
  struct tm utc;
  char day[32];
  (void)clock_gettime(CLOCK_REALTIME, &now);
  (void)gmtime_r(&now.tv_sec, &utc);
  (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
  (void)snprintf(out, 40, "%s.%03dZ", day, (int)(now.tv_nsec / 1000000));
}

void c2_log(const char *level, const char *event, const c2_log_field *field, size_t count) {
  char *line = NULL;
  size_t size = 0;
  char now[40];
  FILE *out = open_memstream(&line, &size); /* a line is as long as it must be */
  if (!out) return;
  c2_json_writer json = {.out = out, .compact = true, .digits = 9};
  print_now(now);
  c2_json_begin_object(&json, NULL);
  c2_json_put_text(&json, "time", now);
  c2_json_put_text(&json, "level", level);
  c2_json_put_text(&json, "event", event);
  for (size_t i = 0; i < count; i++) {
    if (field[i].text) {
      c2_json_put_text(&json, field[i].name, field[i].text);
    } else {
      c2_json_put_number(&json, field[i].name, field[i].number);
    }
  }
  c2_json_end_object(&json);
  (void)fputc('\n', out);
  if (c2_text_close(out, &line) && write(STDERR_FILENO, line, size) < 0) { /* there is nobody to tell */
  }
  free(line);
}
