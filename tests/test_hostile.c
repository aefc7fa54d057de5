/* Bad input through the program: one clear line, status 1 or 2, nothing half-written. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "program.h"

#define GOLDEN SOURCE_DIR "/tests/golden/model-smooth"
#define CASE GOLDEN "/forward/plain.safetensors"

typedef struct folder {
  char *path, *config, *weights, *out, *series;
} folder;

static char *copy_of(const char *path, size_t *size) {
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  *size = (size_t)info.st_size;
  char *bytes = program_read_file(path);
  assert_non_null(bytes);
  return bytes;
}

/* A folder with a good model in it. */
static folder good_model(void) {
  folder f = {.path = program_make_folder()};
  f.config = program_path(f.path, "config.json");
  f.weights = program_path(f.path, "model.safetensors");
  f.out = program_path(f.path, "out");
  f.series = program_path(f.path, "series.csv");
  size_t size = 0;
  char *bytes = copy_of(GOLDEN "/weights/config.json", &size);
  program_write_file(f.config, bytes, size);
  free(bytes);
  bytes = copy_of(GOLDEN "/weights/model.safetensors", &size);
  program_write_file(f.weights, bytes, size);
  free(bytes);
  return f;
}

static void remove_folder(folder *f) {
  assert_int_not_equal(access(f->out, F_OK), 0); /* nothing was written */
  DIR *dir = opendir(f->path);
  assert_non_null(dir);
  struct dirent *entry = NULL;
  while ((entry = readdir(dir))) {
    assert_null(strstr(entry->d_name, ".tmp-"));
  }
  closedir(dir);
  program_remove_folder(f->path);
  free(f->config);
  free(f->weights);
  free(f->out);
  free(f->series);
}

static void forward_fails(folder *f, const char *part) {
  program_result r = PROGRAM_RUN("forward", CASE, "-m", f->path, "-o", f->out);
  program_assert_error(&r, 1, part);
  remove_folder(f);
}

