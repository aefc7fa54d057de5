/* A data set in a line. Knows no file. */
#include "data/summary.h"

#include <stdio.h>
#include <string.h>

#include "data/frame.h"

void c2_freq_name(const c2_freq *freq, char *out, size_t room) {
  const char *word = NULL;
  char text[C2_FREQ_ROOM];
  c2_freq_format(freq, text);
  if (freq->multiple == 1) {
    switch (freq->unit) {
      case C2_FREQ_HOUR: word = "hourly"; break;
      case C2_FREQ_DAY: word = "daily"; break;
      case C2_FREQ_BUSINESS_DAY: word = "on business days"; break;
      case C2_FREQ_WEEK: word = "weekly"; break;
      case C2_FREQ_MONTH: word = "monthly"; break;
      case C2_FREQ_QUARTER: word = "quarterly"; break;
      case C2_FREQ_HALF_YEAR: word = "half-yearly"; break;
      case C2_FREQ_YEAR: word = "yearly"; break;
      default: break;
    }
  }
  (void)snprintf(out, room, word ? "%s (%s)" : "frequency%s %s", word ? word : "", text);
}

/* ", ignored columns: a, b and 3 more" behind the line. */
static void add_names(char line[C2_SUMMARY_ROOM], const char *what, const c2_lookup *names) {
  enum { NAMED = 8 };
  size_t n = strlen(line);
  for (size_t i = 0; i < names->count && i < NAMED; i++) {
    const char *name = names->text[i];
    const char *quote = c2_column_quote(name);
    if (i == 0) {
      n += (size_t)snprintf(line + n, C2_SUMMARY_ROOM - n, ", %s%s: ", what, names->count == 1 ? "" : "s");
    }
    n += (size_t)snprintf(line + n, C2_SUMMARY_ROOM - n, "%s%s%.60s%s", i > 0 ? ", " : "", quote, name, quote);
  }
  if (names->count > NAMED) (void)snprintf(line + n, C2_SUMMARY_ROOM - n, " and %zu more", names->count - NAMED);
}

void c2_dataset_reading(const c2_dataset *set, char line[C2_SUMMARY_ROOM]) {
  enum { NAMED = 8 };
  size_t n = 0;
  line[0] = '\0';
  for (size_t i = 0; i < set->found.count && i < NAMED; i++) {
    n += (size_t)snprintf(line + n, C2_SUMMARY_ROOM - n, "%s%s", i == 0 ? "read with " : ", ", set->found.text[i]);
  }
}

void c2_dataset_summary(const c2_dataset *set, size_t items, size_t rows, size_t filled, size_t kinds,
                       const c2_freq *commonest, char line[C2_SUMMARY_ROOM]) {
  size_t room = C2_SUMMARY_ROOM;
  char freq[64] = "";
  char reading[C2_SUMMARY_ROOM];
  if (kinds > 0) c2_freq_name(commonest, freq, sizeof freq);
  int n =
      snprintf(line, room, "%zu item%s, %zu row%s, ", items, items == 1 ? "" : "s", rows, rows == 1 ? "" : "s");
  if (kinds > 1) {
    n += snprintf(line + n, room - (size_t)n, "%s%zu frequencies, mostly ",
                  kinds == C2_FREQ_KINDS ? "at least " : "", kinds);
  }
  n += snprintf(line + n, room - (size_t)n, "%s", freq);
  if (filled > 0) {
    n += snprintf(line + n, room - (size_t)n, ", %zu step%s filled in", filled, filled == 1 ? "" : "s");
  }
  c2_dataset_reading(set, reading);
  if (reading[0]) (void)snprintf(line + n, room - (size_t)n, ", %s", reading);
  add_names(line, "covariate", &set->taken);
  add_names(line, "ignored column", &set->ignored);
}

void c2_dataset_summarise(const c2_dataset *set, char line[C2_SUMMARY_ROOM]) {
  c2_freq commonest = {.unit = C2_FREQ_COUNT};
  size_t kinds = c2_dataset_freqs(set, &commonest);
  c2_dataset_summary(set, set->count, set->rows, set->filled, kinds, &commonest, line);
}
