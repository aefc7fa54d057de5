/* The hub as the library in hub/ sees it: names, settings, the cache's layout, and every fault of a hub. */
#include "hub_world.h"

#include <pwd.h>

#include "hub/store.h"

enum { WEIGHTS = 200000 };

static char said[8192]; /* lines that the hub's user was told */

static void say(const char *line) {
  size_t used = strlen(said);
  (void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

/* ---- Names and settings -------------------------------------------------------------------------- */

static void test_names(void **state) {
  (void)state;
  static const char *const good[] = {"amazon/chronos-2", "a/b",      "a_b/c.d",      "o/n@main",
                                     "o/n@refs/pr/1",    "o/n@v1.0", ("o/n@" COMMIT_A)};
  static const char *const bad[] = {"",      "a",       "a/",         "/a",    "a/b/c", "./a",    "../a",
                                    "a/..",  "a/.b",    "a/b.",       "-a/b",  "a/b-",  "a--b/c", "a/b..c",
                                    "a/b c", "a/b.git", "a/\xc3\xa4", "a/b\n", "@main", "a@b/c"};
  static const char *const revisions[] = {"o/n@",   "o/n@..",   "o/n@a/../b", "o/n@/a", "o/n@a//b",
                                          "o/n@-f", "o/n@a\tb", "o/n@.",      "o/n@a/"};
  c2_repo repo;
  c2_error err;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    if (!c2_repo_is(good[i])) fail_msg("%s", good[i]);
    assert_int_equal(c2_repo_parse(&repo, good[i], false, &err), C2_OK);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (c2_repo_is(bad[i])) fail_msg("%s", bad[i]);
    assert_int_equal(c2_repo_parse(&repo, bad[i], false, &err), C2_ERR_ARGUMENT);
  }
  for (size_t i = 0; i < sizeof revisions / sizeof revisions[0]; i++) {
    if (c2_repo_parse(&repo, revisions[i], false, &err) != C2_ERR_ARGUMENT) fail_msg("%s", revisions[i]);
  }
  char name[200];
  memset(name, 'a', sizeof name);
  name[2] = '/';
  name[96] = '\0';
  assert_true(c2_repo_is(name));
  name[96] = 'a';
  name[97] = '\0';
  assert_false(c2_repo_is(name));
  assert_int_equal(c2_repo_parse(&repo, "o/n@refs/pr/1", false, &err), C2_OK);
  assert_string_equal(repo.name, "o/n");
  assert_string_equal(repo.revision, "refs/pr/1");
}

static void test_urls(void **state) {
  (void)state;
  c2_repo repo;
  c2_error err;
  const char *path = NULL;
  assert_int_equal(c2_repo_parse_url(&repo, "hf://datasets/o/n@v1/a/b.parquet", &path, &err), C2_OK);
  assert_string_equal(repo.name, "o/n");
  assert_string_equal(repo.revision, "v1");
  assert_string_equal(path, "a/b.parquet");
  assert_true(repo.is_dataset);
  assert_int_equal(c2_repo_parse_url(&repo, "hf://datasets/o/n", &path, &err), C2_OK);
  assert_string_equal(path, "");
  static const char *const bad[] = {"hf://datasets/o", "hf://o/n", "hf://datasets/o/n/../x", "hf://datasets/o/n//x",
                                    "hf://datasets/o/n/a\\b"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (c2_repo_parse_url(&repo, bad[i], &path, &err) != C2_ERR_ARGUMENT) fail_msg("%s", bad[i]);
  }
}

static void clear_environment(void) {
  static const char *const names[] = {"HF_HOME",
                                      "HF_HUB_CACHE",
                                      "HUGGINGFACE_HUB_CACHE",
                                      "HF_ENDPOINT",
                                      "HF_TOKEN",
                                      "HUGGING_FACE_HUB_TOKEN",
                                      "HF_TOKEN_PATH",
                                      "HF_HUB_OFFLINE",
                                      "TRANSFORMERS_OFFLINE",
                                      "XDG_CACHE_HOME",
                                      "HF_HUB_ETAG_TIMEOUT",
                                      "HF_HUB_DOWNLOAD_TIMEOUT",
                                      "HF_HUB_DISABLE_IMPLICIT_TOKEN"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) (void)unsetenv(names[i]);
}

/* Variables in the order of lines, and the cache that they name. */
static void test_cache_folder(void **state) {
  (void)state;
  static const struct {
    const char *name, *value, *cache;
  } steps[] = {{"HOME", "/h", "/h/.cache/huggingface/hub"},
               {"XDG_CACHE_HOME", "/x", "/x/huggingface/hub"},
               {"HF_HOME", "~/f", "/h/f/hub"},
               {"HF_HOME", "$HOME/${NONE}/g", "/h/${NONE}/g/hub"},
               {"HUGGINGFACE_HUB_CACHE", "/old", "/old"},
               {"HF_HUB_CACHE", "${HOME}/c", "/h/c"},
               {"HF_HUB_CACHE", "~no-such-user/c", "~no-such-user/c"}};
  char *home = strdup(getenv("HOME") ? getenv("HOME") : "/");
  clear_environment();
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    c2_hub hub;
    c2_error err = {.code = C2_OK};
    assert_int_equal(setenv(steps[i].name, steps[i].value, 1), 0);
    if (c2_hub_open(&hub, &err) != C2_OK) fail_msg("%s", err.text);
    assert_string_equal(hub.cache, steps[i].cache);
    c2_hub_close(&hub);
  }
  /* The home of a user by name, and one's own without HOME, are the system's. */
  static const struct {
    const char *value, *end;
  } homes[] = {{"~root/c", "/c"}, {"~/d", "/d"}};
  const struct passwd *users[] = {getpwnam("root"), NULL};
  for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
    c2_hub hub;
    c2_error err = {.code = C2_OK};
    char expected[300];
    if (i == 1) users[1] = getpwuid(getuid());
    if (!users[i]) continue;
    (void)snprintf(expected, sizeof expected, "%s%s", users[i]->pw_dir, homes[i].end);
    (void)unsetenv("HOME");
    (void)setenv("HF_HUB_CACHE", homes[i].value, 1);
    if (c2_hub_open(&hub, &err) != C2_OK) fail_msg("%s", err.text);
    assert_string_equal(hub.cache, expected);
    c2_hub_close(&hub);
  }
  clear_environment();
  (void)setenv("HOME", home, 1);
  free(home);
}

