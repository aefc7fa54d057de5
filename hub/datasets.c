/* Which files of a data set are wanted, and their way into the cache. */
#include <stdlib.h>
#include <string.h>

#include "base/infile.h"
#include "base/json.h"
#include "base/memory.h"
#include "hub/card.h"
#include "hub/listing.h"

static const char converted[] = "refs/convert/parquet"; /* where a hub puts data sets that it has converted */

void c2_hub_files_free(c2_hub_files *files) {
  for (size_t i = 0; i < files->count; i++) free(files->path[i]);
  free(files->path);
  *files = (c2_hub_files){.path = NULL};
}

/* ---- The commit ------------------------------------------------------------------------------------ */

static c2_status ask_commit(c2_fetch *f, c2_error *err) {
  char *revision = NULL;
  char *url = NULL;
  c2_hub_text text = {.text = NULL};
  c2_json_document doc = {.path = "the hub's answer", .failure = C2_ERR_FORMAT};
  c2_status status = C2_OK;
  C2_GOTO(c2_hub_escape(f->repo->revision, false, &revision, err));
  size_t room = strlen(f->hub->endpoint) + sizeof f->repo->name + strlen(revision) + 64;
  C2_GOTO(c2_alloc_array(room, 1, &url, err));
  (void)snprintf(url, room, "%s/api/%s/%s/revision/%s", f->hub->endpoint, c2_hub_kind(f->repo), f->repo->name,
                 revision);
  C2_GOTO(c2_hub_get_text(f->hub, f->repo, url, 64 * 1000 * 1000, &text, err));
  C2_GOTO(c2_json_parse(&doc, text.text, text.size, err));
  const char *sha = c2_json_string(c2_json_get(doc.node, "sha"));
  if (!sha || !c2_hub_is_digest(sha, C2_COMMIT_ROOM - 1)) {
    C2_GOTO(c2_json_fail(&doc, doc.node, err, "expected 'sha', a commit of 40 hexadecimal digits"));
  }
  (void)strcpy(f->commit, sha);
fail:
  c2_json_free(&doc);
  free(text.text);
  free(revision);
  free(url);
  return status;
}

/* The commit that is used, and its files. */
static c2_status open_listing(c2_fetch *f, c2_listing *listing, c2_error *err) {
  C2_TRY(c2_store_commit(f->hub, f->repo, f->commit, err));
  bool moves = !c2_hub_is_digest(f->repo->revision, C2_COMMIT_ROOM - 1);
  if (!f->commit[0] && f->hub->offline) {
    C2_FAIL(err, C2_ERR_IO, "%s: revision '%s' of it is not in %s, and nothing may be downloaded", f->repo->name,
            f->repo->revision, f->hub->cache);
  }
  if (!f->commit[0] || (f->hub->update && moves)) {
    c2_hub_say(f->hub, "%s: %s; asking %s", f->repo->name, f->commit[0] ? "in the cache" : "not in the cache",
               f->hub->shown);
    C2_TRY(ask_commit(f, err));
  }
  return c2_hub_list(f, listing, err);
}

/* ---- Choosing -------------------------------------------------------------------------------------- */

/* Whether a file is wanted; `context` is the chooser's. */
typedef bool (*choose_fn)(const char *path, const void *context);

static bool by_patterns(const char *path, const void *context) {
  const c2_patterns *patterns = context;
  for (size_t i = 0; i < patterns->count; i++) {
    if (c2_pattern_matches(patterns->pattern[i], path)) return true;
  }
  return false;
}

/* The path itself, or what lies below it. */
static bool by_folder(const char *path, const void *context) {
  const char *folder = context;
  size_t n = strlen(folder);
  return n == 0 || (strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

static bool is_data(const char *path) {
  static const char *const endings[] = {".parquet", ".csv", ".jsonl"};
  size_t n = strlen(path);
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    size_t e = strlen(endings[i]);
    if (n > e && strcmp(path + n - e, endings[i]) == 0) return true;
  }
  return false;
}

static bool by_data_folder(const char *path, const void *context) {
  const char *folder = context;
  return is_data(path) && by_folder(path, folder) && path[strlen(folder)] == '/';
}

/* The same, of the split "train". */
static bool by_train_folder(const char *path, const void *context) {
  return by_data_folder(path, context) && strstr(path + strlen(context), "train") != NULL;
}

static size_t count_chosen(const c2_listing *listing, choose_fn choose, const void *context) {
  size_t count = 0;
  for (size_t i = 0; i < listing->count; i++) count += choose(listing->file[i].path, context);
  return count;
}

/* Before any of them is downloaded. */
static c2_status check_chosen(const c2_fetch *f, const c2_listing *listing, choose_fn choose, const void *context,
                              c2_error *err) {
  for (size_t i = 0; i < listing->count; i++) {
    const char *path = listing->file[i].path;
    c2_error why;
    if (!choose(path, context)) continue;
    if (!c2_hub_is_path(path, strlen(path))) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: the hub lists a file named '%.200s', which is no path within it", f->repo->name,
              path);
    }
    c2_status status = f->hub->check ? f->hub->check(path, &why) : C2_OK;
    if (status != C2_OK) C2_FAIL(err, status, "%s: %.200s: %s", f->repo->name, path, why.text);
  }
  return C2_OK;
}

