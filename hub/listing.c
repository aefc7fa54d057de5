/* Lists of files. */
#include "hub/listing.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"

enum { MOST_PAGES = 1000, MOST_FILES = 1 << 20, FORMAT = 1, MOST_FOLDERS = 32 };

static const size_t PAGE_LIMIT = 64 * 1000 * 1000;

void c2_listing_free(c2_listing *listing) {
  for (size_t i = 0; i < listing->count; i++) free(listing->file[i].path);
  free(listing->file);
  *listing = (c2_listing){.file = NULL};
}

static c2_status add(c2_listing *listing, const char *path, c2_listed **file, c2_error *err) {
  if (listing->count == MOST_FILES) C2_FAIL(err, C2_ERR_FORMAT, "a repository of more than %d files", MOST_FILES);
  C2_TRY(c2_grow_array(&listing->file, &listing->capacity, listing->count + 1, sizeof *listing->file, err));
  *file = &listing->file[listing->count];
  **file = (c2_listed){.path = c2_strdup(path)};
  if (!(*file)->path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  listing->count++;
  return C2_OK;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const c2_listed *)a)->path, ((const c2_listed *)b)->path);
}

static void sort(c2_listing *listing) {
  size_t kept = 0;
  if (listing->count == 0) return;
  qsort(listing->file, listing->count, sizeof *listing->file, by_path);
  for (size_t i = 1; i < listing->count; i++) {
    if (strcmp(listing->file[i].path, listing->file[kept].path) == 0) {
      free(listing->file[i].path);
    } else {
      listing->file[++kept] = listing->file[i];
    }
  }
  listing->count = kept + 1;
}

/* A digest of so many digits, or none. */
static void take_digest(const c2_json *value, size_t digits, char *out) {
  const char *text = c2_json_string(value);
  out[0] = '\0';
  if (text && c2_hub_is_digest(text, digits)) memcpy(out, text, digits + 1);
}

static void take_size(const c2_json *value, uint64_t *out) {
  int64_t size = 0;
  if (c2_json_integer(value, &size) && size >= 0) *out = (uint64_t)size;
}

/* ---- From the cache -------------------------------------------------------------------------------- */

static c2_status list_path(const c2_fetch *f, char **path, c2_error *err) {
  return c2_store_path(f->hub, f->repo, path, err, "trees/%s.json", f->commit);
}

static c2_status read_kept(c2_listing *listing, const c2_json_document *doc, c2_error *err) {
  int64_t format = 0;
  const c2_json *files = c2_json_get(doc->node, "files");
  if (!c2_json_integer(c2_json_get(doc->node, "format_version"), &format) || format != FORMAT ||
      !c2_json_is(files, C2_JSON_OBJECT)) {
    return c2_json_fail(doc, doc->node, err, "expected a list of files in format %d", FORMAT);
  }
  C2_JSON_EACH (key, files) {
    c2_listed *file = NULL;
    C2_TRY(add(listing, key->text, &file, err));
    take_size(c2_json_get(key + 1, "size"), &file->size);
    take_digest(c2_json_get(key + 1, "blob_id"), 40, file->blob);
    take_digest(c2_json_get(key + 1, "lfs_sha256"), 64, file->lfs);
    take_digest(c2_json_get(key + 1, "xet_hash"), 64, file->xet);
  }
  return C2_OK;
}

/* *found is false if there is no list that can be read; another one is made then. */
static c2_status read_list(const c2_fetch *f, c2_listing *listing, bool *found, c2_error *err) {
  char *path = NULL;
  *found = false;
  C2_TRY(list_path(f, &path, err));
  c2_json_document doc = {.path = path, .failure = C2_ERR_FORMAT, .config = true};
  if (c2_file_exists(path)) {
    c2_error why = {.code = C2_OK};
    c2_status status = c2_json_load(&doc, &why);
    if (status == C2_OK) status = read_kept(listing, &doc, &why);
    *found = status == C2_OK;
    if (!*found) {
      c2_listing_free(listing);
      c2_hub_say(f->hub, "%s; it is not used", why.text);
    }
  }
  c2_json_free(&doc);
  free(path);
  return C2_OK;
}

static void write_entry(c2_json_writer *w, const c2_listed *file) {
  c2_json_begin_object(w, file->path);
  c2_json_put_whole(w, "size", file->size);
  c2_json_put_text(w, "blob_id", file->blob);
  if (file->lfs[0]) {
    c2_json_put_text(w, "lfs_sha256", file->lfs);
    c2_json_put_whole(w, "lfs_size", file->size);
  }
  if (file->xet[0]) c2_json_put_text(w, "xet_hash", file->xet);
  c2_json_end_object(w);
}

static c2_status write_list(const c2_fetch *f, const c2_listing *listing, c2_error *err) {
  char *path = NULL;
  char *folder = NULL;
  c2_outfile file = {.path = NULL};
  c2_status status = C2_OK;
  C2_GOTO(list_path(f, &path, err));
  C2_GOTO(c2_store_path(f->hub, f->repo, &folder, err, "trees"));
  C2_GOTO(c2_make_folder(folder, err));
  C2_GOTO(c2_outfile_open(&file, path, err));
  c2_json_writer w = {.out = file.stream};
  c2_json_begin_object(&w, NULL);
  c2_json_put_whole(&w, "format_version", FORMAT);
  c2_json_begin_object(&w, "files");
  for (size_t i = 0; i < listing->count; i++) write_entry(&w, &listing->file[i]);
  c2_json_end_object(&w);
  c2_json_end_object(&w);
  C2_GOTO(c2_json_finish(&w, path, err));
  C2_GOTO(c2_outfile_commit(&file, err));
fail:
  c2_outfile_discard(&file);
  free(folder);
  free(path);
  return status;
}

