/* The JSON writer. Knows where it is in the text, not what it says. */
#include "base/json_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

static void put(c2_json_writer *w, const char *text) {
  w->size += strlen(text);
  if (!w->out || w->failed || fputs(text, w->out) >= 0) return;
  w->failed = true;
  w->reason = errno;
}

static void put_break(c2_json_writer *w) {
  if (w->compact) return;
  put(w, "\n");
  for (size_t i = 0; i < w->depth; i++) put(w, " ");
}

static void put_escaped(c2_json_writer *w, uint32_t code) {
  char text[16];
  if (code < 0x10000) {
    (void)snprintf(text, sizeof text, "\\u%04x", (unsigned)code);
  } else {
    code -= 0x10000;
    (void)snprintf(text, sizeof text, "\\u%04x\\u%04x", (unsigned)(0xd800 + (code >> 10)),
                   (unsigned)(0xdc00 + (code & 0x3ff)));
  }
  put(w, text);
}

static void put_string(c2_json_writer *w, const char *text) {
  size_t size = strlen(text);
  put(w, "\"");
  for (size_t at = 0; at < size;) {
    uint32_t code = 0;
    char one[8] = "\\";
    size_t length = c2_utf8_decode(text + at, size - at, &code);
    if (length == 0) {
      put_escaped(w, 0xfffd);
      at++;
      continue;
    }
    if (code == '"' || code == '\\') {
      one[1] = (char)code;
      put(w, one);
    } else if (code < 0x20 || code == 0x7f || (w->html && (code > 0x7f || code == '<'))) {
      put_escaped(w, code);
    } else {
      memcpy(one, text + at, length);
      one[length] = '\0';
      put(w, one);
    }
    at += length;
  }
  put(w, "\"");
}

/* Everything up to the value. */
static void begin(c2_json_writer *w, const char *key) {
  if (w->follows) put(w, ",");
  if (w->depth > 0) put_break(w);
  w->follows = true;
  if (!key) return;
  put_string(w, key);
  put(w, w->compact ? ":" : ": ");
}

static void open_container(c2_json_writer *w, const char *key, const char *bracket) {
  begin(w, key);
  put(w, bracket);
  w->depth++;
  w->follows = false;
}

static void close_container(c2_json_writer *w, const char *bracket) {
  if (w->depth == 0) {
    w->failed = true;
    return;
  }
  w->depth--;
  if (w->follows) put_break(w);
  put(w, bracket);
  w->follows = true;
}

void c2_json_begin_object(c2_json_writer *w, const char *key) {
  open_container(w, key, "{");
}

void c2_json_end_object(c2_json_writer *w) {
  close_container(w, "}");
}

void c2_json_begin_array(c2_json_writer *w, const char *key) {
  open_container(w, key, "[");
}

void c2_json_end_array(c2_json_writer *w) {
  close_container(w, "]");
}

void c2_json_put_null(c2_json_writer *w, const char *key) {
  begin(w, key);
  put(w, "null");
}

void c2_json_put_bool(c2_json_writer *w, const char *key, bool value) {
  begin(w, key);
  put(w, value ? "true" : "false");
}

void c2_json_put_whole(c2_json_writer *w, const char *key, uint64_t value) {
  char text[24];
  (void)snprintf(text, sizeof text, "%" PRIu64, value);
  begin(w, key);
  put(w, text);
}

void c2_json_put_number(c2_json_writer *w, const char *key, double value) {
  char text[64];
  if (isnan(value)) {
    c2_json_put_null(w, key);
  } else if (isinf(value)) {
    c2_json_put_text(w, key, value > 0 ? "inf" : "-inf");
  } else {
    (void)snprintf(text, sizeof text, "%.*g", w->digits > 0 && w->digits < 17 ? w->digits : 17, value);
    c2_text_point(text);
    begin(w, key);
    put(w, text);
  }
}

void c2_json_put_float(c2_json_writer *w, const char *key, double value) {
  char text[C2_FLOAT_ROOM];
  c2_float_text(text, value);
  begin(w, key);
  put(w, text);
}

void c2_json_put_numbers(c2_json_writer *w, const char *key, const double *values, size_t count) {
  c2_json_begin_array(w, key);
  for (size_t i = 0; i < count; i++) c2_json_put_number(w, NULL, values[i]);
  c2_json_end_array(w);
}

void c2_json_put_text(c2_json_writer *w, const char *key, const char *text) {
  if (!text) {
    c2_json_put_null(w, key);
    return;
  }
  begin(w, key);
  put_string(w, text);
}

c2_status c2_json_finish(const c2_json_writer *w, const char *name, c2_error *err) {
  if (w->failed || (w->out && ferror(w->out))) {
    int reason = w->reason;
    if (!reason && fflush(w->out) != 0) reason = errno; /* what others wrote has failed: flushing says why */
    C2_FAIL(err, reason == ENOMEM ? C2_ERR_MEMORY : C2_ERR_IO, "%s: cannot write: %s", name,
            reason ? strerror(reason) : "the stream has failed");
  }
  if (w->depth > 0 || !w->follows) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: the JSON is not complete", name);
  return C2_OK;
}