static void test_settings(void **state) {
  (void)state;
  c2_hub hub;
  c2_error err = {.code = C2_OK};
  clear_environment();
  (void)setenv("HF_HOME", world.root, 1);
  assert_int_equal(c2_hub_open(&hub, &err), C2_OK);
  assert_string_equal(hub.endpoint, "https://huggingface.co");
  assert_null(hub.token);
  assert_false(hub.offline);
  assert_true(hub.etag_timeout == 10 && hub.download_timeout == 10);
  c2_hub_close(&hub);
  hub_put_text(&world, "token", "\xef\xbb\xbf from-file\n"); /* a byte order mark is no part of it */
  (void)setenv("HF_ENDPOINT", "http://mirror/path//", 1);
  (void)setenv("HF_HUB_OFFLINE", "yes", 1);
  (void)setenv("HF_HUB_ETAG_TIMEOUT", "3", 1);
  assert_int_equal(c2_hub_open(&hub, &err), C2_OK);
  assert_string_equal(hub.endpoint, "http://mirror/path");
  assert_string_equal(hub.token, "from-file");
  assert_true(hub.offline && hub.etag_timeout == 3);
  c2_hub_close(&hub);
  (void)setenv("HF_TOKEN", "from-variable", 1);
  assert_int_equal(c2_hub_open(&hub, &err), C2_OK);
  assert_string_equal(hub.token, "from-variable");
  c2_hub_close(&hub);
  (void)setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", 1);
  assert_int_equal(c2_hub_open(&hub, &err), C2_OK);
  assert_null(hub.token);
  c2_hub_close(&hub);
  static const char *const bad[][2] = {{"HF_HUB_ETAG_TIMEOUT", "soon"},
                                       {"HF_HUB_DOWNLOAD_TIMEOUT", "-1"},
                                       {"HF_ENDPOINT", "file:///etc"},
                                       {"HF_ENDPOINT", "https://user:se/cret@mirror"},
                                       {"HF_TOKEN", "a\r\nHost: b"}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    clear_environment();
    (void)setenv("HF_HOME", world.root, 1);
    (void)setenv(bad[i][0], bad[i][1], 1);
    assert_int_equal(c2_hub_open(&hub, &err), C2_ERR_ARGUMENT);
    if (!strstr(err.text, bad[i][0]) || strstr(err.text, "cret")) fail_msg("%s", err.text);
    c2_hub_close(&hub);
  }
  clear_environment();
  (void)setenv("HF_HOME", world.root, 1);
  (void)setenv("HF_ENDPOINT", "user:secret@mirror", 1);
  assert_int_equal(c2_hub_open(&hub, &err), C2_ERR_ARGUMENT);
  assert_null(strstr(err.text, "secret"));
  c2_hub_close(&hub);
  clear_environment();
  char *token = hub_path(&world, "token");
  assert_int_equal(unlink(token), 0);
  free(token);
}

