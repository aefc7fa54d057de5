/* The program with models of a hub: pull, -m OWNER/NAME, folders that win, processes that are killed or run at once. */
#include "hub_world.h"

#include <time.h>

#include "base/safetensors.h"

#define MICRO SOURCE_DIR "/models/chronos2-micro"
#define BASE SOURCE_DIR "/tests/golden/model-smooth/weights"
#define MATRIX "encoder.block.0.layer.0.self_attention.q"
#define NILE SOURCE_DIR "/datasets/nile_yearly.csv"

static void put_file(const char *from, const char *name) {
  struct stat info;
  assert_int_equal(stat(from, &info), 0);
  char *bytes = program_read_file(from);
  hub_put(&world, name, bytes, (size_t)info.st_size);
  free(bytes);
}

/* An empty cache, and the bundled checkpoint as o/micro on the hub. */
static void begin(const char *faults) {
  hub_faults(&world, faults);
  hub_clear(&world);
  hub_environment(&world);
}

static void assert_text(const program_result *r, const char *part) {
  if (r->status != 0 || !strstr(r->err, part)) fail_msg("expected '%s', found '%s'", part, r->err);
}

/* The hub's weights and the cache's are the same. */
static void assert_whole(void) {
  char *ours = hub_path(&world, "cache/models--o--micro/snapshots/" COMMIT_A "/model.safetensors");
  struct stat a;
  struct stat b;
  assert_int_equal(stat(MICRO "/model.safetensors", &a), 0);
  if (stat(ours, &b) != 0) fail_msg("%s: not there", ours);
  assert_int_equal(a.st_size, b.st_size);
  char *x = program_read_file(MICRO "/model.safetensors");
  char *y = program_read_file(ours);
  assert_memory_equal(x, y, (size_t)a.st_size);
  free(x);
  free(y);
  free(ours);
}

static void test_pull(void **state) {
  (void)state;
  begin("");
  program_result r = PROGRAM_RUN("pull", "o/micro");
  assert_text(&r, "downloading model.safetensors of o/micro, ");
  char *folder = hub_path(&world, "cache/models--o--micro/snapshots/" COMMIT_A "\n");
  assert_string_equal(r.out, folder);
  assert_int_equal(program_count(r.err, "\n"), 4);
  program_free(&r);
  assert_whole();
  r = PROGRAM_RUN("pull", "o/micro", "--offline");
  assert_int_equal(r.status, 0);
  assert_string_equal(r.out, folder);
  assert_string_equal(r.err, "");
  program_free(&r);
  r = PROGRAM_RUN("pull", "o/micro", "--update");
  assert_text(&r, "nothing has changed");
  program_free(&r);
  free(folder);
}

/* Each command takes OWNER/NAME where it takes a folder, with the same result. */
static void test_commands(void **state) {
  (void)state;
  begin("");
  program_result local = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-m", MICRO);
  program_result r = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-m", "o/micro");
  assert_text(&r, "o/micro: not in the cache; asking http://127.0.0.1:");
  assert_string_equal(r.out, local.out);
  program_free(&r);
  hub_forget(&world);
  r = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-m", "o/micro@" COMMIT_A, "--offline");
  assert_string_equal(r.out, local.out);
  assert_string_equal(r.err, local.err); /* what is in the cache needs no word */
  program_free(&r);
  assert_int_equal(setenv("CHRONOS2_MODEL", "o/micro", 1), 0);
  r = PROGRAM_RUN("forecast", NILE, "--horizon", "3");
  assert_string_equal(r.out, local.out);
  program_free(&r);
  assert_int_equal(unsetenv("CHRONOS2_MODEL"), 0);
  program_free(&local);
  r = PROGRAM_RUN("inspect", "o/micro");
  assert_int_equal(r.status, 0);
  assert_memory_equal(r.out, "model                o/micro\n", 28);
  program_free(&r);
  r = PROGRAM_RUN("bench", "-m", "o/micro", "--context-length", "64", "--batch-size", "1", "--repeats", "1");
  assert_int_equal(r.status, 0);
  program_free(&r);
  assert_int_equal(hub_asked(&world, "", ""), 0);
}

