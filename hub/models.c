/* Which files of a repository make a model, and whether they are there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/platform.h"
#include "hub/fetch.h"

static const char config[] = "config.json";
static const char weights[] = "model.safetensors";
static const char weights_index[] = "model.safetensors.index.json";
static const char adapter_config[] = "adapter_config.json";
static const char adapter_weights[] = "adapter_model.safetensors";

/* ---- Shards -------------------------------------------------------------------------------------- */

/* Does something about a shard; *done is false where that did not work and was no failure. */
typedef c2_status (*shard_fn)(c2_fetch *fetch, const char *shard, bool *done, c2_error *err);

static c2_status each_shard(c2_fetch *f, shard_fn act, bool *done, c2_error *err) {
  char *path = NULL;
  const char *last = "";
  *done = true;
  C2_TRY(c2_store_path(f->hub, f->repo, &path, err, "snapshots/%s/%s", f->commit, weights_index));
  c2_json_document doc = {.path = path, .failure = C2_ERR_MODEL, .config = true};
  c2_status status = c2_json_load(&doc, err);
  const c2_json *map = status == C2_OK ? c2_json_get(doc.node, "weight_map") : NULL;
  if (status == C2_OK && !c2_json_is(map, C2_JSON_OBJECT)) {
    status = c2_json_fail(&doc, doc.node, err, "expected a weight_map");
  }
  if (status == C2_OK) {
    C2_JSON_EACH (key, map) {
      const char *name = c2_json_string(key + 1);
      if (!name || strchr(name, '/') || !c2_hub_is_path(name, strlen(name))) {
        status = c2_json_fail(&doc, key, err, "expected the name of a file");
        break;
      }
      if (strcmp(name, last) != 0) status = act(f, name, done, err); /* those of one shard mostly stand together */
      if (status != C2_OK || !*done) break;
      last = name;
    }
  }
  c2_json_free(&doc);
  free(path);
  return status;
}

static c2_status has_shard(c2_fetch *f, const char *shard, bool *done, c2_error *err) {
  return c2_store_has(f->hub, f->repo, f->commit, shard, done, err);
}

static c2_status fetch_shard(c2_fetch *f, const char *shard, bool *done, c2_error *err) {
  C2_TRY(c2_hub_fetch(f, shard, done, err));
  if (!*done) C2_FAIL(err, C2_ERR_MODEL, "%s: the hub has no %s, which %s names", f->repo->name, shard, weights_index);
  return C2_OK;
}

/* ---- What the cache has ---------------------------------------------------------------------------- */

/* *which is the first of the files that is there, or `count`. */
static c2_status first_there(const c2_fetch *f, const char *const *files, size_t count, size_t *which, c2_error *err) {
  bool has = false;
  for (*which = 0; *which < count; ++*which) {
    C2_TRY(c2_store_has(f->hub, f->repo, f->commit, files[*which], &has, err));
    if (has) break;
  }
  return C2_OK;
}

/* Whether the snapshot holds all that a model or an adapter needs. */
static c2_status is_complete(c2_fetch *f, bool *complete, c2_error *err) {
  size_t which = 0;
  *complete = false;
  C2_TRY(first_there(f, (const char *const[]){adapter_config, config}, 2, &which, err));
  if (which == 0) return c2_store_has(f->hub, f->repo, f->commit, adapter_weights, complete, err);
  if (which == 2) return C2_OK;
  C2_TRY(first_there(f, (const char *const[]){weights, weights_index}, 2, &which, err));
  if (which == 1) return each_shard(f, has_shard, complete, err);
  *complete = which == 0;
  return C2_OK;
}

/* ---- What the hub has ------------------------------------------------------------------------------ */

static c2_status fetch_weights(c2_fetch *f, c2_error *err) {
  bool found = false;
  C2_TRY(c2_hub_fetch(f, weights, &found, err));
  if (found) return C2_OK;
  C2_TRY(c2_hub_fetch(f, weights_index, &found, err));
  if (found) return each_shard(f, fetch_shard, &found, err);
  C2_FAIL(err, C2_ERR_MODEL, "%s: the hub has no %s of it; weights in another format can't be read", f->repo->name,
          weights);
}

static c2_status fetch_files(c2_fetch *f, c2_error *err) {
  bool model = false;
  bool adapter = false;
  bool found = false;
  C2_TRY(c2_hub_fetch(f, config, &model, err));
  C2_TRY(c2_hub_fetch(f, adapter_config, &adapter, err)); /* an adapter's weights are wanted, whatever lies beside */
  if (model && !adapter) return fetch_weights(f, err);
  if (adapter) C2_TRY(c2_hub_fetch(f, adapter_weights, &found, err));
  if (!found) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: the hub has no %s of it: no model of the kind that is read here", f->repo->name,
            adapter ? adapter_weights : "config.json or adapter_config.json");
  }
  return C2_OK;
}

c2_status c2_hub_model(c2_hub *hub, const c2_repo *repo, char **folder, c2_error *err) {
  c2_fetch f = {.hub = hub, .repo = repo};
  bool complete = false;
  *folder = NULL;
  C2_TRY(c2_store_commit(hub, repo, f.commit, err));
  if (f.commit[0]) C2_TRY(is_complete(&f, &complete, err));
  if (!complete && hub->offline) {
    C2_FAIL(err, C2_ERR_IO, "%s: revision '%s' of it is not in %s%s, and nothing may be downloaded", repo->name,
            repo->revision, hub->cache, f.commit[0] ? " as a whole" : "");
  }
  if (!complete || (hub->update && !hub->offline)) {
    c2_hub_say(hub, "%s: %s; asking %s", repo->name, complete ? "in the cache" : "not in the cache", hub->shown);
    if (!c2_hub_is_digest(repo->revision, C2_COMMIT_ROOM - 1)) f.commit[0] = '\0';
    C2_TRY(fetch_files(&f, err));
    C2_TRY(c2_store_set_commit(hub, repo, f.commit, err));
    c2_hub_say(hub, f.downloaded ? "%s: downloaded, commit %s" : "%s: nothing has changed, commit %s", repo->name,
               f.commit);
  }
  return c2_store_path(hub, repo, folder, err, "snapshots/%s", f.commit);
}

c2_status c2_hub_base(const char *folder, c2_repo *base, bool *named, c2_error *err) {
  char *of_adapter = NULL;
  char *whole = NULL;
  char *near = NULL;
  c2_json_document doc = {.failure = C2_ERR_MODEL, .config = true};
  c2_status status = C2_OK;
  *named = false;
  C2_GOTO(c2_path_join(&of_adapter, folder, adapter_config, err));
  if (!c2_file_exists(of_adapter)) goto fail;
  doc.path = of_adapter;
  C2_GOTO(c2_json_load(&doc, err));
  const char *name = c2_json_string(c2_json_get(doc.node, "base_model_name_or_path"));
  const char *revision = c2_json_string(c2_json_get(doc.node, "revision")); /* of the base */
  if (!name || !c2_repo_is(name)) goto fail;
  C2_GOTO(c2_find_folder(&near, folder, name, err));
  if (near) goto fail;
  *named = true;
  if (revision && *revision && !strchr(name, '@')) {
    size_t room = strlen(name) + strlen(revision) + 2;
    C2_GOTO(c2_alloc_array(room, 1, &whole, err));
    (void)snprintf(whole, room, "%s@%s", name, revision);
    name = whole;
  }
  C2_GOTO(c2_repo_parse(base, name, false, err));
fail:
  free(near);
  free(whole);
  c2_json_free(&doc);
  free(of_adapter);
  return status;
}
