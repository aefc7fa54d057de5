/* JSON Lines series: one letter that chooses options, then the file. */
#include "fuzz.h"
#include "series.h"

#include "data/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const targets[] = {"a", "b"};
  char *text = NULL;
  size_t length = 0;
  c2_error err = {.code = C2_OK};
  c2_freq freq;
  if (size < 1) return 0;
  unsigned mode = data[0];
  (void)fuzz_parts(data + 1, size - 1, &text, &length, 1);
  if (c2_freq_parse("h", &freq, &err) != C2_OK) abort();
  c2_read_options options = {
      .targets = targets, .target_count = mode & 1 ? 2 : 0, .freq = mode & 2 ? &freq : NULL};
  check_reading("x.jsonl", text, length, &options, mode & 4);
  free(text);
  return 0;
}
