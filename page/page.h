/* Pages that need no other file and no network: a summary that any browser shows, and data that scripts draw.
 *
 *     c2_page page;
 *     c2_page_begin(&page, file.stream, &(c2_page_kind){"Title", "Heading", c2_page_forecast_js});
 *     ... markup of the summary goes to file.stream; c2_page_text escapes what comes from others ...
 *     c2_page_data(&page);
 *     ... values go to page.json, one object ...
 *     C2_TRY(c2_page_end(&page, path, err));
 *
 * All pages share their style (page.css) and what draws (charts.js); each has a script of its own. */
#ifndef C2_PAGE_PAGE_H
#define C2_PAGE_PAGE_H

#include <stddef.h>
#include <stdio.h>

#include "base/json_writer.h"
#include "base/status.h"

/* The files of this folder and Chart.js, each ending in a zero (cmake/page_parts.cmake). */
extern const unsigned char c2_page_template_html[];
extern const unsigned char c2_page_page_css[];
extern const unsigned char c2_page_chart_js[];
extern const unsigned char c2_page_charts_js[];
extern const unsigned char c2_page_study_js[];
extern const unsigned char c2_page_forecast_js[];
extern const unsigned char c2_page_serve_html[];
extern const unsigned char c2_page_serve_js[];
extern const unsigned char c2_page_evaluate_js[];
extern const unsigned char c2_page_detect_js[];

enum { C2_PAGE_DIGITS = 7 }; /* of numbers, unless page.json.digits is set to others (c2_digits_apart) */

/* Title and heading are markup of our own. */
typedef struct c2_page_kind {
  const char *title, *heading;
  const unsigned char *script;
} c2_page_kind;

typedef struct c2_page {
  c2_page_kind kind;
  FILE *out;
  const char *rest; /* of the template */
  c2_json_writer json;
} c2_page;

/* Writes the page up to its summary, up to its data, and the rest. Errors of the stream are found by whoever closes it;
 * c2_page_end fails where the data are not whole. `name` is the file in the message. */
void c2_page_begin(c2_page *page, FILE *out, const c2_page_kind *kind);
void c2_page_data(c2_page *page);
c2_status c2_page_end(c2_page *page, const char *name, c2_error *err);

/* Text, as the content of an element or the value of an attribute in double quotes. */
void c2_page_text(FILE *out, const char *text);
void c2_page_bytes(FILE *out, const char *text, size_t size);

#endif
