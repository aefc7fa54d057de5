/* Lines for the user. */
#include "study/results/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { LINE = 512 };

void c2_journal_say(const c2_journal *journal, const char *format, ...) {
  char line[LINE];
  va_list args;
  if (!journal->say) return;
  va_start(args, format);
  c2_text_format(line, sizeof line, format, args);
  va_end(args);
  journal->say(line);
}

c2_status c2_journal_warn(c2_journal *journal, c2_error *err, const char *format, ...) {
  char line[LINE];
  va_list args;
  va_start(args, format);
  c2_text_format(line, sizeof line, format, args);
  va_end(args);
  C2_TRY(c2_grow_array(&journal->warning, &journal->room, journal->warnings + 1, sizeof *journal->warning, err));
  C2_TRY(c2_pool_text(&journal->pool, line, &journal->warning[journal->warnings], err));
  journal->warnings++;
  if (journal->warn) journal->warn(line);
  return C2_OK;
}

void c2_journal_free(c2_journal *journal) {
  c2_pool_free(&journal->pool);
  free(journal->warning);
  memset(journal, 0, sizeof *journal);
}