static void test_digests(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t times;
    const char *sha1, *sha256;
  } cases[] = {{"", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
               {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
               {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (int kind = C2_SHA1; kind <= C2_SHA256; kind++) {
      c2_sha sha;
      char out[C2_SHA_ROOM];
      c2_sha_begin(&sha, (c2_sha_kind)kind);
      for (size_t k = 0; k < cases[i].times; k++) c2_sha_add(&sha, cases[i].text, strlen(cases[i].text));
      c2_sha_end(&sha, out);
      assert_string_equal(out, kind == C2_SHA1 ? cases[i].sha1 : cases[i].sha256);
    }
  }
}

/* ---- Pulling ------------------------------------------------------------------------------------- */

/* A model of made-up bytes; `seed` tells contents apart. */
static void put_model(const char *name, const char *commit, unsigned seed) {
  char path[256];
  char *bytes = hub_bytes(WEIGHTS, seed);
  char text[64];
  (void)snprintf(path, sizeof path, "models/%s/refs/main", name);
  hub_put_text(&world, path, commit);
  (void)snprintf(path, sizeof path, "models/%s/%s/config.json", name, commit);
  (void)snprintf(text, sizeof text, "{\"seed\": %u}", seed);
  hub_put_text(&world, path, text);
  (void)snprintf(path, sizeof path, "models/%s/%s/model.safetensors", name, commit);
  hub_put(&world, path, bytes, WEIGHTS);
  (void)snprintf(path, sizeof path, "models/%s/%s/README.md", name, commit);
  hub_put_text(&world, path, "not needed");
  free(bytes);
}

/* Begins a case: an empty cache, no faults, an empty log. */
static void begin(const char *faults) {
  hub_faults(&world, faults);
  hub_clear(&world);
  said[0] = '\0';
}

typedef struct wish {
  bool offline, update;
  const char *token;
} wish;

static c2_status pull(const char *name, wish w, char **folder, c2_error *err) {
  c2_hub hub;
  c2_repo repo;
  err->text[0] = '\0';
  *folder = NULL;
  clear_environment();
  hub_environment(&world);
  if (w.token) (void)setenv("HF_TOKEN", w.token, 1);
  (void)setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1", 1);
  assert_int_equal(c2_repo_parse(&repo, name, false, err), C2_OK);
  assert_int_equal(c2_hub_open(&hub, err), C2_OK);
  hub.offline = w.offline;
  hub.update = w.update;
  hub.pause = 0.001;
  hub.say = say;
  hub.warn = say;
  c2_status status = c2_hub_model(&hub, &repo, folder, err);
  c2_hub_close(&hub);
  return status;
}

static void must_pull(const char *name, wish w, const char *commit) {
  c2_error err;
  char *folder = NULL;
  if (pull(name, w, &folder, &err) != C2_OK) fail_msg("%s: %s", name, err.text);
  assert_string_equal(strrchr(folder, '/') + 1, commit);
  free(folder);
}

static void must_fail(const char *name, wish w, const char *part) {
  c2_error err;
  char *folder = NULL;
  if (pull(name, w, &folder, &err) == C2_OK) fail_msg("%s: expected a failure with '%s'", name, part);
  if (!strstr(err.text, part)) fail_msg("%s: expected '%s', found '%s'", name, part, err.text);
  assert_null(folder);
}

/* The file of the cache's snapshot holds what the hub's has. */
static void assert_same(const char *name, const char *commit, const char *file) {
  char *theirs = hub_path(&world, "models/%s/%s/%s", name, commit, file);
  char *copy = strdup(name);
  *strchr(copy, '/') = '\0';
  char *ours = hub_path(&world, "cache/models--%s--%s/snapshots/%s/%s", copy, strchr(name, '/') + 1, commit, file);
  struct stat a;
  struct stat b;
  assert_int_equal(stat(theirs, &a), 0);
  if (stat(ours, &b) != 0) fail_msg("%s is not in the cache", ours);
  assert_int_equal(a.st_size, b.st_size);
  char *x = program_read_file(theirs);
  char *y = program_read_file(ours);
  assert_memory_equal(x, y, (size_t)a.st_size);
  free(x);
  free(y);
  free(theirs);
  free(ours);
  free(copy);
}

/* Files of the cache whose path contains `part`. */
static size_t counted;
static const char *counted_part;
static int count_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)where;
  counted += (kind == FTW_F || kind == FTW_SL) && strstr(path + strlen(world.cache), counted_part) != NULL;
  return 0;
}
static size_t count_files(const char *part) {
  counted = 0;
  counted_part = part;
  (void)nftw(world.cache, count_one, 16, FTW_PHYS);
  return counted;
}

