/* Lines that a study tells while it runs. Its record keeps the warnings. */
#ifndef C2_STUDY_JOURNAL_H
#define C2_STUDY_JOURNAL_H

#include <stddef.h>

#include "base/pool.h"
#include "base/status.h"

typedef struct c2_journal {
  void (*say)(const char *line);  /* a line for the user; may be NULL, as the next one */
  void (*warn)(const char *line); /* a warning */
  const char **warning;           /* [warnings] one line each */
  size_t warnings, room;
  c2_pool pool; /* of their texts */
} c2_journal;

/* Tell a line, which is cut off at 511 bytes. A warning is also kept, as a copy. */
C2_PRINTF(2, 3) void c2_journal_say(const c2_journal *journal, const char *format, ...);
C2_PRINTF(3, 4) c2_status c2_journal_warn(c2_journal *journal, c2_error *err, const char *format, ...);
void c2_journal_free(c2_journal *journal);

#endif
