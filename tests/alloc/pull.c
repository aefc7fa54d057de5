/* Every allocation of `chronos2 pull` fails once, alone and with all that follow, against the fake hub: the command
 * then ends with status 1 and a line that says why, or with status 0 and whole files. It never crashes or hangs, no
 * file of the cache that has its name is half-written, and the next pull completes it.
 *
 * CHRONOS2_SWEEP_STEP=K tries every K-th allocation [11]; 1 is the whole sweep. */
#include "hub_world.h"

enum { SIZE = 20000 };

static char *bytes;

static void drop_cache(void) {
  if (access(world.cache, F_OK) == 0) hub_remove(world.cache);
}

static program_result pull(long at, bool sticky) {
  char number[32];
  char *count = hub_path(&world, "count");
  (void)snprintf(number, sizeof number, "%ld", at);
  (void)setenv("CHRONOS2_FAIL_AT", number, 1);
  (void)setenv("CHRONOS2_FAIL_COUNT", count, 1);
  if (sticky) (void)setenv("CHRONOS2_FAIL_STICKY", "1", 1);
  program_result r = program_run((const char *const[]){"/usr/bin/timeout", "-k", "5", "60", "/usr/bin/env",
                                                       "LD_PRELOAD=" FAILING, PROGRAM_PATH, "pull", "o/small", NULL},
                                 NULL);
  (void)unsetenv("CHRONOS2_FAIL_STICKY");
  free(count);
  return r;
}

static long counted(void) {
  char *path = hub_path(&world, "count");
  char *text = program_read_file(path);
  assert_non_null(text);
  long n = strtol(text, NULL, 10);
  free(text);
  free(path);
  return n;
}

/* Whether the snapshot has the file; if it does, it is whole. */
static bool has_whole(const char *name, const char *expected, size_t size) {
  char *path = hub_path(&world, "cache/models--o--small/snapshots/" COMMIT_A "/%s", name);
  struct stat info;
  bool there = stat(path, &info) == 0;
  if (there) {
    char *text = program_read_file(path);
    assert_int_equal(info.st_size, size);
    assert_memory_equal(text, expected, size);
    free(text);
  }
  free(path);
  return there;
}

static bool is_whole(void) {
  bool config = has_whole("config.json", "{}", 2);
  return has_whole("model.safetensors", bytes, SIZE) && config;
}

static const char *wrong(const program_result *r, const program_result *undisturbed) {
  bool whole = is_whole();
  if (r->status == 0) return whole && strcmp(r->out, undisturbed->out) == 0 ? NULL : "it says that all is there";
  if (r->status != 1) return r->status >= 124 ? "a crash or a hang" : "the status";
  return program_count(r->err, "chronos2: error: ") == 1 ? NULL : "not one error line";
}

static void test_sweep(void **state) {
  (void)state;
  const char *asked = getenv("CHRONOS2_SWEEP_STEP");
  long step = asked ? strtol(asked, NULL, 10) : 11;
  size_t failures = 0;
  size_t broken = 0;
  hub_environment(&world);
  program_result undisturbed = pull(0, false);
  if (undisturbed.status != 0 || !is_whole()) fail_msg("undisturbed: %s", undisturbed.err);
  long sites = counted();
  for (long at = 1; at <= sites; at += step) {
    for (int sticky = 0; sticky < 2; sticky++) {
      drop_cache();
      program_result r = pull(at, sticky == 1);
      const char *what = wrong(&r, &undisturbed);
      if (what && ++broken <= 20) {
        print_error("allocation %ld%s: %s; status %d, stderr '%s'\n", at, sticky ? " and all later ones" : "", what,
                    r.status, r.err);
      }
      if (r.status != 0 && ++failures % 8 == 0) {
        program_result next = pull(0, false);
        if (next.status != 0 || !is_whole()) fail_msg("after allocation %ld: the next pull: %s", at, next.err);
        program_free(&next);
      }
      program_free(&r);
    }
  }
  print_message("pull: %ld allocations, %zu runs failed in order, %zu not\n", sites, failures, broken);
  program_free(&undisturbed);
  assert_true(failures > 0);
  assert_int_equal(broken, 0);
}

static int start(void **state) {
  (void)state;
  bytes = hub_bytes(SIZE, 1);
  hub_start(&world);
  hub_put_text(&world, "models/o/small/refs/main", COMMIT_A);
  hub_put_text(&world, "models/o/small/" COMMIT_A "/config.json", "{}");
  hub_put(&world, "models/o/small/" COMMIT_A "/model.safetensors", bytes, SIZE);
  return 0;
}

static int stop(void **state) {
  (void)state;
  hub_stop(&world);
  free(bytes);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_sweep, start, stop)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