/* The model's config with `from` replaced by `to`. */
static void config_case(const char *from, const char *to, const char *part) {
  folder f = good_model();
  char *text = program_read_file(f.config);
  char *at = strstr(text, from);
  assert_non_null(at);
  size_t room = strlen(text) + strlen(to) + 1;
  char *changed = calloc(1, room);
  (void)snprintf(changed, room, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  program_write_file(f.config, changed, strlen(changed));
  free(text);
  free(changed);
  forward_fails(&f, part);
}

static void test_config(void **state) {
  (void)state;
  config_case("{", "[", "config.json");
  config_case("\"d_model\"", "\"d_mode\"", "'d_model'");
  config_case("\"num_layers\": ", "\"num_layers\": -", "'num_layers'");
  config_case("\"num_heads\": ", "\"num_heads\": \"4\", \"x\": ", "'num_heads'");
  config_case("\"d_ff\": ", "\"d_ff\": 9", "expected shape");
  config_case("\"chronos_config\"", "\"chronos_confi\"", "'chronos_config'");
  config_case("\"Chronos2Model\"", "\"T5Model\"", "'architectures'");
  config_case("0.5,", "0.51,", "0.5");
  config_case("\"input_patch_stride\": 16", "\"input_patch_stride\": 8", "input_patch_stride");
  config_case("\"feed_forward_proj\": \"relu\"", "\"feed_forward_proj\": \"gated-gelu\"", "'feed_forward_proj'");
  config_case("\"dense_act_fn\": \"relu\"", "\"dense_act_fn\": \"gelu\"", "'dense_act_fn': expected \"relu\"");
  config_case("\"dense_act_fn\": \"relu\"", "\"dense_act_fn\": null", "'dense_act_fn': expected \"relu\"");
  config_case("\"is_gated_act\": false", "\"is_gated_act\": true", "'is_gated_act': expected false");
  config_case("\"use_arcsinh\"", "\"use_arcsin\": true, \"use_arcsinh\"", "use_arcsin");
  config_case("\"model_type\"", "\"hidden_size\": 16, \"num_attention_heads\": 1, \"model_type\"",
              "'num_attention_heads': expected 2, as 'num_heads' says");
  config_case("\"model_type\"", "\"head_dim\": 16, \"model_type\"", "'head_dim': expected 8");
}

/* The weights cut to `size` bytes, or with the 8 length bytes replaced. */
static void weights_case(size_t keep, uint64_t length, const char *part) {
  folder f = good_model();
  size_t size = 0;
  char *bytes = copy_of(f.weights, &size);
  if (length) memcpy(bytes, &length, sizeof length);
  program_write_file(f.weights, bytes, keep < size ? keep : size);
  free(bytes);
  forward_fails(&f, part);
}

/* Weights made of a header and some data bytes. */
static void header_case(const char *header, size_t data, const char *part) {
  folder f = good_model();
  uint64_t length = strlen(header);
  size_t size = 8 + (size_t)length + data;
  char *bytes = calloc(1, size);
  memcpy(bytes, &length, 8);
  memcpy(bytes + 8, header, (size_t)length);
  program_write_file(f.weights, bytes, size);
  free(bytes);
  forward_fails(&f, part);
}

static void test_weights(void **state) {
  (void)state;
  weights_case(0, 0, "safetensors");
  weights_case(5, 0, "safetensors");
  weights_case(100, 0, "header length");
  weights_case(SIZE_MAX, UINT64_MAX, "header length");
  weights_case(SIZE_MAX, 99, "header");
  weights_case(40000, 0, "data_offsets");
  header_case("[]", 0, "header");
  header_case("{}", 0, "is missing");
  header_case("{}", 4, "behind the last tensor");
  header_case(
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
      "\"data_offsets\":[0,4]}}",
      4, "duplicate");
  header_case("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4294967296],\"data_offsets\":[0,4]}}", 4,
              "overflow");
  header_case("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "need 8");
  header_case("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape");
  header_case("{\"a\":{\"dtype\":\"Q4\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype");
  header_case("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "a hole");
  header_case("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 8, "data_offsets");
  header_case("{\"__metadata__\":{\"x\":1}}", 0, "not a string");
  folder f = good_model();
  assert_int_equal(unlink(f.weights), 0);
  forward_fails(&f, "cannot open");
}

/* A weight that is not a number: the last four bytes of the file are the last tensor's. */
static void test_not_a_number(void **state) {
  (void)state;
  folder f = good_model();
  size_t size = 0;
  char *bytes = copy_of(f.weights, &size);
  memset(bytes + size - 4, 0xff, 4);
  program_write_file(f.weights, bytes, size);
  free(bytes);
  forward_fails(&f, "not a finite number");
}

static void usage_fails(const char *part, const char *const *argv) {
  program_result r = program_run(argv, NULL);
  program_assert_error(&r, 2, part);
}

#define USAGE(part, ...) usage_fails(part, (const char *const[]){PROGRAM_PATH, __VA_ARGS__, NULL})

static void test_usage(void **state) {
  (void)state;
  USAGE("unknown command", "forcast");
  USAGE("needs -o", "forward", CASE);
  USAGE("unknown option", "forward", CASE, "--radios", "3");
  USAGE("unknown option", "forward", CASE, "-o", "x", "--batch-size", "3");
  USAGE("--radius", "forward", CASE, "-o", "x", "--radius", "-1");
  USAGE("--radius", "forward", CASE, "-o", "x", "--radius", "1.5");
  USAGE("--attention", "forward", CASE, "-o", "x", "--attention", "sparse");
  USAGE("--threads", "forward", CASE, "-o", "x", "--threads", "many");
  USAGE("needs a value", "forward", CASE, "-o");
  USAGE("--horizon", "forecast", "x.csv", "--horizon", "0");
  USAGE("--horizon", "forecast", "x.csv");
  USAGE("levels", "forecast", "x.csv", "--horizon", "3", "--quantile-levels", "0.1,1.5");
  USAGE("commas", "forecast", "x.csv", "--horizon", "3", "--quantile-levels", "0.1,,0.5");
}

static void series_case(const char *text, const char *part) {
  folder f = good_model();
  char *path = program_path(f.path, text[0] == '{' ? "series.jsonl" : "series.csv");
  program_write_file(path, text, strlen(text));
  program_result r = PROGRAM_RUN("forecast", path, "--horizon", "2", "-m", f.path, "-o", f.out);
  program_assert_error(&r, 1, part);
  free(path);
  remove_folder(&f);
}

static void test_series(void **state) {
  (void)state;
  series_case("", "series.csv");
  series_case("item_id,timestamp,target\n", "series.csv");
  series_case("item_id,timestamp\na,2020-01-01\n", "target");
  series_case("item_id,timestamp,target\na,2020-01-01,1\na,2020-01-02\n", ":3");
  series_case("item_id,timestamp,target\na,2020-01-01,1\na,2020-01-01,2\n", "2020-01-01");
  series_case("item_id,timestamp,target\na,2020-01-01,one\na,2020-01-02,2\n", "one");
  series_case("item_id,timestamp,target\na,yesterday,1\na,2020-01-02,2\n", "yesterday");
  series_case("item_id,timestamp,target\na,2020-01-01,inf\na,2020-01-02,2\n", "inf");
  series_case("item_id,timestamp,target\n\"a,2020-01-01,1\n", ":2");
  series_case("item_id,timestamp,target\na,2020-01-01,1\n", "freq");
  series_case("item_id,timestamp,target\na,2020-01-01,1\nZ\xfcrich,2020-01-01,2\n", "series.csv:3: byte 0xfc");
  series_case("item_id,timestamp,target,\xc0\xaf\n", "series.csv:1: byte 0xc0");         /* overlong */
  series_case("item_id,timestamp,target\n\xed\xa0\x80,2020-01-01,2\n", "byte 0xed");     /* surrogate */
  series_case("item_id,timestamp,target\n\xf4\x90\x80\x80,2020-01-01,2\n", "byte 0xf4"); /* beyond U+10FFFF */
  series_case("item_id,timestamp,target\na,2020-01-01,2\n\xe2\x82", "series.csv:3: byte 0xe2");
  series_case("item_id,timestamp,target\n\xc3\xbc \xe2\x82\xac \xed\x9f\xbf \xf4\x8f\xbf\xbf,2020-01-01,one\n",
              "'one'");
  series_case("{\"item_id\": \"Z\xfcrich\", \"target\": [1, 2]}\n", "series.jsonl:1");
  series_case("{\"target\": [1, 2, \"x\"], \"start\": \"2020-01-01\", \"freq\": \"D\"}\n", "target");
  series_case("{\"target\": [1, 2\n", "series.jsonl:");
}

/* Names in messages: the reason outlives a long path, and nothing steers a terminal. */
static void test_messages(void **state) {
  (void)state;
  char path[3001];
  memset(path, '/', sizeof path);
  for (size_t i = 1; i < sizeof path; i++) path[i] = i % 200 ? 'a' : '/';
  path[sizeof path - 1] = '\0';
  program_result r = PROGRAM_RUN("forecast", path, "--horizon", "2");
  assert_non_null(strstr(r.err, "/aaaa"));
  program_assert_error(&r, 1, "cannot open: No such file or directory");
  r = PROGRAM_RUN("forecast", "\xc2\x9b\x33\x1b[31m.csv", "--horizon", "2");
  program_assert_error(&r, 1, "error: \\u009b3\\x1b[31m.csv: cannot open");
}

static void test_output(void **state) {
  (void)state;
  folder f = good_model();
  static const char text[] = "item_id,timestamp,target\na,2020-01-01,1\na,2020-01-02,2\na,2020-01-03,2\n";
  program_write_file(f.series, text, sizeof text - 1);
  program_result r = PROGRAM_RUN("forecast", f.series, "--horizon", "2", "-m", f.path, "-o", "/nowhere/at/all.csv");
  program_assert_error(&r, 1, "/nowhere/at/all.csv");
  r = PROGRAM_RUN("forecast", f.series, "--horizon", "2", "-m", f.path, "-o", f.path);
  program_assert_error(&r, 1, "directory");
  r = PROGRAM_RUN("forecast", f.path, "--horizon", "2", "-m", f.path, "-o", f.out);
  program_assert_error(&r, 1, "directory");
  r = PROGRAM_RUN("forecast", f.series, "--horizon", "2", "-m", "/nowhere", "-o", f.out);
  program_assert_error(&r, 1, "/nowhere");
  remove_folder(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_config),       cmocka_unit_test(test_weights),
                                     cmocka_unit_test(test_not_a_number), cmocka_unit_test(test_usage),
                                     cmocka_unit_test(test_series),       cmocka_unit_test(test_messages),
                                     cmocka_unit_test(test_output)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