static void test_layout(void **state) {
  (void)state;
  put_model("o/plain", COMMIT_A, 1);
  begin("");
  must_pull("o/plain", (wish){.token = "secret-token"}, COMMIT_A);
  assert_same("o/plain", COMMIT_A, "config.json");
  assert_same("o/plain", COMMIT_A, "model.safetensors");
  char *ref = hub_path(&world, "cache/models--o--plain/refs/main");
  char *text = program_read_file(ref);
  assert_string_equal(text, COMMIT_A);
  char *link = hub_path(&world, "cache/models--o--plain/snapshots/" COMMIT_A "/model.safetensors");
  char target[256] = "";
  assert_true(readlink(link, target, sizeof target - 1) > 0);
  assert_memory_equal(target, "../../blobs/", 12);
  assert_int_equal(strlen(target), 12 + 64); /* named by its SHA-256 */
  assert_int_equal(count_files("/blobs/"), 2);
  assert_int_equal(count_files("/snapshots/"), 2); /* the model's files alone */
  assert_int_equal(count_files(".incomplete"), 0);
  assert_int_equal(count_files("/.locks/models--o--plain/"), 2);
  assert_true(hub_asked(&world, "hub ", "token=secret-token") > 0);
  assert_int_equal(hub_asked(&world, "cdn ", "GET"), 1);
  assert_int_equal(hub_asked(&world, "cdn ", "token=secret-token"), 0);
  free(text);
  free(ref);
  free(link);
  hub_forget(&world);
  must_pull("o/plain", (wish){.offline = true}, COMMIT_A);
  must_pull("o/plain", (wish){.offline = false}, COMMIT_A);
  must_pull("o/plain@" COMMIT_A, (wish){.offline = true}, COMMIT_A);
  assert_int_equal(hub_asked(&world, "", ""), 0); /* the cache beats the network */
}

static void test_absent(void **state) {
  (void)state;
  put_model("o/plain", COMMIT_A, 1);
  begin("");
  must_fail("o/plain", (wish){.offline = true}, "not in");
  assert_int_equal(hub_asked(&world, "", ""), 0);
  must_fail("o/none", (wish){.offline = false}, "has no such model (401)");
  must_fail("o/plain@none", (wish){.offline = false}, "no revision 'none'");
  assert_int_equal(count_files("/blobs/"), 0);
}

static void test_update(void **state) {
  (void)state;
  put_model("o/moves", COMMIT_A, 1);
  begin("");
  must_pull("o/moves", (wish){0}, COMMIT_A);
  put_model("o/moves", COMMIT_B, 2);
  must_pull("o/moves", (wish){0}, COMMIT_A);
  /* A failed update leaves all as it was. */
  hub_faults(&world, "0|GET /blob|status|500");
  must_fail("o/moves", (wish){.update = true}, "status 500");
  hub_faults(&world, "");
  must_pull("o/moves", (wish){0}, COMMIT_A);
  assert_same("o/moves", COMMIT_A, "model.safetensors");
  must_pull("o/moves", (wish){.update = true}, COMMIT_B);
  assert_same("o/moves", COMMIT_B, "model.safetensors");
  assert_same("o/moves", COMMIT_A, "model.safetensors");
  must_pull("o/moves", (wish){0}, COMMIT_B);
  must_pull("o/moves@" COMMIT_A, (wish){.offline = true}, COMMIT_A);
  hub_forget(&world);
  must_pull("o/moves", (wish){.update = true}, COMMIT_B);
  assert_int_equal(hub_asked(&world, "GET", ""), 0);
  assert_non_null(strstr(said, "nothing has changed"));
}

/* An update finds contents that have become shorter, and replaces them. */
static void test_truncated_blob(void **state) {
  (void)state;
  put_model("o/plain", COMMIT_A, 1);
  begin("");
  must_pull("o/plain", (wish){0}, COMMIT_A);
  char *path = hub_path(&world, "cache/models--o--plain/snapshots/" COMMIT_A "/model.safetensors");
  assert_int_equal(truncate(path, 100), 0);
  must_pull("o/plain", (wish){.update = true}, COMMIT_A);
  assert_same("o/plain", COMMIT_A, "model.safetensors");
  free(path);
}

