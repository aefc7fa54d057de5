/* `chronos2 pull`: what a hub has, into Hugging Face's cache. */
#include <stdlib.h>

#include "cli/cli.h"

typedef struct request {
  const char *name;
  bool is_dataset, offline, update;
} request;

static c2_status pull(const request *r, char **where, c2_error *err) {
  c2_hub hub = {.cache = NULL};
  c2_hub_files files = {.path = NULL};
  c2_repo repo;
  const char *path = "";
  bool is_url = c2_repo_is_url(r->name);
  c2_status status = C2_OK;
  C2_GOTO(is_url ? c2_repo_parse_url(&repo, r->name, &path, err) : c2_repo_parse(&repo, r->name, r->is_dataset, err));
  C2_GOTO(cli_hub_open(&hub, r->offline, r->update, err));
  C2_GOTO(repo.is_dataset ? c2_hub_path(&hub, &repo, path, &files, where, err) : c2_hub_model(&hub, &repo, where, err));
fail:
  c2_hub_files_free(&files);
  c2_hub_close(&hub);
  return status;
}

int cli_pull(int argc, char **argv) {
  static const cli_usage usage = {
      .command = "pull",
      .arguments = "REPO",
      .summary =
          "Downloads a model or a data set into Hugging Face's cache, unless it is there, and prints its place. "
          "REPO is OWNER/NAME or OWNER/NAME@REVISION: a branch, a tag or a commit. "
          "hf://datasets/OWNER/NAME/PATH names a file or a folder of a data set.\n"
          "Of a model only what it needs is downloaded: config.json and the weights. Every file is checked "
          "against the hub's digest of it, and what an interrupted download has left is used. The environment is "
          "huggingface_hub's: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and others.",
      .examples =
          "Download the published weights, and forecast with them:\n"
          "chronos2 pull amazon/chronos-2 && chronos2 forecast data.csv --horizon 24 -m amazon/chronos-2\n"
          "Download a folder of a data set:\n"
          "chronos2 pull hf://datasets/autogluon/chronos_datasets/m4_hourly\n"
          "Ask for a newer state:\n"
          "chronos2 pull amazon/chronos-2 --update\n",
      .min_arguments = 1,
      .max_arguments = 1};
  request r = {.name = NULL};
  const cli_option options[] = {
      {"dataset", 0, NULL, "REPO is the name of a data set. All of its files are downloaded.", CLI_FLAG, &r.is_dataset,
       NULL},
      {"offline", 0, NULL, "Ask no hub: print the place if the cache has it.", CLI_FLAG, &r.offline, NULL},
      {"update", 0, NULL, "Ask the hub for a newer state of what the cache has.", CLI_FLAG, &r.update, NULL},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  int first = 0;
  int exit_status = 0;
  c2_error err = {.code = C2_OK};
  char *where = NULL;
  if (!cli_parse(argc, argv, &usage, options, NULL, &first, &exit_status)) return exit_status;
  if (r.offline && r.update) return cli_fail_usage("--offline and --update: expected one of them");
  r.name = argv[first];
  c2_status status = pull(&r, &where, &err);
  if (status == C2_OK) (void)printf("%s\n", where);
  free(where);
  return status == C2_OK ? CLI_DONE : cli_fail_error(&err);
}
