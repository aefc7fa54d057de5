/* Compressed text: read whole, or refused. What is cut off never reads as a shorter table. */
#include "program.h"

#include "data/compressed.h"

static const char text[] = "timestamp,target\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n";

/* `gzip -9n` and `zstd -19` of that text; both end in a checksum of it. */
static const unsigned char gzip[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0xc9, 0xcc, 0x4d, 0x2d, 0x2e, 0x49, 0xcc,
    0x2d, 0xd0, 0x29, 0x49, 0x2c, 0x4a, 0x4f, 0x2d, 0xe1, 0x32, 0x32, 0x30, 0x32, 0xd1, 0x35, 0x30, 0x04, 0x22,
    0x1d, 0x43, 0x04, 0xc7, 0x48, 0xc7, 0x08, 0xc1, 0x31, 0xd6, 0x31, 0xe6, 0x02, 0x00, 0xe7, 0x0b, 0xe3, 0xd9,
    0x38, 0x00, 0x00, 0x00};
static const unsigned char zstd[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0x6d, 0x01, 0x00, 0x44, 0x02, 0x74, 0x69, 0x6d, 0x65, 0x73, 0x74, 0x61,
    0x6d, 0x70, 0x2c, 0x74, 0x61, 0x72, 0x67, 0x65, 0x74, 0x0a, 0x32, 0x30, 0x32, 0x34, 0x2d, 0x30, 0x31, 0x2d,
    0x30, 0x31, 0x2c, 0x31, 0x32, 0x2c, 0x32, 0x33, 0x2c, 0x33, 0x0a, 0x02, 0x00, 0x60, 0x8f, 0x60, 0x9b, 0x4e,
    0xa1, 0xc3, 0x42, 0x32};

typedef struct sample {
  const char *name;
  const unsigned char *bytes;
  size_t size;
} sample;

static const sample samples[] = {{"t.csv.gz", gzip, sizeof gzip}, {"t.csv.zst", zstd, sizeof zstd}};
enum { SAMPLES = sizeof samples / sizeof samples[0], ROOM = 256 };

/* How often the text was read: 0 if the file was refused, -1 if something else was read. */
static int times_read(const char *path, const unsigned char *bytes, size_t size, c2_error *err) {
  char *found = NULL;
  size_t length = 0, n = sizeof text - 1;
  program_write_file(path, (const char *)bytes, size);
  if (c2_read_compressed(path, &found, &length, err) != C2_OK) return 0;
  bool same = length % n == 0 && found[length] == '\0';
  for (size_t at = 0; same && at < length; at += n) same = memcmp(found + at, text, n) == 0;
  free(found);
  return same && length > 0 ? (int)(length / n) : -1;
}

static void test_whole_files(void **state) {
  (void)state;
  char *folder = program_make_folder();
  for (size_t i = 0; i < SAMPLES; i++) {
    char *path = program_path(folder, samples[i].name);
    unsigned char twice[ROOM];
    c2_error err;
    assert_int_equal(times_read(path, samples[i].bytes, samples[i].size, &err), 1);
    memcpy(twice, samples[i].bytes, samples[i].size);
    memcpy(twice + samples[i].size, samples[i].bytes, samples[i].size);
    assert_int_equal(times_read(path, twice, 2 * samples[i].size, &err), 2);
    free(path);
  }
  program_remove_folder(folder);
}

/* Zeros behind gzip's data fill a block; other bytes are no padding. */
static void test_padding(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "t.csv.gz");
  unsigned char bytes[ROOM] = {0};
  c2_error err;
  memcpy(bytes, gzip, sizeof gzip);
  for (size_t zeros = 1; zeros < 50; zeros++) {
    assert_int_equal(times_read(path, bytes, sizeof gzip + zeros, &err), 1);
    bytes[sizeof gzip + zeros - 1] = 1;
    assert_int_equal(times_read(path, bytes, sizeof gzip + zeros, &err), 0);
    bytes[sizeof gzip + zeros - 1] = 0;
  }
  memcpy(bytes + sizeof gzip + 5, gzip, sizeof gzip);
  assert_int_equal(times_read(path, bytes, 2 * sizeof gzip + 5 + 3, &err), 2);
  free(path);
  program_remove_folder(folder);
}

