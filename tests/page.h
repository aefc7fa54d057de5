/* What a page that the program has written holds. */
#ifndef C2_TESTS_PAGE_H
#define C2_TESTS_PAGE_H

#include "program.h"

#include <jansson.h>

/* The JSON within the page; the caller's to free. */
static inline json_t *page_data(const char *page) {
  static const char start[] = "<script type=\"application/json\" id=\"data\">";
  const char *from = strstr(page, start);
  assert_non_null(from);
  from += sizeof start - 1;
  const char *until = strstr(from, "</script>");
  assert_non_null(until);
  json_error_t error;
  json_t *data = json_loadb(from, (size_t)(until - from), 0, &error);
  if (!data) fail_msg("line %d, column %d: %s", error.line, error.column, error.text);
  return data;
}

#endif