/* A LoRA adapter of the matrix, of rank 1, as o/lora on the hub; its base is o/base there. */
static void put_adapter(void) {
  c2_safetensors base;
  assert_int_equal(c2_safetensors_open(&base, BASE "/model.safetensors", NULL), C2_OK);
  const c2_tensor *t = c2_safetensors_find(&base, MATRIX ".weight");
  assert_non_null(t);
  const size_t rows = t->shape[0];
  const size_t columns = t->shape[1];
  c2_safetensors_close(&base);
  float *values = malloc((rows + columns) * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < rows + columns; i++) values[i] = (float)((i * 37) % 11) / 16.0f - 0.3f;
  const c2_tensor_out parts[] = {{"base_model.model." MATRIX ".lora_A.weight", C2_F32, 2, {1, columns}, values},
                                 {"base_model.model." MATRIX ".lora_B.weight", C2_F32, 2, {rows, 1}, values + columns}};
  hub_put_text(&world, "models/o/lora/refs/main", COMMIT_B);
  hub_put_text(&world, "models/o/lora/" COMMIT_B "/adapter_config.json",
               "{\"peft_type\": \"LORA\", \"r\": 1, \"lora_alpha\": 2, \"base_model_name_or_path\": \"o/base\", "
               "\"revision\": \"old\"}");
  char *path = hub_path(&world, "models/o/lora/" COMMIT_B "/adapter_model.safetensors");
  assert_int_equal(c2_safetensors_write(path, parts, 2, NULL), C2_OK);
  free(path);
  free(values);
  hub_put_text(&world, "models/o/base/refs/main", COMMIT_B); /* which has no files */
  hub_put_text(&world, "models/o/base/refs/old", COMMIT_A);
  put_file(BASE "/config.json", "models/o/base/" COMMIT_A "/config.json");
  put_file(BASE "/model.safetensors", "models/o/base/" COMMIT_A "/model.safetensors");
}

/* An adapter of the hub brings its base along. */
static void test_adapter(void **state) {
  (void)state;
  begin("");
  put_adapter();
  char *folder = hub_path(&world, "models/o/lora/" COMMIT_B);
  program_result plain = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-m", BASE);
  program_result local = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-m", BASE, "--adapter", folder);
  program_result r = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-m", "o/lora");
  if (r.status != 0 || local.status != 0) fail_msg("%s%s", r.err, local.err);
  assert_string_equal(r.out, local.out);
  assert_string_not_equal(r.out, plain.out);
  program_free(&r);
  r = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-m", "o/base@old", "--adapter", "o/lora", "--offline");
  assert_string_equal(r.out, local.out);
  program_free(&r);
  r = PROGRAM_RUN("inspect", "o/lora");
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  char *tasks = hub_path(&world, "tasks.yaml");
  char *prefix = hub_path(&world, "sparse");
  static const char task[] = "tasks:\n- {dataset_path: " NILE ", horizon: 4, num_windows: 2}\n";
  program_write_file(tasks, task, sizeof task - 1);
  r = PROGRAM_RUN("study", "--tasks", tasks, "--radii", "8", "--arms", "none", "--perf-repeats", "1", "--sparse-model",
                  "o/lora", "-m", BASE, "--offline", "--out-prefix", prefix);
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  free(tasks);
  free(prefix);
  program_free(&local);
  program_free(&plain);
  free(folder);
}

/* A folder of that name wins, and nothing is said or asked. */
static void test_folder_wins(void **state) {
  (void)state;
  begin("");
  char *here = getcwd(NULL, 0);
  assert_non_null(here);
  put_file(MICRO "/config.json", "o/micro/config.json");
  put_file(MICRO "/model.safetensors", "o/micro/model.safetensors");
  assert_int_equal(chdir(world.root), 0);
  program_result r = PROGRAM_RUN("inspect", "o/micro");
  assert_int_equal(r.status, 0);
  assert_string_equal(r.err, "");
  program_free(&r);
  r = PROGRAM_RUN("forecast", NILE, "--horizon", "1", "-m", "o/micro", "--update");
  assert_text(&r, "--update: o/micro is a folder, so no hub is asked");
  program_free(&r);
  assert_int_equal(hub_asked(&world, "", ""), 0);
  assert_int_equal(chdir(here), 0);
  free(here);
}

