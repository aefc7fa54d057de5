/* Names of repositories, revisions and their files: what may stand in a URL and in a path of the cache. */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "hub/hub.h"
#include "hub/store.h"

static const char url_start[] = "hf://datasets/";
static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

static bool is_edge(char c) {
  return c != '-' && c != '.' && c != '/';
}

/* OWNER/NAME by huggingface_hub's rules, but the owner may not be missing. */
static bool is_name(const char *text, size_t size) {
  const char *slash = memchr(text, '/', size);
  char copy[C2_REPO_NAME];
  if (!slash || size >= sizeof copy) return false;
  memcpy(copy, text, size);
  copy[size] = '\0';
  size_t owner = (size_t)(slash - text);
  if (owner == 0 || owner + 1 == size || strspn(copy, name_bytes) != owner) return false;
  if (strspn(copy + owner + 1, name_bytes) != size - owner - 1) return false;
  if (!is_edge(copy[0]) || !is_edge(copy[owner - 1]) || !is_edge(copy[owner + 1]) || !is_edge(copy[size - 1])) {
    return false;
  }
  return !strstr(copy, "--") && !strstr(copy, "..") && (size < 4 || strcmp(copy + size - 4, ".git") != 0);
}

/* A revision becomes a path below refs/, so it has the form of one. */
static bool is_revision(const char *text, size_t size) {
  return size < C2_REPO_REVISION && text[0] != '-' && c2_hub_is_path(text, size);
}

bool c2_hub_is_path(const char *text, size_t size) {
  if (size == 0 || size > 1000 || !c2_text_plain(text, size)) return false;
  for (size_t at = 0; at <= size;) {
    const char *slash = memchr(text + at, '/', size - at);
    size_t n = slash ? (size_t)(slash - text) - at : size - at;
    bool dots = (n == 1 && text[at] == '.') || (n == 2 && text[at] == '.' && text[at + 1] == '.');
    if (n == 0 || n > 255 || dots || memchr(text + at, '\\', n)) return false;
    at += n + 1;
  }
  return true;
}

bool c2_hub_is_digest(const char *text, size_t digits) {
  return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static bool split(const char *text, size_t size, size_t *name, const char **revision) {
  const char *at = memchr(text, '@', size);
  *name = at ? (size_t)(at - text) : size;
  *revision = at ? at + 1 : NULL;
  return is_name(text, *name);
}

static c2_status parse(c2_repo *repo, const char *text, size_t size, c2_error *err) {
  size_t name = 0;
  const char *revision = NULL;
  if (!split(text, size, &name, &revision)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "'%.*s': expected the name of a repository, as OWNER/NAME", (int)size, text);
  }
  memcpy(repo->name, text, name);
  repo->name[name] = '\0';
  if (!revision) {
    (void)strcpy(repo->revision, "main");
    return C2_OK;
  }
  size_t rest = size - name - 1;
  if (!is_revision(revision, rest)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "'%.*s': expected a branch, a tag or a commit behind the @", (int)size, text);
  }
  memcpy(repo->revision, revision, rest);
  repo->revision[rest] = '\0';
  return C2_OK;
}

bool c2_repo_is(const char *text) {
  size_t name = 0;
  const char *revision = NULL;
  return split(text, strlen(text), &name, &revision);
}

c2_status c2_repo_parse(c2_repo *repo, const char *text, bool is_dataset, c2_error *err) {
  *repo = (c2_repo){.is_dataset = is_dataset};
  return parse(repo, text, strlen(text), err);
}

bool c2_repo_is_url(const char *text) {
  return strncmp(text, url_start, sizeof url_start - 1) == 0;
}

c2_status c2_repo_parse_url(c2_repo *repo, const char *text, const char **path, c2_error *err) {
  *repo = (c2_repo){.is_dataset = true};
  if (!c2_repo_is_url(text)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "'%s': expected %sOWNER/NAME/PATH", text, url_start);
  }
  const char *name = text + sizeof url_start - 1;
  const char *slash = strchr(name, '/');
  const char *end = slash ? strchr(slash + 1, '/') : NULL;
  *path = end ? end + 1 : "";
  C2_TRY(parse(repo, name, end ? (size_t)(end - name) : strlen(name), err));
  if (**path && !c2_hub_is_path(*path, strlen(*path))) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "'%s': expected a path within the data set behind its name", text);
  }
  return C2_OK;
}