/* A cache without links, as huggingface_hub makes it where they are switched off: files of their own, and no blobs. */
static void test_cache_without_links(void **state) {
  (void)state;
  static const char *const files[] = {"config.json", "model.safetensors"};
  put_model("o/plain", COMMIT_A, 1);
  begin("");
  must_pull("o/plain", (wish){0}, COMMIT_A);
  char *snapshot = hub_path(&world, "cache/models--o--plain/snapshots/" COMMIT_A);
  for (size_t i = 0; i < 2; i++) {
    char *path = program_path(snapshot, files[i]);
    char *blob = realpath(path, NULL);
    assert_non_null(blob);
    assert_int_equal(rename(blob, path), 0);
    free(blob);
    free(path);
  }
  hub_forget(&world);
  said[0] = '\0';
  must_pull("o/plain", (wish){.update = true}, COMMIT_A);
  assert_int_equal(hub_asked(&world, "GET", ""), 0); /* what is whole isn't downloaded again */
  assert_non_null(strstr(said, "nothing has changed"));
  assert_int_equal(count_files("/blobs/"), 0);
  /* Damaged in one byte, and cut. */
  char *weights = program_path(snapshot, files[1]);
  for (size_t i = 0; i < 2; i++) {
    int file = open(weights, O_WRONLY);
    assert_true(file >= 0);
    if (i == 0) assert_int_equal(pwrite(file, "?", 1, 1000), 1);
    if (i == 1) assert_int_equal(ftruncate(file, 100), 0);
    (void)close(file);
    said[0] = '\0';
    must_pull("o/plain", (wish){.update = true}, COMMIT_A);
    assert_same("o/plain", COMMIT_A, "model.safetensors");
    assert_non_null(strstr(said, "is not what it should be: "));
    assert_non_null(strstr(said, "downloaded, commit "));
    char *blob = realpath(weights, NULL);
    assert_true(strstr(blob, "/blobs/") && rename(blob, weights) == 0);
    free(blob);
  }
  free(weights);
  free(snapshot);
}

/* An update that finds nothing new writes nothing. */
static void test_read_only_cache(void **state) {
  (void)state;
  put_model("o/plain", COMMIT_A, 1);
  begin("");
  must_pull("o/plain", (wish){0}, COMMIT_A);
  char *locks = hub_path(&world, "cache/.locks");
  hub_remove(locks);
  must_pull("o/plain", (wish){.update = true}, COMMIT_A);
  assert_non_null(strstr(said, "nothing has changed"));
  assert_int_not_equal(access(locks, F_OK), 0);
  free(locks);
}

/* A note of the revision that holds no commit, as a process leaves it that ended too early. */
static void test_empty_ref(void **state) {
  (void)state;
  put_model("o/plain", COMMIT_A, 1);
  begin("");
  must_pull("o/plain", (wish){0}, COMMIT_A);
  hub_put_text(&world, "cache/models--o--plain/refs/main", "");
  must_fail("o/plain", (wish){.offline = true}, "refs/main: expected a commit of 40 hexadecimal digits");
  said[0] = '\0';
  must_pull("o/plain", (wish){0}, COMMIT_A);
  assert_int_equal(program_count(said, "expected a commit of 40 hexadecimal digits; it is not used"), 1);
  must_pull("o/plain", (wish){.offline = true}, COMMIT_A);
}

/* A password in the hub's URL stays out of what is said. */
static void test_password(void **state) {
  (void)state;
  c2_hub hub;
  c2_repo repo;
  c2_error err;
  char *folder = NULL;
  static const struct {
    const char *user, *name;
  } cases[] = {{"user:secret", "o/plain"}, {"user:secret", "o/none"}, {"user:with@secret", "o/plain"}};
  put_model("o/plain", COMMIT_A, 1);
  begin("");
  hub_environment(&world);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char url[200];
    err.text[0] = '\0';
    (void)snprintf(url, sizeof url, "http://%s@%s", cases[i].user, strchr(world.hub, ':') + 3);
    (void)setenv("HF_ENDPOINT", url, 1);
    assert_int_equal(c2_hub_open(&hub, &err), C2_OK);
    hub.say = hub.warn = say;
    assert_int_equal(c2_repo_parse(&repo, cases[i].name, false, &err), C2_OK);
    c2_status status = c2_hub_model(&hub, &repo, &folder, &err);
    assert_true(i != 0 || status == C2_OK);
    assert_true(i != 1 || strstr(err.text, "has no such model"));
    assert_null(strstr(err.text, "secret"));
    free(folder);
    c2_hub_close(&hub);
  }
  assert_non_null(strstr(said, "asking http://"));
  assert_null(strstr(said, "secret"));
}

