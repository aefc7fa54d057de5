/* `chronos2 pull`: what a hub has, into Hugging Face's cache. */
#include <stdlib.h>

#include "cli/cli.h"

int cli_pull(int argc, char **argv) {
  static const cli_usage usage = {
      .command = "pull",
      .arguments = "REPO",
      .summary =
          "Downloads a model into Hugging Face's cache, unless it is there, and prints the folder of its files. "
          "REPO is OWNER/NAME or OWNER/NAME@REVISION: a branch, a tag or a commit.\n"
          "Only what the model needs is downloaded: config.json and the weights. Every file is checked against "
          "the hub's digest of it, and what an interrupted download has left is used. The environment is "
          "huggingface_hub's: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and others.",
      .examples =
          "Download the published weights, and forecast with them:\n"
          "chronos2 pull amazon/chronos-2 && chronos2 forecast data.csv --horizon 24 -m amazon/chronos-2\n"
          "Ask for a newer state:\n"
          "chronos2 pull amazon/chronos-2 --update\n",
      .min_arguments = 1,
      .max_arguments = 1};
  bool offline = false;
  bool update = false;
  const cli_option options[] = {
      {"offline", 0, NULL, "Ask no hub: print the folder if the cache has it.", CLI_FLAG, &offline, NULL},
      {"update", 0, NULL, "Ask the hub for a newer state of what the cache has.", CLI_FLAG, &update, NULL},
      {NULL, 0, NULL, NULL, CLI_FLAG, NULL, NULL}};
  int first = 0;
  int exit_status = 0;
  c2_hub hub = {.cache = NULL};
  c2_repo repo;
  c2_error err = {C2_OK, ""};
  char *folder = NULL;
  if (!cli_parse(argc, argv, &usage, options, NULL, &first, &exit_status)) return exit_status;
  if (offline && update) return cli_fail_usage("--offline and --update: expected one of them");
  c2_status status = c2_repo_parse(&repo, argv[first], false, &err);
  if (status == C2_OK) status = cli_hub_open(&hub, offline, update, &err);
  if (status == C2_OK) status = c2_hub_model(&hub, &repo, &folder, &err);
  if (status == C2_OK) (void)printf("%s\n", folder);
  free(folder);
  c2_hub_close(&hub);
  return status == C2_OK ? CLI_DONE : cli_fail_error(&err);
}
