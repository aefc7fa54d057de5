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
  C2_TRY(c2_grow_array(&journal->warning, &journal->room, journal->warnings + 1, sizeof(char *), err));
  char *copy = c2_strdup(line);
  if (!copy) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a warning");
  journal->warning[journal->warnings++] = copy;
  if (journal->warn) journal->warn(line);
  return C2_OK;
}

void c2_journal_free(c2_journal *journal) {
  for (size_t i = 0; i < journal->warnings; i++) free(journal->warning[i]);
  free(journal->warning);
  memset(journal, 0, sizeof *journal);
}