static void test_shards_and_adapters(void **state) {
  (void)state;
  hub_put_text(&world, "models/o/sharded/refs/main", COMMIT_A);
  hub_put_text(&world, "models/o/sharded/" COMMIT_A "/config.json", "{}");
  hub_put_text(&world, "models/o/sharded/" COMMIT_A "/model-1.safetensors", "one");
  hub_put_text(&world, "models/o/sharded/" COMMIT_A "/model-2.safetensors", "two");
  hub_put_text(&world, "models/o/sharded/" COMMIT_A "/model.safetensors.index.json",
               "{\"weight_map\": {\"a\": \"model-1.safetensors\", \"b\": \"model-2.safetensors\"}}");
  begin("");
  must_pull("o/sharded", (wish){0}, COMMIT_A);
  assert_same("o/sharded", COMMIT_A, "model-2.safetensors");
  must_pull("o/sharded", (wish){.offline = true}, COMMIT_A);
  char *shard = hub_path(&world, "cache/models--o--sharded/snapshots/" COMMIT_A "/model-2.safetensors");
  assert_int_equal(unlink(shard), 0);
  must_fail("o/sharded", (wish){.offline = true}, "as a whole");
  must_pull("o/sharded", (wish){0}, COMMIT_A);
  free(shard);
  static const char *const hostile[] = {"../../../../../x", "/etc/passwd", "a/b.safetensors", "..", ""};
  for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
    char index[200];
    (void)snprintf(index, sizeof index, "{\"weight_map\": {\"a\": \"%s\"}}", hostile[i]);
    hub_put_text(&world, "models/o/sharded/" COMMIT_A "/model.safetensors.index.json", index);
    begin("");
    must_fail("o/sharded", (wish){0}, "expected the name of a file");
  }
  hub_put_text(&world, "models/o/adapter/refs/main", COMMIT_A);
  hub_put_text(&world, "models/o/adapter/" COMMIT_A "/adapter_config.json", "{}");
  begin("");
  must_fail("o/adapter", (wish){0}, "has no adapter_model.safetensors");
  hub_put_text(&world, "models/o/adapter/" COMMIT_A "/adapter_model.safetensors", "lora");
  must_pull("o/adapter", (wish){0}, COMMIT_A);
  must_pull("o/adapter", (wish){.offline = true}, COMMIT_A);
  hub_put_text(&world, "models/o/both/refs/main", COMMIT_A); /* the adapter decides beside a model */
  hub_put_text(&world, "models/o/both/" COMMIT_A "/adapter_config.json", "{}");
  hub_put_text(&world, "models/o/both/" COMMIT_A "/adapter_model.safetensors", "lora");
  hub_put_text(&world, "models/o/both/" COMMIT_A "/config.json", "{}");
  hub_put_text(&world, "models/o/both/" COMMIT_A "/model.safetensors", "weights");
  must_pull("o/both", (wish){0}, COMMIT_A);
  must_pull("o/both", (wish){.offline = true}, COMMIT_A);
  assert_same("o/both", COMMIT_A, "adapter_model.safetensors");
  assert_same("o/both", COMMIT_A, "config.json");
  char *unused = hub_path(&world, "cache/models--o--both/snapshots/" COMMIT_A "/model.safetensors");
  assert_int_equal(access(unused, F_OK), -1);
  free(unused);
  hub_put_text(&world, "models/o/pickle/refs/main", COMMIT_A);
  hub_put_text(&world, "models/o/pickle/" COMMIT_A "/config.json", "{}");
  must_fail("o/pickle", (wish){0}, "has no model.safetensors");
}

/* ---- Faults -------------------------------------------------------------------------------------- */

/* What may pass, and passes: the file is whole in the end. */
static void test_faults_that_pass(void **state) {
  (void)state;
  static const struct {
    const char *faults, *log; /* what must have been asked for, beside GET /blob */
  } cases[] = {{"1|GET /blob|cut|70000", "range=70000"},
               {"4|GET /blob|cut|10000", "range=40000"},
               {"2|HEAD|status|500", ""},
               {"1|GET /blob|status|503", ""},
               {"1|HEAD|status|429 Retry-After: 0", ""},
               {"1|GET|close|", ""},
               {"1|GET /blob|cut|10000\n1|GET /blob|no-range|", "range=10000"},
               {"1|GET /blob|cut|10000\n3|GET /blob|bad-range|", "range=10000"},
               {"1|GET /blob|stall|", ""},
               {"0|HEAD|header|ETag: W/\"weak\"", ""}};
  put_model("o/plain", COMMIT_A, 1);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    begin(cases[i].faults);
    must_pull("o/plain", (wish){0}, COMMIT_A);
    assert_same("o/plain", COMMIT_A, "config.json");
    assert_same("o/plain", COMMIT_A, "model.safetensors");
    if (hub_asked(&world, "GET /blob", cases[i].log) == 0) fail_msg("%s: %s", cases[i].faults, cases[i].log);
    assert_int_equal(count_files(".incomplete"), 0);
  }
  assert_non_null(strstr(said, "no digest of it"));
}