/* Adds the files of the snapshot's folder that are there. */
static c2_status scan(const char *snapshot, const char *below, size_t depth, c2_listing *listing, c2_error *err) {
  char *folder = NULL;
  C2_TRY(c2_path_join(&folder, snapshot, below, err));
  DIR *dir = depth < MOST_FOLDERS ? opendir(folder) : NULL;
  c2_status status = C2_OK;
  for (struct dirent *e = dir ? readdir(dir) : NULL; e && status == C2_OK; e = readdir(dir)) {
    struct stat info;
    char *name = NULL;
    char *path = NULL;
    c2_listed *file = NULL;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    status = *below ? c2_path_join(&name, below, e->d_name, err) : C2_OK;
    const char *full = name ? name : e->d_name;
    if (status == C2_OK) status = c2_path_join(&path, snapshot, full, err);
    if (status == C2_OK && stat(path, &info) == 0) {
      status = S_ISDIR(info.st_mode) ? scan(snapshot, full, depth + 1, listing, err) : add(listing, full, &file, err);
    }
    free(name);
    free(path);
  }
  if (dir) (void)closedir(dir);
  free(folder);
  return status;
}

static c2_status scan_snapshot(const c2_fetch *f, c2_listing *listing, c2_error *err) {
  char *snapshot = NULL;
  C2_TRY(c2_store_path(f->hub, f->repo, &snapshot, err, "snapshots/%s", f->commit));
  c2_status status = scan(snapshot, "", 0, listing, err);
  free(snapshot);
  if (status != C2_OK || listing->count == 0) return status;
  char line[256];
  (void)snprintf(line, sizeof line, "%s: the cache has no list of its files; those that are there are taken for all",
                 f->repo->name);
  if (f->hub->warn) f->hub->warn(line);
  return C2_OK;
}

/* ---- From the hub ---------------------------------------------------------------------------------- */

static c2_status read_entry(const c2_json_document *doc, const c2_json *entry, c2_listing *listing, c2_error *err) {
  const char *type = c2_json_string(c2_json_get(entry, "type"));
  const char *path = c2_json_string(c2_json_get(entry, "path"));
  const c2_json *lfs = c2_json_get(entry, "lfs");
  c2_listed *file = NULL;
  if (!type || !path) return c2_json_fail(doc, entry, err, "expected a type and a path");
  if (strcmp(type, "file") != 0) return C2_OK;
  C2_TRY(add(listing, path, &file, err));
  take_size(c2_json_get(entry, "size"), &file->size);
  take_digest(c2_json_get(entry, "oid"), 40, file->blob);
  take_digest(c2_json_get(lfs, "oid"), 64, file->lfs);
  take_digest(c2_json_get(entry, "xetHash"), 64, file->xet);
  return C2_OK;
}

static c2_status read_page(c2_fetch *f, const char *url, c2_listing *listing, c2_error *err) {
  c2_hub_text page = {.text = NULL};
  c2_json_document doc = {.path = "list of files", .failure = C2_ERR_FORMAT};
  c2_status status = c2_hub_get_text(f->hub, f->repo, url, PAGE_LIMIT, &page, err);
  if (status == C2_OK) status = c2_json_parse(&doc, page.text, page.size, err);
  if (status == C2_OK && !c2_json_is(doc.node, C2_JSON_ARRAY)) {
    status = c2_json_fail(&doc, doc.node, err, "expected an array");
  }
  if (status == C2_OK) {
    C2_JSON_EACH (entry, doc.node) {
      status = read_entry(&doc, entry, listing, err);
      if (status != C2_OK) break;
    }
  }
  c2_json_free(&doc);
  free(page.text);
  return status;
}

static c2_status ask_list(c2_fetch *f, c2_listing *listing, c2_error *err) {
  size_t room = strlen(f->hub->endpoint) + sizeof f->repo->name + sizeof f->commit + 64;
  char *url = malloc(room);
  if (!url) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a URL");
  (void)snprintf(url, room, "%s/api/%s/%s/tree/%s?recursive=true", f->hub->endpoint, c2_hub_kind(f->repo),
                 f->repo->name, f->commit);
  c2_status status = C2_OK;
  for (size_t pages = 0; status == C2_OK && url; pages++) {
    char *next = NULL;
    if (pages == MOST_PAGES) {
      status = c2_fail(err, C2_ERR_FORMAT, "%s: a list of files without end", f->repo->name);
      break;
    }
    status = read_page(f, url, listing, err);
    if (status == C2_OK) status = c2_hub_next_page(f->hub, url, &next, err);
    free(url);
    url = next;
  }
  free(url);
  return status;
}

c2_status c2_hub_list(c2_fetch *f, c2_listing *listing, c2_error *err) {
  bool found = false;
  C2_TRY(read_list(f, listing, &found, err));
  if (!found && f->hub->offline) {
    C2_TRY(scan_snapshot(f, listing, err));
  } else if (!found) {
    C2_TRY(ask_list(f, listing, err));
  }
  sort(listing);
  return found || f->hub->offline ? C2_OK : write_list(f, listing, err);
}
