/* What `chronos2 forecast` says of its input, on standard error. */
#include <math.h>
#include <stdio.h>

#include "cli/forecast.h"

/* "daily (D)", or "frequency 15min". */
static void name_frequency(const c2_freq *freq, char *out, size_t room) {
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

/* One line: items, rows, frequency, and what was filled in or left out. */
void forecast_summarise(const forecast_request *r) {
  enum { NAMED = 8 }; /* ignored columns; of more the number */
  const c2_dataset *set = r->parts ? &r->total.words : &r->set;
  size_t items = r->parts ? r->total.items : set->count;
  size_t rows = r->parts ? r->total.rows : set->rows;
  size_t filled = r->parts ? r->total.filled : set->filled;
  char line[1500];
  char freq[64] = "";
  c2_freq commonest = r->total.freq;
  size_t kinds = r->parts ? 1 : c2_dataset_freqs(set, &commonest);
  size_t ignored = set->ignored.count;
  if (kinds > 0) name_frequency(&commonest, freq, sizeof freq);
  int n =
      snprintf(line, sizeof line, "%zu item%s, %zu row%s, ", items, items == 1 ? "" : "s", rows, rows == 1 ? "" : "s");
  if (kinds > 1) {
    n += snprintf(line + n, sizeof line - (size_t)n, "%s%zu frequencies, mostly ",
                  kinds == C2_FREQ_KINDS ? "at least " : "", kinds);
  }
  n += snprintf(line + n, sizeof line - (size_t)n, "%s", freq);
  if (filled > 0) {
    n += snprintf(line + n, sizeof line - (size_t)n, ", %zu step%s filled in", filled, filled == 1 ? "" : "s");
  }
  for (size_t i = 0; i < set->found.count && i < NAMED; i++) {
    n += snprintf(line + n, sizeof line - (size_t)n, ", %s%s", i == 0 ? "read with " : "", set->found.text[i]);
  }
  for (size_t i = 0; i < ignored && i < NAMED; i++) {
    const char *before = i > 0 ? ", " : ignored == 1 ? ", ignored column: " : ", ignored columns: ";
    n += snprintf(line + n, sizeof line - (size_t)n, "%s%.60s", before, set->ignored.text[i]);
  }
  if (ignored > NAMED) (void)snprintf(line + n, sizeof line - (size_t)n, " and %zu more", ignored - NAMED);
  cli_note("%s", line);
}

void forecast_warn_of_empty(const forecast_request *r) {
  for (size_t i = 0; i < r->set.count; i++) {
    const c2_item *item = &r->set.item[i];
    bool any = false;
    for (size_t j = 0; j < item->targets * item->length; j++) any = any || !isnan(item->target[j]);
    if (!any) cli_warn("series '%s' holds no observed value", item->id);
  }
}

void forecast_warn(const forecast_request *r, const chronos2_config *config) {
  cli_warn_lengths(config, r->horizon, r->engine.context_length);
  if (!r->embed) cli_warn_levels(config, r->levels, r->level_count);
  for (size_t i = 0; i < r->set.notes; i++) cli_warn("%s", r->set.note[i]);
  forecast_warn_of_empty(r);
}
