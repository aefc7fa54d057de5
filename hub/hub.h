/* Models and data sets of a hub (Hugging Face's, or a mirror), by way of huggingface_hub's own cache: what one of the
 * two has downloaded, the other one finds.
 *
 *     c2_hub hub;
 *     C2_GOTO(c2_hub_open(&hub, err));
 *     C2_GOTO(c2_hub_model(&hub, &repo, &folder, err));
 *   fail:
 *     c2_hub_close(&hub);
 *
 * What a hub answers is a stranger's word: names, sizes and digests are checked before they are used. Nothing in the
 * cache is deleted or replaced before what takes its place has been verified. */
#ifndef C2_HUB_H
#define C2_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hub/http.h"

/* ---- Repositories ----------------------------------------------------------------------------- */

enum { C2_REPO_NAME = 97, C2_REPO_REVISION = 256 };

typedef struct c2_repo {
  bool is_dataset;
  char name[C2_REPO_NAME];         /* OWNER/NAME */
  char revision[C2_REPO_REVISION]; /* a branch, a tag or a commit */
} c2_repo;

/* Whether a text is OWNER/NAME or OWNER/NAME@REVISION. */
bool c2_repo_is(const char *text);

/* Reads OWNER/NAME[@REVISION]. The revision is "main" unless one is given. */
c2_status c2_repo_parse(c2_repo *repo, const char *text, bool is_dataset, c2_error *err);

/* Knows and reads hf://datasets/OWNER/NAME[@REVISION][/PATH]. *path is a part of `text`, or "" for the whole data
 * set. */
bool c2_repo_is_url(const char *text);
c2_status c2_repo_parse_url(c2_repo *repo, const char *text, const char **path, c2_error *err);

/* ---- The hub ---------------------------------------------------------------------------------- */

typedef struct c2_hub {
  char *cache;                           /* HF_HUB_CACHE, or what stands for it */
  char *endpoint;                        /* HF_ENDPOINT, without a slash at its end */
  char shown[C2_SHOWN_ROOM];             /* the same for messages, without a password */
  char *token;                           /* HF_TOKEN or the file of `hf auth login`; NULL: none is sent */
  double etag_timeout, download_timeout; /* in seconds */
  double pause;                          /* before the first repetition of a request; doubled for each further one */
  bool offline;                          /* HF_HUB_OFFLINE: nothing is asked of a hub */
  bool update;                           /* ask the hub for the revision even if the cache knows one */
  void (*say)(const char *line);         /* what is going on, and what is odd about it; each may be NULL */
  void (*warn)(const char *line);
  void (*progress)(const char *file, uint64_t done, uint64_t total);
  c2_status (*check)(const char *file, c2_error *err); /* NULL, or fails for a file that isn't worth its download */
  struct c2_http *http; /* opened by the first request */
} c2_hub;

/* Takes the settings from the environment, as huggingface_hub does. Call c2_hub_close also after a failure. */
c2_status c2_hub_open(c2_hub *hub, c2_error *err);
void c2_hub_close(c2_hub *hub);

/* The folder of a model's files, or of an adapter's where the repository holds one: from the cache if all that the
 * model needs is there, else downloaded. Free it with free(). */
c2_status c2_hub_model(c2_hub *hub, const c2_repo *repo, char **folder, c2_error *err);

/* Whether the folder holds an adapter whose base is named OWNER/NAME and is no folder that c2_find_folder finds. The
 * base is of the revision that the adapter names, if it does. */
c2_status c2_hub_base(const char *folder, c2_repo *base, bool *named, c2_error *err);

/* Files of a data set: [count] paths in the cache, to be freed with c2_hub_files_free. */
typedef struct c2_hub_files {
  char **path;
  size_t count;
} c2_hub_files;

/* The files that hold the split "train" of a configuration (NULL: the only one, or the one named default): by the data
 * set's card, else those of the folder of its name, else the hub's own conversion to Parquet. Free also after a
 * failure. */
c2_status c2_hub_dataset(c2_hub *hub, const c2_repo *repo, const char *config, c2_hub_files *files, c2_error *err);

/* The file, or all files of the folder, at a path of the data set ("" for all). *where is the path's place in the
 * cache, to be freed with free(). */
c2_status c2_hub_path(c2_hub *hub, const c2_repo *repo, const char *path, c2_hub_files *files, char **where,
                      c2_error *err);

void c2_hub_files_free(c2_hub_files *files);

#endif