static void test_damaged_files(void **state) {
  (void)state;
  char *folder = program_make_folder();
  for (size_t i = 0; i < SAMPLES; i++) {
    char *path = program_path(folder, samples[i].name);
    unsigned char bytes[ROOM];
    size_t size = samples[i].size;
    c2_error err;
    for (size_t cut = i; cut < size; cut++) { /* no byte is no frame of Zstandard, but a text without one */
      assert_int_equal(times_read(path, samples[i].bytes, cut, &err), 0);
      if (cut >= 12) assert_non_null(strstr(err.text, "it is cut off"));
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
      memcpy(bytes, samples[i].bytes, size);
      bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
      assert_in_range(times_read(path, bytes, size, &err), 0, 1);
    }
    memcpy(bytes, samples[i].bytes, size);
    memset(bytes + size, 'x', 8);
    assert_int_equal(times_read(path, bytes, size + 8, &err), 0);
    free(path);
  }
  program_remove_folder(folder);
}

/* The program says so in one line, and forecasts nothing. */
static void test_program(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *plain = program_path(folder, "t.csv");
  program_write_file(plain, text, sizeof text - 1);
  program_result expected = PROGRAM_RUN("forecast", plain, "-n2");
  assert_int_equal(expected.status, 0);
  for (size_t i = 0; i < SAMPLES; i++) {
    char *path = program_path(folder, samples[i].name);
    program_write_file(path, (const char *)samples[i].bytes, samples[i].size);
    program_result r = PROGRAM_RUN("forecast", path, "-n2");
    assert_string_equal(r.out, expected.out);
    program_free(&r);
    program_write_file(path, (const char *)samples[i].bytes, samples[i].size - 1);
    r = PROGRAM_RUN("forecast", path, "-n2");
    program_assert_error(&r, 1, i ? "damaged Zstandard data: it is cut off" : "damaged gzip data: it is cut off");
    free(path);
  }
  program_free(&expected);
  free(plain);
  program_remove_folder(folder);
}

static void compress(const char *path) {
  char line[1000];
  (void)snprintf(line, sizeof line, "gzip -1 < '%s' > '%s.gz'", path, path);
  program_result r = program_run((const char *const[]){"/bin/sh", "-c", line, NULL}, NULL);
  assert_int_equal(r.status, 0);
  program_free(&r);
}

/* That a large table isn't read in parts is said where its own or the future's compression is the reason. */
static void test_large_tables(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *names[4] = {program_path(folder, "t.csv"), program_path(folder, "t.csv.gz"), program_path(folder, "f.csv"),
                    program_path(folder, "f.csv.gz")};
  unsigned digits = 1;
  FILE *table = fopen(names[0], "w");
  assert_non_null(table);
  (void)fprintf(table, "item_id,timestamp,target,x,note\n");
  for (int i = 0; i < 60000; i++) {
    (void)fprintf(table, "%d,%d,1,2,", i / 200, i % 200);
    for (int k = 0; k < 8; k++) (void)fprintf(table, "%08x", digits = digits * 1664525u + 1013904223u);
    (void)fputs("\n", table);
  }
  assert_int_equal(fclose(table), 0);
  program_write_file(names[2], "timestamp,x\n200,1\n", 18);
  compress(names[0]);
  compress(names[2]);
  static const struct {
    int table, future;
    const char *said;
  } cases[] = {{0, 2, ""},
               {0, 3, "t.csv: all rows are kept in memory: "},
               {1, 2, "t.csv.gz: all rows are kept in memory: it is compressed\n"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_result r = PROGRAM_RUN("forecast", names[cases[i].table], "-n1", "--freq=1", "--context-length=16",
                                   "--covariates=x", "--future", names[cases[i].future]);
    if (r.status != 0 || !strstr(r.err, cases[i].said)) fail_msg("case %zu: %s", i, r.err);
    assert_true(!strstr(r.err, "kept in memory") == !cases[i].said[0]);
    assert_true(!strstr(r.err, "f.csv.gz is not read in parts\n") == (i != 1));
    program_free(&r);
  }
  for (size_t i = 0; i < 4; i++) free(names[i]);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole_files),
                                     cmocka_unit_test(test_padding), cmocka_unit_test(test_damaged_files),
                                     cmocka_unit_test(test_program),
                                     cmocka_unit_test(test_large_tables)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
