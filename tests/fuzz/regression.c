/* Runs a fuzz target without libFuzzer: over its corpus, then over a fixed series of mutations of it. The same build
 * always runs the same inputs.
 *
 *   fuzz_TARGET FOLDER|FILE...
 *
 * CHRONOS2_FUZZ_MUTATIONS is how many mutations are run [2000]. An input under which the target ends the process is
 * left in the file that the first line names. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { MOST_FILES = 4096, ROOM = 1 << 16 };

typedef struct input {
  uint8_t *bytes;
  size_t size;
} input;

static input corpus[MOST_FILES];
static size_t corpus_count;

static struct {
  char path[64];
  const uint8_t *bytes;
  size_t size;
} running;

/* Only calls that are safe in a signal handler. */
static void keep_input(int number) {
  int file = open(running.path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (file >= 0 && write(file, running.bytes, running.size) == (ssize_t)running.size) (void)close(file);
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}

static void run(const uint8_t *bytes, size_t size) {
  uint8_t *copy = malloc(size > 0 ? size : 1); /* of exactly this size, so that reading beyond it is seen */
  if (!copy) abort();
  if (size > 0) memcpy(copy, bytes, size);
  running.bytes = bytes;
  running.size = size;
  (void)LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static void add_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || corpus_count == MOST_FILES) {
    (void)fprintf(stderr, "fuzz: error: %s: cannot open\n", path);
    exit(1);
  }
  input in = {.bytes = malloc(ROOM)};
  if (!in.bytes) abort();
  in.size = fread(in.bytes, 1, ROOM, file);
  (void)fclose(file);
  corpus[corpus_count++] = in;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void add(const char *path) {
  struct dirent **entry = NULL;
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
    add_file(path);
    return;
  }
  int count = scandir(path, &entry, NULL, by_name);
  for (int i = 0; i < count; i++) {
    char whole[1024];
    (void)snprintf(whole, sizeof whole, "%s/%s", path, entry[i]->d_name);
    if (entry[i]->d_name[0] != '.') add_file(whole);
    free(entry[i]);
  }
  free(entry);
}

/* xorshift64 (Marsaglia 2003). */
static size_t draw(uint64_t *state, size_t below) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (size_t)((*state >> 11) % below);
}

static void mutate_once(uint8_t *bytes, size_t *size, uint64_t *state) {
  static const char *const words[] = {"\n",   ",",    "\"",  "-1",  "0",   "1e308", "nan", "null", "[",    "}",
                                      "9999", "\xff", "===", "a",   "\t",  "{",     ": ",  "- ",   "-inf", "\xc2\x9b",
                                      "4294967296", "18446744073709551615", "1e-320"};
  size_t at = *size > 0 ? draw(state, *size) : 0;
  size_t n = *size > at ? 1 + draw(state, *size - at < 16 ? *size - at : 16) : 0;
  const input *other = &corpus[draw(state, corpus_count)];
  const char *word = words[draw(state, sizeof words / sizeof words[0])];
  switch (draw(state, 6)) {
    case 0:
      if (*size > 0) bytes[at] = (uint8_t)draw(state, 256);
      break;
    case 1:
      if (*size > 0) bytes[at] ^= (uint8_t)(1u << draw(state, 8));
      break;
    case 2: /* cut out */
      memmove(bytes + at, bytes + at + n, *size - at - n);
      *size -= n;
      break;
    case 3: /* insert a word */
      n = strlen(word);
      if (*size + n > ROOM) break;
      memmove(bytes + at + n, bytes + at, *size - at);
      memcpy(bytes + at, word, n);
      *size += n;
      break;
    case 4: /* overwrite from another input */
      if (other->size == 0) break;
      for (size_t i = 0, from = draw(state, other->size); i < n && from + i < other->size; i++) {
        bytes[at + i] = other->bytes[from + i];
      }
      break;
    default: /* repeat */
      if (*size + n > ROOM) break;
      memmove(bytes + at + n, bytes + at, *size - at);
      *size += n;
      break;
  }
}

int main(int argc, char **argv) {
  static uint8_t bytes[ROOM];
  const char *asked = getenv("CHRONOS2_FUZZ_MUTATIONS");
  size_t mutations = asked ? (size_t)strtoull(asked, NULL, 10) : 2000;
  uint64_t state = 88172645463325252u;
  for (int i = 1; i < argc; i++) add(argv[i]);
  if (corpus_count == 0) {
    (void)fprintf(stderr, "fuzz: error: expected a folder or files with inputs\n");
    return 1;
  }
  (void)snprintf(running.path, sizeof running.path, "/tmp/chronos2-fuzz-%ld.input", (long)getpid());
  (void)printf("an input that ends the process is kept in %s\n", running.path);
  (void)fflush(stdout);
  (void)signal(SIGABRT, keep_input);
#if !defined(__SANITIZE_ADDRESS__)
  (void)signal(SIGSEGV, keep_input);
#endif
  for (size_t i = 0; i < corpus_count; i++) run(corpus[i].bytes, corpus[i].size);
  for (size_t m = 0; m < mutations; m++) {
    const input *from = &corpus[draw(&state, corpus_count)];
    size_t size = from->size;
    memcpy(bytes, from->bytes, size);
    for (size_t edits = 1 + draw(&state, 8); edits > 0; edits--) mutate_once(bytes, &size, &state);
    run(bytes, size);
  }
  (void)printf("%zu inputs of the corpus, %zu mutations\n", corpus_count, mutations);
  for (size_t i = 0; i < corpus_count; i++) free(corpus[i].bytes);
  return 0;
}