static void test_refusals(void **state) {
  (void)state;
  static const struct {
    const char *command[5];
    int status;
    const char *error;
  } cases[] = {{{"inspect", "a/b/c"}, 1, "a/b/c: expected a model folder, or OWNER/NAME"},
               {{"inspect", "../x/y"}, 1, "expected a model folder"},
               {{"inspect", "nothing"}, 1, "expected a model folder"},
               {{"inspect", SOURCE_DIR "/README.md"}, 1, "expected a model folder"},
               {{"inspect", "o/micro@../x"}, 2, "expected a branch, a tag or a commit"},
               {{"pull", "a/b/c"}, 2, "expected the name of a repository"},
               {{"pull", "o/micro", "--offline", "--update"}, 2, "expected one of them"},
               {{"pull", "o/micro", "--offline"}, 1, "nothing may be downloaded"},
               {{"forecast", NILE, "-n1", "-mo/micro", "--offline"}, 1, "nothing may be downloaded"}};
  begin("");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *argv[8] = {PROGRAM_PATH};
    for (size_t k = 0; k < 5; k++) argv[k + 1] = cases[i].command[k];
    program_result r = program_run(argv, NULL);
    program_assert_error(&r, cases[i].status, cases[i].error);
  }
  assert_int_equal(setenv("HF_HUB_OFFLINE", "1", 1), 0);
  program_result r = PROGRAM_RUN("pull", "o/micro");
  program_assert_error(&r, 1, "nothing may be downloaded");
  assert_int_equal(hub_asked(&world, "", ""), 0);
  assert_int_equal(unsetenv("HF_HUB_OFFLINE"), 0);
  r = PROGRAM_RUN("inspect", "o/none");
  if (r.status != 1 || !strstr(r.err, "has no such model (401)") || !strstr(r.err, "nor is there a folder")) {
    fail_msg("%s", r.err);
  }
  program_free(&r);
  /* No such host: said at once. */
  assert_int_equal(setenv("HF_ENDPOINT", "http://127.0.0.1:9", 1), 0);
  r = PROGRAM_RUN("pull", "o/micro");
  if (r.status != 1 || !strstr(r.err, "chronos2: error: http://127.0.0.1:9/o/micro/resolve/main/config.json: ")) {
    fail_msg("%s", r.err);
  }
  program_free(&r);
}

/* Data sets: pulled, as an input, and as a task's data; the study is the same as that of the files. */
static void test_datasets(void **state) {
  (void)state;
  begin("");
  hub_put_text(&world, "datasets/o/data/refs/main", COMMIT_B);
  put_file(NILE, "datasets/o/data/" COMMIT_B "/nile/train.csv");
  char *folder = hub_path(&world, "cache/datasets--o--data/snapshots/" COMMIT_B "/nile\n");
  program_result r = PROGRAM_RUN("pull", "hf://datasets/o/data/nile");
  if (r.status != 0) fail_msg("%s", r.err);
  assert_string_equal(r.out, folder);
  program_free(&r);
  r = PROGRAM_RUN("pull", "--dataset", "o/data", "--offline");
  assert_int_equal(r.status, 0);
  assert_memory_equal(r.out, folder, strlen(folder) - 6); /* without "/nile" */
  program_free(&r);
  free(folder);
  program_result local = PROGRAM_RUN("forecast", NILE, "--horizon", "3");
  r = PROGRAM_RUN("forecast", "hf://datasets/o/data/nile/train.csv", "--horizon", "3");
  assert_string_equal(r.out, local.out);
  program_free(&r);
  program_free(&local);
  r = PROGRAM_RUN("forecast", "hf://datasets/o/data/none.csv", "--horizon", "3");
  program_assert_error(&r, 1, "o/data: the data set has no 'none.csv'");
}

