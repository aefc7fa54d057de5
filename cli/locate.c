/* Models and data sets by their names on a hub: a folder if there is one, else the cache, else a download. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "cli/source.h"
#include "data/duckdb_source.h"

static void say(const char *line) {
  cli_note("%s", line);
}

static void warn(const char *line) {
  cli_warn("%s", line);
}

static void progress(const char *file, uint64_t done, uint64_t total) {
  enum { MB = 1000000 };
  char what[300];
  (void)snprintf(what, sizeof what, "%.280s, MB", file);
  cli_progress(what, (size_t)((done + (done == total ? MB - 1 : 0)) / MB), (size_t)((total + MB - 1) / MB));
}

c2_status cli_hub_open(c2_hub *hub, bool offline, bool update, c2_error *err) {
  C2_TRY(c2_hub_open(hub, err));
  hub->offline = hub->offline || offline;
  hub->update = update;
  hub->say = say;
  hub->warn = warn;
  hub->progress = progress;
  if (!hub->offline || !update) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "--update: HF_HUB_OFFLINE forbids to ask the hub");
}

static c2_status find(const c2_repo *repo, bool offline, bool update, char room[CLI_PATH_ROOM], c2_error *err) {
  c2_hub hub;
  char *folder = NULL;
  c2_status status = C2_OK;
  C2_GOTO(cli_hub_open(&hub, offline, update, err));
  C2_GOTO(c2_hub_model(&hub, repo, &folder, err));
  if (strlen(folder) >= CLI_PATH_ROOM) C2_GOTO(c2_fail(err, C2_ERR_IO, "%s: the path is too long", folder));
  (void)strcpy(room, folder);
fail:
  free(folder);
  c2_hub_close(&hub);
  return status;
}

/* Puts a folder in place of one name. The name of a file or folder stays as it is. */
static int locate(const char **name, bool offline, bool update, char room[CLI_PATH_ROOM]) {
  c2_repo repo;
  c2_error err = {.code = C2_OK};
  if (!*name || c2_file_exists(*name)) return CLI_DONE;
  if (!c2_repo_is(*name)) {
    return cli_fail("%s: expected a model folder, or OWNER/NAME[@REVISION] of a model on a hub", *name);
  }
  if (c2_repo_parse(&repo, *name, false, &err) != C2_OK) return cli_fail_error(&err);
  c2_status status = find(&repo, offline, update, room, &err);
  if (status == C2_ERR_MODEL) return cli_fail("%s; nor is there a folder of that name", err.text);
  if (status != C2_OK) return cli_fail_error(&err);
  *name = room;
  return CLI_DONE;
}

/* An adapter in place of a model: its base may have a name on the hub, too. */
static int locate_base(cli_engine *e) {
  c2_repo base;
  c2_error err = {.code = C2_OK};
  bool named = false;
  const char *model = e->model ? e->model : cli_default_model();
  if (e->adapter) return CLI_DONE;
  if (c2_hub_base(model, &base, &named, &err) != C2_OK) return cli_fail_error(&err);
  if (!named) return CLI_DONE;
  if (find(&base, e->offline, e->update, e->adapter_room, &err) != C2_OK) return cli_fail_error(&err);
  e->adapter = model;
  e->model = e->adapter_room;
  return CLI_DONE;
}

int cli_engine_locate(cli_engine *e) {
  const char *model = e->model ? e->model : cli_default_model();
  const char *given = model;
  int status = locate(&model, e->offline, e->update, e->model_room);
  if (status == CLI_DONE && model != given) e->model = model;
  const char *adapter = e->adapter;
  if (status == CLI_DONE) status = locate(&e->adapter, e->offline, e->update, e->adapter_room);
  if (status != CLI_DONE) return status;
  if (e->update && model == given && e->adapter == adapter) {
    cli_warn("--update: %s is a folder, so no hub is asked for it", given);
  }
  return locate_base(e);
}

/* ---- Data sets ------------------------------------------------------------------------------------- */

/* A hub whose files are to be read. */
static c2_status open_readable(c2_hub *hub, const cli_engine *e, c2_error *err) {
  C2_TRY(cli_hub_open(hub, e->offline, e->update, err));
  hub->check = c2_duckdb_check_name;
  return C2_OK;
}

static c2_status find_input(const cli_engine *e, const char *url, char **where, c2_error *err) {
  c2_hub hub = {.cache = NULL};
  c2_repo repo;
  c2_hub_files files = {.path = NULL};
  const char *path = NULL;
  c2_status status = c2_repo_parse_url(&repo, url, &path, err);
  if (status == C2_OK) status = open_readable(&hub, e, err);
  if (status == C2_OK) status = c2_hub_path(&hub, &repo, path, &files, where, err);
  c2_hub_files_free(&files);
  c2_hub_close(&hub);
  return status;
}

int cli_locate_inputs(const cli_engine *engine, char **arguments, size_t count, cli_located *located) {
  c2_error err = {.code = C2_OK};
  if (c2_alloc_array(count, sizeof *located->path, &located->path, &err) != C2_OK) return cli_fail_error(&err);
  for (size_t i = 0; i < count; i++) {
    if (!c2_repo_is_url(arguments[i])) continue;
    if (find_input(engine, arguments[i], &located->path[located->count], &err) != C2_OK) return cli_fail_error(&err);
    arguments[i] = located->path[located->count++];
  }
  return CLI_DONE;
}

void cli_located_free(cli_located *located) {
  for (size_t i = 0; i < located->count; i++) free(located->path[i]);
  free(located->path);
  *located = (cli_located){.path = NULL};
}

static bool knows(const char *dataset_path) {
  return c2_repo_is(dataset_path) || c2_repo_is_url(dataset_path);
}

static c2_status find_data(c2_data_source *from, const char *dataset_path, const char *config, char ***paths,
                           size_t *count, c2_error *err) {
  const cli_engine *e = ((cli_source *)from)->engine; /* its first member */
  c2_hub hub = {.cache = NULL};
  c2_repo repo;
  c2_hub_files files = {.path = NULL};
  const char *path = NULL;
  char *where = NULL;
  bool is_url = c2_repo_is_url(dataset_path);
  c2_status status = C2_OK;
  C2_GOTO(is_url ? c2_repo_parse_url(&repo, dataset_path, &path, err) : c2_repo_parse(&repo, dataset_path, true, err));
  C2_GOTO(open_readable(&hub, e, err));
  C2_GOTO(is_url ? c2_hub_path(&hub, &repo, path, &files, &where, err)
                 : c2_hub_dataset(&hub, &repo, config, &files, err));
  *paths = files.path;
  *count = files.count;
  files = (c2_hub_files){.path = NULL};
fail:
  free(where);
  c2_hub_files_free(&files);
  c2_hub_close(&hub);
  return status;
}

void cli_source_init(cli_source *source, const cli_engine *engine) {
  *source = (cli_source){.source = {.knows = knows, .find = find_data}, .engine = engine};
}
