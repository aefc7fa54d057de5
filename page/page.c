/* Puts a page together: the template, in which marks stand for the other parts. */
#include "page/page.h"

#include <string.h>

void c2_page_bytes(FILE *out, const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (size - i >= 3 && memcmp(text + i, "\xef\xbf", 2) == 0 && (unsigned char)text[i + 2] >= 0xbe) {
      (void)fputs("\xef\xbf\xbd", out); /* XML has no U+FFFE and U+FFFF */
      i += 2;
      continue;
    }
    switch (text[i]) {
      case '<': (void)fputs("&lt;", out); break;
      case '>': (void)fputs("&gt;", out); break;
      case '&': (void)fputs("&amp;", out); break;
      case '"': (void)fputs("&quot;", out); break;
      default: (void)fputc(text[i], out);
    }
  }
}

void c2_page_text(FILE *out, const char *text) {
  c2_page_bytes(out, text, strlen(text));
}

/* What stands for a mark; NULL: what the caller writes. */
static const char *part_of(const c2_page *page, const char *mark, size_t size) {
  const struct {
    const char *mark;
    const void *part;
  } parts[] = {{"TITLE", page->kind.title},   {"HEADING", page->kind.heading}, {"CSS", c2_page_page_css},
               {"CHART", c2_page_chart_js},   {"COMMON", c2_page_charts_js},   {"SCRIPT", page->kind.script}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    if (strlen(parts[i].mark) == size && strncmp(parts[i].mark, mark, size) == 0) return parts[i].part;
  }
  return NULL;
}

/* Goes on to the next mark that the caller writes for, or to the end. A mark is capitals between two @. */
static void go_on(c2_page *page) {
  const char *at = NULL;
  while ((at = strchr(page->rest, '@'))) {
    size_t size = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    bool is_mark = size > 0 && at[size + 1] == '@';
    (void)fwrite(page->rest, 1, (size_t)(at - page->rest) + !is_mark, page->out);
    page->rest = at + 1;
    if (!is_mark) continue;
    page->rest += size + 1;
    const char *part = part_of(page, at + 1, size);
    if (!part) return;
    (void)fputs(part, page->out);
  }
  (void)fputs(page->rest, page->out);
}

void c2_page_begin(c2_page *page, FILE *out, const c2_page_kind *kind) {
  *page = (c2_page){.kind = *kind, .out = out, .rest = (const char *)c2_page_template_html};
  page->json = (c2_json_writer){.out = out, .compact = true, .html = true, .digits = C2_PAGE_DIGITS};
  go_on(page);
}

void c2_page_data(c2_page *page) {
  go_on(page);
}

c2_status c2_page_end(c2_page *page, const char *name, c2_error *err) {
  C2_TRY(c2_json_finish(&page->json, name, err));
  go_on(page);
  return C2_OK;
}