/* What does not: one line that says what is wrong, and nothing that looks like a file. */
static void test_faults_that_stay(void **state) {
  (void)state;
  static const struct {
    const char *faults, *error;
  } cases[] = {
      {"0|GET /blob|status|500", "status 500"},
      {"0|GET /blob|cut|0", "given up after 5 tries"},
      {"0|HEAD|status|429 Retry-After: 3600", "come again in 3600 s"},
      {"0|HEAD|status|418", "status 418"},
      {"0|GET /blob|corrupt|777", "its digest is"},
      {"0|model.safetensors|header|X-Linked-Size: 100", "more than the 100 bytes"},
      {"0|model.safetensors|header|X-Linked-Size: 4000000000000000000", "of space in"},
      {"0|model.safetensors|header|X-Linked-Size: 300000", "300000"},
      {"0|GET /blob|endless|", "more than the 200000 bytes"},
      {"0|HEAD|header|X-Repo-Commit:", "names no commit"},
      {"0|HEAD|header|X-Repo-Commit: ../../../../x", "expected a commit"},
      {"1|HEAD|header|X-Repo-Commit: " COMMIT_B, "no revision"},
      {"0|HEAD|header|ETag: \"../../../../../x\"", "expected an ETag"},
      {"0|HEAD|header|ETag: \"\"", "expected an ETag"},
      {"0|HEAD|header|ETag: .hidden", "expected an ETag"},
      {"0|HEAD /o/plain/resolve/main/config|header|ETag: weak\n0|HEAD /o/plain/resolve/main/config|endless|",
       "config.json: the hub tells neither its size nor its digest"},
      {"0|HEAD|header|X-Linked-ETag: \"0000000000000000000000000000000000000000000000000000000000000000\"", "digest"},
      {"0|GET /o/plain/resolve|header|Location: file:///etc/passwd", "expected a URL of http"},
      {"0|GET /o/plain/resolve|header|Location: /o/plain/resolve/main/model.safetensors", "too many redirects"},
      {"0|HEAD|close|", "given up after 5 tries"}};
  put_model("o/plain", COMMIT_A, 1);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    begin(cases[i].faults);
    must_fail("o/plain", (wish){0}, cases[i].error);
    must_fail("o/plain", (wish){.offline = true}, "nothing may be downloaded");
    assert_int_equal(count_files("/model.safetensors"), 0);
    assert_int_equal(count_files("passwd"), 0);
  }
  begin("");
  must_pull("o/plain", (wish){0}, COMMIT_A); /* what they have left does no harm */
}

/* An incomplete file that was left is used if it is right, and dropped if it is not. */
static void test_leftovers(void **state) {
  (void)state;
  put_model("o/plain", COMMIT_A, 1);
  begin("0|GET /blob|status|404");
  must_fail("o/plain", (wish){0}, "has it no more");
  char *bytes = hub_bytes(WEIGHTS, 1);
  c2_sha sha;
  char etag[C2_SHA_ROOM];
  char name[256];
  c2_sha_begin(&sha, C2_SHA256);
  c2_sha_add(&sha, bytes, WEIGHTS);
  c2_sha_end(&sha, etag);
  (void)snprintf(name, sizeof name, "cache/models--o--plain/blobs/%s.incomplete", etag);
  static const struct {
    size_t size;
    bool damaged;
    const char *log;
  } cases[] = {{1000, false, "range=1000 "},
               {1000, true, "range=-1 "},
               {WEIGHTS, false, NULL},
               {WEIGHTS, true, "range=-1 "},
               {WEIGHTS + 1, true, "range=-1 "}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    begin("");
    bytes[5] ^= cases[i].damaged;
    hub_put(&world, name, bytes, cases[i].size);
    bytes[5] ^= cases[i].damaged;
    must_pull("o/plain", (wish){0}, COMMIT_A);
    assert_same("o/plain", COMMIT_A, "model.safetensors");
    if (cases[i].log) assert_true(hub_asked(&world, "cdn GET", cases[i].log) == 1);
    if (!cases[i].log) assert_int_equal(hub_asked(&world, "GET /blob", ""), 0);
  }
  free(bytes);
}