/* Runs a study of one task and returns a file of its results. */
static char *study(const char *dataset_path, const char *name) {
  char *tasks = hub_path(&world, "%s.yaml", name);
  char *prefix = hub_path(&world, "%s", name);
  char text[400];
  (void)snprintf(text, sizeof text, "tasks:\n- {dataset_path: %s, dataset_config: nile, horizon: 4, num_windows: 2}\n",
                 dataset_path);
  program_write_file(tasks, text, strlen(text));
  program_result r = PROGRAM_RUN("study", "--tasks", tasks, "--radii", "2", "--perf-repeats", "1", "--out-prefix",
                                 prefix, "--arms", "none");
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  char *path = hub_path(&world, "%s__mass_per_window.csv", name);
  char *result = program_read_file(path);
  assert_non_null(result);
  free(path);
  free(tasks);
  free(prefix);
  return result;
}

static void test_tasks(void **state) {
  (void)state;
  begin("");
  hub_put_text(&world, "datasets/o/data/refs/main", COMMIT_B);
  put_file(NILE, "datasets/o/data/" COMMIT_B "/nile/train.csv");
  char *local = study(NILE, "local");
  char *remote = study("o/data", "remote");
  char *url = study("hf://datasets/o/data/nile/train.csv", "url");
  assert_string_equal(remote, local);
  assert_string_equal(url, local);
  free(local);
  free(remote);
  free(url);
  program_result r = PROGRAM_RUN("study", "--tasks", "chronos-benchmark-ii", "--offline");
  program_assert_error(&r, 1, "autogluon/chronos_datasets: revision 'main' of it is not in");
}

static pid_t start_pull(void) {
  return program_start((const char *const[]){PROGRAM_PATH, "pull", "o/micro", NULL});
}

static int wait_for(pid_t child) {
  int state = 0;
  while (waitpid(child, &state, 0) < 0) assert_int_equal(errno, EINTR);
  return state;
}

/* 50 processes are killed while they download, at a time that lets each come a little further. */
static void test_kills(void **state) {
  (void)state;
  int killed = 0;
  begin("0|GET /blob|slow|1000000");
  srand(1);
  for (int i = 0; i < 50; i++) {
    pid_t child = start_pull();
    struct timespec t = {0, 20000000 + rand() % 200000000};
    (void)nanosleep(&t, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    killed += WIFSIGNALED(wait_for(child));
    char *weights = hub_path(&world, "cache/models--o--micro/snapshots/" COMMIT_A "/model.safetensors");
    if (access(weights, F_OK) == 0) assert_whole();
    free(weights);
  }
  assert_true(killed > 10);
  hub_faults(&world, "");
  program_result r = PROGRAM_RUN("pull", "o/micro");
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  assert_whole();
  assert_true(hub_asked(&world, "GET /blob", "range=") > hub_asked(&world, "GET /blob", "range=-1 "));
}

/* The second of two processes waits for the first, and downloads nothing. */
static void test_two_at_once(void **state) {
  (void)state;
  begin("0|GET /blob|slow|20000000");
  pid_t first = start_pull();
  pid_t second = start_pull();
  assert_int_equal(wait_for(first), 0);
  assert_int_equal(wait_for(second), 0);
  assert_whole();
  assert_int_equal(hub_asked(&world, "GET /blob", ""), 1);
}

static int start_world(void **state) {
  (void)state;
  hub_start(&world);
  hub_put_text(&world, "models/o/micro/refs/main", COMMIT_A);
  put_file(MICRO "/config.json", "models/o/micro/" COMMIT_A "/config.json");
  put_file(MICRO "/model.safetensors", "models/o/micro/" COMMIT_A "/model.safetensors");
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pull),        cmocka_unit_test(test_commands), cmocka_unit_test(test_adapter),
      cmocka_unit_test(test_folder_wins), cmocka_unit_test(test_refusals), cmocka_unit_test(test_datasets),
      cmocka_unit_test(test_tasks),       cmocka_unit_test(test_kills),    cmocka_unit_test(test_two_at_once)};
  return cmocka_run_group_tests(tests, start_world, hub_world_stop);
}