/* Brings the chosen files into the cache and lists their paths there. */
static c2_status fetch_chosen(c2_fetch *f, const c2_listing *listing, choose_fn choose, const void *context,
                              c2_hub_files *files, c2_error *err) {
  C2_TRY(check_chosen(f, listing, choose, context, err));
  C2_TRY(c2_alloc_array(count_chosen(listing, choose, context), sizeof *files->path, &files->path, err));
  for (size_t i = 0; i < listing->count; i++) {
    const char *path = listing->file[i].path;
    bool found = false;
    if (!choose(path, context)) continue;
    if (f->hub->offline) {
      C2_TRY(c2_store_has(f->hub, f->repo, f->commit, path, &found, err));
      if (!found) {
        C2_FAIL(err, C2_ERR_IO, "%s: %s is not in the cache, and nothing may be downloaded", f->repo->name, path);
      }
    } else {
      C2_TRY(c2_hub_fetch(f, path, &found, err));
      if (!found) C2_FAIL(err, C2_ERR_IO, "%s: the hub lists %s, and does not have it", f->repo->name, path);
    }
    C2_TRY(c2_store_path(f->hub, f->repo, &files->path[files->count], err, "snapshots/%s/%s", f->commit, path));
    files->count++;
  }
  return C2_OK;
}

/* ---- A configuration --------------------------------------------------------------------------------- */

static c2_status read_card(c2_fetch *f, const char *config, c2_patterns *patterns, c2_error *err) {
  static const char card[] = "README.md";
  char *path = NULL;
  char *text = NULL;
  size_t size = 0;
  bool found = false;
  c2_status status = C2_OK;
  C2_TRY(c2_store_has(f->hub, f->repo, f->commit, card, &found, err));
  if (!f->hub->offline) C2_TRY(c2_hub_fetch(f, card, &found, err));
  if (!found) return C2_OK;
  C2_GOTO(c2_store_path(f->hub, f->repo, &path, err, "snapshots/%s/%s", f->commit, card));
  C2_GOTO(c2_read_config(path, &text, &size, err));
  C2_GOTO(c2_card_patterns(path, text, size, config, patterns, err));
fail:
  free(text);
  free(path);
  return status;
}

/* *files stays empty if this revision has no such configuration. */
static c2_status find_config(c2_fetch *f, const char *config, c2_hub_files *files, c2_error *err) {
  c2_listing listing = {.file = NULL};
  c2_patterns patterns = {.pattern = NULL};
  const char *folder = config ? config : "";
  c2_status status = C2_OK;
  C2_GOTO(open_listing(f, &listing, err));
  C2_GOTO(read_card(f, config, &patterns, err));
  if (patterns.count > 0) {
    C2_GOTO(fetch_chosen(f, &listing, by_patterns, &patterns, files, err));
  } else if (*folder && count_chosen(&listing, by_train_folder, folder) > 0) {
    C2_GOTO(fetch_chosen(f, &listing, by_train_folder, folder, files, err));
  } else if (*folder) {
    C2_GOTO(fetch_chosen(f, &listing, by_data_folder, folder, files, err));
  }
  if (!f->hub->offline) C2_GOTO(c2_store_set_commit(f->hub, f->repo, f->commit, err));
fail:
  c2_patterns_free(&patterns);
  c2_listing_free(&listing);
  return status;
}

c2_status c2_hub_dataset(c2_hub *hub, const c2_repo *repo, const char *config, c2_hub_files *files, c2_error *err) {
  c2_fetch f = {.hub = hub, .repo = repo};
  c2_repo other = *repo;
  *files = (c2_hub_files){.path = NULL};
  C2_TRY(find_config(&f, config, files, err));
  if (files->count > 0) return C2_OK;
  c2_hub_files_free(files);
  const char *shown = config ? config : "default";
  if (strcmp(repo->revision, "main") == 0) {
    c2_error why = {.code = C2_OK};
    f = (c2_fetch){.hub = hub, .repo = &other};
    (void)strcpy(other.revision, converted);
    c2_status status = find_config(&f, shown, files, &why);
    if (status == C2_OK && files->count > 0) {
      c2_hub_say(hub, "%s: the files of '%s' are the hub's own conversion (%s)", repo->name, shown, converted);
      return C2_OK;
    }
    if (status != C2_OK && status != C2_ERR_MODEL) { /* that says that there is none */
      C2_FAIL(err, status,
              "%s: the data set itself has no files for a configuration '%s', and its conversion can't be had: %.300s",
              repo->name, shown, why.text);
    }
  }
  C2_FAIL(err, C2_ERR_MODEL, "%s: the data set has no files for a configuration '%s'", repo->name, shown);
}

/* ---- A path ------------------------------------------------------------------------------------------ */

c2_status c2_hub_path(c2_hub *hub, const c2_repo *repo, const char *path, c2_hub_files *files, char **where,
                      c2_error *err) {
  c2_fetch f = {.hub = hub, .repo = repo};
  c2_listing listing = {.file = NULL};
  c2_status status = C2_OK;
  *files = (c2_hub_files){.path = NULL};
  *where = NULL;
  C2_GOTO(open_listing(&f, &listing, err));
  if (count_chosen(&listing, by_folder, path) == 0) {
    C2_GOTO(c2_fail(err, C2_ERR_MODEL, "%s: the data set has no '%s'", repo->name, path));
  }
  C2_GOTO(fetch_chosen(&f, &listing, by_folder, path, files, err));
  if (!hub->offline) C2_GOTO(c2_store_set_commit(hub, repo, f.commit, err));
  C2_GOTO(c2_store_path(hub, repo, where, err, "snapshots/%s%s%s", f.commit, *path ? "/" : "", path));
fail:
  c2_listing_free(&listing);
  return status;
}
