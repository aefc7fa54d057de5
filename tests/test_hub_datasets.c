/* Data sets of a hub: lists of files, cards, configurations, and what hostile ones lead to. */
#include "hub_world.h"

#include "hub/card.h"

static char said[4096];

static void say(const char *line) {
  size_t used = strlen(said);
  (void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

static void begin(void) {
  hub_clear(&world);
  said[0] = '\0';
}

/* `path` NULL: the files of the configuration; else those at the path, and *where. */
static c2_status find(const char *name, const char *config, const char *path, bool offline, c2_hub_files *files,
                      char **where, c2_error *err) {
  c2_hub hub;
  c2_repo repo;
  err->text[0] = '\0';
  hub_environment(&world);
  assert_int_equal(c2_repo_parse(&repo, name, true, err), C2_OK);
  assert_int_equal(c2_hub_open(&hub, err), C2_OK);
  hub.offline = offline;
  hub.pause = 0.001;
  hub.say = say;
  hub.warn = say;
  c2_status status =
      path ? c2_hub_path(&hub, &repo, path, files, where, err) : c2_hub_dataset(&hub, &repo, config, files, err);
  c2_hub_close(&hub);
  return status;
}

/* Names of the files, behind the commit, with blanks between: as `expected`. */
static void must_find(const char *name, const char *config, bool offline, const char *expected) {
  c2_hub_files files;
  c2_error err;
  char text[1024] = "";
  size_t used = 0;
  if (find(name, config, NULL, offline, &files, NULL, &err) != C2_OK) fail_msg("%s: %s", config, err.text);
  for (size_t i = 0; i < files.count; i++) {
    const char *tail = strstr(files.path[i], "/snapshots/") + 11 + 41;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", tail);
    assert_int_equal(access(files.path[i], R_OK), 0);
  }
  assert_string_equal(text, expected);
  c2_hub_files_free(&files);
}

static void must_fail(const char *name, const char *config, bool offline, const char *part) {
  c2_hub_files files;
  c2_error err;
  if (find(name, config, NULL, offline, &files, NULL, &err) == C2_OK) fail_msg("expected '%s'", part);
  if (!strstr(err.text, part)) fail_msg("expected '%s', found '%s'", part, err.text);
  c2_hub_files_free(&files);
}

static void put_files(const char *name, const char *revision, const char *commit, const char *const *files) {
  char path[256];
  (void)snprintf(path, sizeof path, "datasets/%s/refs/%s", name, revision);
  hub_put_text(&world, path, commit);
  for (; *files; files++) {
    (void)snprintf(path, sizeof path, "datasets/%s/%s/%s", name, commit, *files);
    hub_put_text(&world, path, *files);
  }
}

static void put_card(const char *name, const char *text) {
  char path[256];
  (void)snprintf(path, sizeof path, "datasets/%s/" COMMIT_A "/README.md", name);
  hub_put_text(&world, path, text);
}

static const char *const hourly[] = {"hourly/train-0.parquet",
                                     "hourly/train-1.parquet",
                                     "hourly/test-0.parquet",
                                     "hourly/notes.txt",
                                     "daily/a.csv",
                                     "daily/deep/b.csv",
                                     "top.csv",
                                     NULL};

/* Without a card the folder of the configuration's name counts. */
static void test_folders(void **state) {
  (void)state;
  put_files("o/folders", "main", COMMIT_A, hourly);
  begin();
  must_fail("o/folders", "hourly", true, "nothing may be downloaded");
  must_find("o/folders", "hourly", false, "hourly/train-0.parquet hourly/train-1.parquet");
  must_find("o/folders", "daily", false, "daily/a.csv daily/deep/b.csv");
  must_fail("o/folders", "hour", false, "no files for a configuration 'hour'");
  hub_forget(&world);
  must_find("o/folders", "hourly", false, "hourly/train-0.parquet hourly/train-1.parquet");
  must_find("o/folders", "hourly", true, "hourly/train-0.parquet hourly/train-1.parquet");
  assert_int_equal(hub_asked(&world, "GET /datasets", ""), 0);
  assert_int_equal(hub_asked(&world, "/tree/", ""), 0);
  char *list = hub_path(&world, "cache/datasets--o--folders/trees/" COMMIT_A ".json");
  char *text = program_read_file(list);
  assert_non_null(text);
  assert_int_equal(program_count(text, "\"size\""), 7); /* pages of two files each */
  assert_int_equal(program_count(text, "\"lfs_sha256\""), 3);
  free(text);
  /* Without its list the cache's files stand for all, with a word. */
  assert_int_equal(unlink(list), 0);
  must_find("o/folders", "hourly", true, "hourly/train-0.parquet hourly/train-1.parquet");
  assert_non_null(strstr(said, "those that are there are taken for all"));
  hub_put_text(&world, "cache/datasets--o--folders/trees/" COMMIT_A ".json", "{\"format_version\": 1, \"files\": {");
  must_find("o/folders", "hourly", false, "hourly/train-0.parquet hourly/train-1.parquet");
  free(list);
}

static void test_cards(void **state) {
  (void)state;
  static const struct {
    const char *config, *card, *files;
  } cases[] = {
      {"x", "configs:\n- config_name: x\n  data_files: daily/*.csv\n", "daily/a.csv"},
      {"x", "configs:\n- config_name: x\n  data_files: daily/**\n", "daily/a.csv daily/deep/b.csv"},
      {"x", "configs:\n- config_name: x\n  data_files: [top.csv, daily/a.csv]\n", "daily/a.csv top.csv"},
      {"x",
       "configs:\n- config_name: x\n  data_files:\n  - split: test\n    path: hourly/test-*\n  - split: train\n"
       "    path: hourly/train-*\n",
       "hourly/train-0.parquet hourly/train-1.parquet"},
      {"x", "configs:\n- config_name: x\n  data_files:\n    train: [./top.csv]\n    test: daily/a.csv\n", "top.csv"},
      {"x", "configs:\n- config_name: x\n  data_dir: daily\n", "daily/a.csv daily/deep/b.csv"},
      {"x", "configs:\n- config_name: x\n  data_dir: daily\n  data_files: '*.csv'\n", "daily/a.csv"},
      {NULL, "configs:\n- config_name: only\n  data_files: top.csv\n", "top.csv"},
      {NULL, "configs:\n- config_name: a\n  data_files: x\n- config_name: default\n  data_files: top.csv\n", "top.csv"},
      {"daily", "configs:\n- config_name: x\n  data_files: top.csv\n", "daily/a.csv daily/deep/b.csv"},
      {"daily", "license: mit\n", "daily/a.csv daily/deep/b.csv"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char card[400];
    put_files("o/cards", "main", COMMIT_A, hourly);
    (void)snprintf(card, sizeof card, "---\n%s---\n# A data set\n", cases[i].card);
    put_card("o/cards", card);
    begin();
    must_find("o/cards", cases[i].config, false, cases[i].files);
    must_find("o/cards", cases[i].config, true, cases[i].files);
  }
  static const char *const bad[][2] = {
      {"---\nconfigs: [\n---\n", "not YAML"},
      {"---\nconfigs:\n- config_name: x\n  data_files: '*a*a*a*a*a*a*'\n---\n", "stars"},
      {"---\nconfigs:\n- config_name: x\n  data_files: '**train*'\n---\n", "with ** for whole folders alone"},
      {"---\nconfigs:\n- config_name: x\n  data_dir: '*a*a*a*a'\n  data_files: 'a*a*a*'\n---\n", "stars"},
      {"---\nconfigs:\n- config_name: x\n  data_files: ../../secret\n---\n", "no files for a configuration"},
      {"---\nconfigs:\n- config_name: x\n  data_files: none-*\n---\n", "no files for a configuration"}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    put_card("o/cards", bad[i][0]);
    hub_put_text(&world, "datasets/o/cards/" COMMIT_A "/x/train-0.csv", "not what the card says");
    begin();
    must_fail("o/cards", "x", false, bad[i][1]);
  }
}

/* What the hub has converted itself, on a branch of its own. */
static void test_conversion(void **state) {
  (void)state;
  static const char *const script[] = {"script.py", NULL};
  static const char *const converted[] = {"ETTh/train/0000.parquet", "ETTh/test/0000.parquet", NULL};
  put_files("o/script", "main", COMMIT_A, script);
  put_files("o/script", "refs/convert/parquet", COMMIT_B, converted);
  begin();
  must_find("o/script", "ETTh", false, "ETTh/train/0000.parquet");
  assert_non_null(strstr(said, "the hub's own conversion"));
  must_find("o/script", "ETTh", true, "ETTh/train/0000.parquet");
  /* That it can't be asked for doesn't say that there is none. */
  put_files("o/other", "main", COMMIT_A, script);
  put_files("o/other", "refs/convert/parquet", COMMIT_B, converted);
  hub_faults(&world, "0|/o/other/revision/refs|status|403");
  begin();
  must_fail("o/other", "ETTh", false, "'ETTh', and its conversion can't be had: o/other: the hub refuses access (403)");
  hub_faults(&world, "");
  must_fail("o/other", "ETTh", true, "can't be had: o/other: revision 'refs/convert/parquet' of it is not in ");
  must_find("o/other", "ETTh", false, "ETTh/train/0000.parquet");
  must_fail("o/other", "none", false, "o/other: the data set has no files for a configuration 'none'");
}

static void test_paths(void **state) {
  (void)state;
  c2_hub_files files;
  c2_error err;
  char *where = NULL;
  put_files("o/folders", "main", COMMIT_A, hourly);
  begin();
  assert_int_equal(find("o/folders", NULL, "daily", false, &files, &where, &err), C2_OK);
  assert_int_equal(files.count, 2);
  assert_string_equal(strrchr(where, '/'), "/daily");
  c2_hub_files_free(&files);
  free(where);
  assert_int_equal(find("o/folders", NULL, "top.csv", false, &files, &where, &err), C2_OK);
  assert_int_equal(files.count, 1);
  assert_string_equal(files.path[0], where);
  c2_hub_files_free(&files);
  free(where);
  assert_int_equal(find("o/folders", NULL, "dail", false, &files, &where, &err), C2_ERR_MODEL);
  assert_null(where);
  c2_hub_files_free(&files);
  assert_int_equal(find("o/folders", NULL, "hourly", true, &files, &where, &err), C2_ERR_IO);
  c2_hub_files_free(&files);
  free(where);
}

/* Lists that no honest hub gives. */
static void test_hostile_lists(void **state) {
  (void)state;
  char long_name[1400];
  memset(long_name, 'a', sizeof long_name);
  (void)snprintf(long_name + 1200, 100, ".csv\",\"size\":1}]");
  memcpy(long_name, "[{\"type\":\"file\",\"path\":\"x/", 26);
  const char *const cases[][2] = {
      {"[{\"type\":\"file\",\"path\":\"x/../../../../../../x.csv\",\"size\":1}]", "no path within it"},
      {"[{\"type\":\"file\",\"path\":\"x//etc/passwd.csv\",\"size\":1}]", "no path within it"},
      {"[{\"type\":\"file\",\"path\":\"x/.\",\"size\":1},{\"type\":\"file\",\"path\":\"x/./a.csv\"}]",
       "no path within it"},
      {"[{\"type\":\"file\",\"path\":\"x/a\\u001b[31m.csv\",\"size\":1}]", "no path within it"},
      {"[{\"type\":\"file\",\"path\":\"x/a\\u0000.csv\",\"size\":1}]", "list of files:1"},
      {"[{\"type\":\"file\",\"path\":\"x/a\\\\b.csv\",\"size\":1}]", "no path within it"},
      {long_name, "no path within it"},
      {"[{\"type\":\"file\",\"path\":\"x/gone.csv\",\"size\":9000000000000000000}]", "does not have it"},
      {"{\"error\": \"no\"}", "expected an array"},
      {"[{\"path\":\"x/a.csv\"}]", "expected a type and a path"},
      {"[[[[", "list of files:1"},
      {"", "list of files:1"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hub_put_text(&world, "datasets/o/hostile/refs/main", COMMIT_A);
    hub_put_text(&world, "datasets/o/hostile/" COMMIT_A "/top.csv", "top");
    hub_put_text(&world, "datasets/o/hostile/tree", cases[i][0]);
    begin();
    must_fail("o/hostile", "x", false, cases[i][1]);
  }
  hub_put_text(&world, "datasets/o/hostile/tree", "[]");
  hub_faults(&world, "0|/tree/|header|Link: </api/datasets/o/hostile/tree/" COMMIT_A ">; rel=\"next\"");
  begin();
  must_fail("o/hostile", "x", false, "without end");
  hub_faults(&world, "");
}

static void test_patterns(void **state) {
  (void)state;
  assert_true(c2_pattern_matches("a/*.csv", "a/b.csv"));
  assert_false(c2_pattern_matches("a/*.csv", "a/b/c.csv"));
  assert_true(c2_pattern_matches("a/**", "a/b/c.csv"));
  assert_true(c2_pattern_matches("./a/b?[0-9].csv", "a/bx1.csv"));
  assert_false(c2_pattern_matches("a", "a/b.csv"));
  assert_true(c2_pattern_matches("a//./b-[!0].csv", "a/b-1.csv")); /* of a data_dir with a slash at its end */
  /* As datasets.data_files.resolve_pattern of datasets 4.8.5 finds them. */
  static const char *const files[] = {".hid/train-2.csv", "README.md",       "__x/train-3.csv", "sub/deep/train/x.csv",
                                      "sub/README.md",    "sub/train-1.csv", "sub/a\\b.csv",    "sub/.hid.csv",
                                      "test-0.csv",       "train-0.csv"};
  static const struct {
    const char *pattern, *found;
  } cases[] = {{"**/train-*.csv", "sub/train-1.csv train-0.csv "},
               {"**", "sub/deep/train/x.csv sub/train-1.csv sub/a\\b.csv test-0.csv train-0.csv "},
               {"**/*.csv", "sub/deep/train/x.csv sub/train-1.csv sub/a\\b.csv test-0.csv train-0.csv "},
               {"*.csv", "test-0.csv train-0.csv "},
               {"*", "test-0.csv train-0.csv "},
               {"sub/**", "sub/deep/train/x.csv sub/train-1.csv sub/a\\b.csv "},
               {"sub/*", "sub/train-1.csv sub/a\\b.csv "},
               {"*/*.csv", "sub/train-1.csv sub/a\\b.csv "},
               {"*/train/**", ""},
               {"**/train/**", "sub/deep/train/x.csv "},
               {"sub/**/**/x.csv", "sub/deep/train/x.csv "},
               {"**/deep/**/train-*", ""},
               {"./train-*", "train-0.csv "},
               {"sub/a\\*", "sub/a\\b.csv "},
               {"README.md", "README.md "},
               {"**/README.md", "README.md sub/README.md "},
               {".hid/*", ".hid/train-2.csv "},
               {".*/*", ".hid/train-2.csv "},
               {"__*/*", "__x/train-3.csv "},
               {"**/.*", "sub/.hid.csv "},
               {"sub", ""},
               {"sub/train-1.csv/**", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char found[300] = "";
    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
      if (!c2_pattern_matches(cases[i].pattern, files[k])) continue;
      (void)strcat(strcat(found, files[k]), " ");
    }
    if (strcmp(found, cases[i].found) != 0) fail_msg("%s finds %s", cases[i].pattern, found);
  }
}

static int start_world(void **state) {
  (void)state;
  (void)setenv("FAKE_HUB_PAGE", "2", 1);
  hub_start(&world);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_folders),       cmocka_unit_test(test_cards),
                                     cmocka_unit_test(test_conversion),    cmocka_unit_test(test_paths),
                                     cmocka_unit_test(test_hostile_lists), cmocka_unit_test(test_patterns)};
  return cmocka_run_group_tests(tests, start_world, hub_world_stop);
}