static void test_access(void **state) {
  (void)state;
  put_model("o/private", COMMIT_A, 1);
  hub_put_text(&world, "models/o/private/token", "right");
  begin("");
  must_fail("o/private", (wish){0}, "needs a token (HF_TOKEN)");
  must_fail("o/private", (wish){.token = "wrong"}, "the token may not read it");
  must_pull("o/private", (wish){.token = "right"}, COMMIT_A);
  put_model("o/gated", COMMIT_A, 1);
  hub_put_text(&world, "models/o/gated/gated", "");
  must_fail("o/gated", (wish){.token = "right"}, "refuses access (403): Access to this repository is restricted");
}

/* A redirect to another origin takes no token along, even where it only differs in its port. */
static void test_redirects(void **state) {
  (void)state;
  char faults[300];
  put_model("o/plain", COMMIT_A, 1);
  (void)snprintf(faults, sizeof faults,
                 "0|GET /o/plain/resolve/" COMMIT_A "/config.json|status|307 Location: %s/blob/models/o/plain/" COMMIT_A
                 "/config.json",
                 world.cdn);
  begin(faults);
  must_pull("o/plain", (wish){.token = "secret-token"}, COMMIT_A);
  assert_int_equal(hub_asked(&world, "cdn GET", "config.json"), 1);
  assert_int_equal(hub_asked(&world, "cdn ", "secret-token"), 0);
  /* One that stays on the hub keeps it: a repository that was renamed. */
  hub_put_text(&world, "models/o/private/token", "right");
  begin("0|/o/renamed/resolve|status|307 Location: /o/private/resolve/main/config.json");
  hub_faults(&world,
             "0|HEAD /o/old/resolve/main/config.json|status|307 Location: /o/private/resolve/main/config.json\n"
             "0|HEAD /o/old/resolve/" COMMIT_A
             "/model.safetensors|status|307 Location: "
             "/o/private/resolve/" COMMIT_A
             "/model.safetensors\n"
             "0|GET /o/old/resolve/" COMMIT_A
             "/config.json|status|307 Location: "
             "/o/private/resolve/" COMMIT_A
             "/config.json\n"
             "0|HEAD /o/old/resolve/" COMMIT_A
             "/adapter_config.json|status|307 Location: "
             "/o/private/resolve/" COMMIT_A
             "/adapter_config.json\n"
             "0|GET /o/old/resolve/" COMMIT_A
             "/model.safetensors|status|307 Location: "
             "/o/private/resolve/" COMMIT_A "/model.safetensors\n");
  must_pull("o/old", (wish){.token = "right"}, COMMIT_A);
  assert_int_equal(hub_asked(&world, "cdn ", "right"), 0);
}

/* A hub that answers, but slowly, is waited for; one that trickles is not. */
static void test_slow(void **state) {
  (void)state;
  put_model("o/plain", COMMIT_A, 1);
  begin("0|GET /blob|slow|200000");
  must_pull("o/plain", (wish){0}, COMMIT_A);
  assert_int_equal(hub_asked(&world, "GET /blob", ""), 1);
  begin("1|GET /blob|slow|20");
  must_pull("o/plain", (wish){0}, COMMIT_A);
  if (!strstr(said, "too slow")) fail_msg("%s", said);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names),
                                     cmocka_unit_test(test_urls),
                                     cmocka_unit_test(test_cache_folder),
                                     cmocka_unit_test(test_settings),
                                     cmocka_unit_test(test_digests),
                                     cmocka_unit_test(test_layout),
                                     cmocka_unit_test(test_absent),
                                     cmocka_unit_test(test_update),
                                     cmocka_unit_test(test_truncated_blob),
                                     cmocka_unit_test(test_cache_without_links),
                                     cmocka_unit_test(test_read_only_cache),
                                     cmocka_unit_test(test_empty_ref),
                                     cmocka_unit_test(test_password),
                                     cmocka_unit_test(test_shards_and_adapters),
                                     cmocka_unit_test(test_faults_that_pass),
                                     cmocka_unit_test(test_faults_that_stay),
                                     cmocka_unit_test(test_leftovers),
                                     cmocka_unit_test(test_access),
                                     cmocka_unit_test(test_redirects),
                                     cmocka_unit_test(test_slow)};
  return cmocka_run_group_tests(tests, hub_world_start, hub_world_stop);
}
