/* Files of a repository: from the hub into the cache. */
#ifndef C2_HUB_FETCH_H
#define C2_HUB_FETCH_H

#include "hub/ask.h"

/* Files that are fetched one after the other are of one commit: the revision's when the first one was asked for. */
typedef struct c2_fetch {
  c2_hub *hub;
  const c2_repo *repo;
  char commit[C2_COMMIT_ROOM]; /* "" until the first file */
  size_t downloaded;           /* files */
} c2_fetch;

/* Brings the file into the cache unless it is there. *found is false if the repository has no such file. The name must
 * be a path by c2_hub_is_path. */
c2_status c2_hub_fetch(c2_fetch *fetch, const char *file, bool *found, c2_error *err);

/* Says a line on the hub's behalf, formatted. */
C2_PRINTF(2, 3) void c2_hub_say(const c2_hub *hub, const char *format, ...);

#endif
