/* Which files a commit of a repository has: from the hub, and then from trees/COMMIT.json in the cache, where
 * huggingface_hub keeps the same. */
#ifndef C2_HUB_LISTING_H
#define C2_HUB_LISTING_H

#include "hub/fetch.h"

typedef struct c2_listed {
  char *path; /* as the hub spells it: any text */
  uint64_t size;
  char blob[C2_COMMIT_ROOM]; /* git's digest; "" if it is not known */
  char lfs[65], xet[65];     /* digests of large files; "" for others */
} c2_listed;

/* It is empty if it is zeroed. */
typedef struct c2_listing {
  c2_listed *file; /* [count] in order of their paths, each once */
  size_t count, capacity;
} c2_listing;

/* Lists the files of fetch->commit, which must be set. If nothing may be asked and the cache doesn't have the list, it
 * names the files that the cache has, and a warning says so. Free it also after a failure. */
c2_status c2_hub_list(c2_fetch *fetch, c2_listing *listing, c2_error *err);
void c2_listing_free(c2_listing *listing);

#endif
