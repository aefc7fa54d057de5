/* Text for people: what may stand in a name from a file, and how a line that holds it is written. */
#ifndef C2_BASE_TEXT_H
#define C2_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

static inline bool c2_is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Bytes of the UTF-8 character that `text` begins with, and its code point (`code` may be NULL); 0 if no character
 * begins there or size is 0. */
size_t c2_utf8_decode(const char *text, size_t size, uint32_t *code);

/* Whether a text is UTF-8 without control characters (C0, DEL, C1), characters that turn the direction of writing, or
 * separators of lines: what may stand in ids, names and categories. Such a text can be printed anywhere. */
bool c2_text_plain(const char *text, size_t size);

/* What a text that isn't so holds, for messages: "a control character" or "bytes that are not UTF-8"; else NULL. */
const char *c2_text_fault(const char *text, size_t size);

/* Whether a path or a word ends so and begins with something else. `end` is in small letters; those of the text may be
 * capital. */
bool c2_text_ends(const char *text, const char *end);

/* Formats a message, as vsnprintf does. What doesn't fit is left out of the middle, so that a long name leaves the
 * reason behind it readable. The result is one line of UTF-8, whatever names it holds and also where a precision
 * ("%.80s") has cut a character: what c2_text_plain refuses is escaped. `room` is at least 16. */
C2_PRINTF(3, 0)
void c2_text_format(char *out, size_t room, const char *format, va_list args);

/* Writes seconds as "1:02:03" or "2:03", and "?" for a NaN. */
enum { C2_DURATION_ROOM = 32 };
void c2_duration(double seconds, char out[C2_DURATION_ROOM]);

/* Closes a stream of open_memstream; false if *text doesn't hold all that was written. The C library may close well
 * where it could not give the text. */
bool c2_text_close(FILE *stream, char *const *text);

/* Copies a text for a terminal. It writes what c2_text_plain refuses as \x1b or \u202e, and cuts at a character where
 * the room (at least 16) ends. */
void c2_text_escape(char *out, size_t room, const char *text);

/* Makes the locale's decimal sign, which may have several bytes, a point in a finite number that printf has written. */
void c2_text_point(char *number);

/* The shortest text that reads back to the same float32, in which models compute; a number beyond its range has nine
 * digits. The number must be finite. */
enum { C2_FLOAT_ROOM = 40 };
void c2_float_text(char out[C2_FLOAT_ROOM], double value);

/* The shortest text of at least `digits` digits, trailing zeros aside, that reads back to the same double: what a
 * message shows, so that a number just beyond a limit isn't shown as the limit. */
enum { C2_USUAL_DIGITS = 6 };
void c2_double_text(char out[C2_FLOAT_ROOM], double value, int digits);

/* How float32 loses a finite number: it is "beyond" its range, so infinite, or "below" it, so 0. NULL: it holds it. */
const char *c2_float32_loss(double value);

/* Digits by which numbers between these two differ in the third place of their distance, from `least` to 17; `least`
 * where they are no two finite numbers in this order. */
int c2_digits_apart(double low, double high, int least);

/* The number of the series that a message of the library names, as "the forecast of series 3 is not finite" does;
 * SIZE_MAX: it names none. */
size_t c2_series_number(const char *message);

/* Records a failure, with an id in place of that number; without one (NULL) as the message has it. */
c2_status c2_series_fail(c2_error *err, c2_status status, const char *message, const char *id);

#endif
