/* The cache, laid out as huggingface_hub lays it out:
 *
 *     models--OWNER--NAME/refs/main                      the commit that the revision named when it was last asked for
 *     models--OWNER--NAME/snapshots/COMMIT/config.json   a link to the file's contents
 *     models--OWNER--NAME/blobs/ETAG                     contents, named by their digest
 *     models--OWNER--NAME/blobs/ETAG.incomplete          contents that are on their way
 *     .locks/models--OWNER--NAME/ETAG.lock               held by the process that fetches them
 */
#ifndef C2_HUB_STORE_H
#define C2_HUB_STORE_H

#include "hub/hub.h"

enum { C2_COMMIT_ROOM = 41, C2_ETAG_ROOM = 129 };

/* Whether text [size] is a relative path without "..", "." and control characters. */
bool c2_hub_is_path(const char *text, size_t size);

/* Whether a text is so many lower-case hexadecimal digits. */
bool c2_hub_is_digest(const char *text, size_t digits);

/* A path below the repository's folder, formatted; free it with free(). */
C2_PRINTF(5, 6)
c2_status c2_store_path(const c2_hub *hub, const c2_repo *repo, char **out, c2_error *err, const char *format, ...);

/* The commit that the cache knows for the repository's revision; "" if it knows none. A damaged note of it counts as
 * none where a hub may be asked, and a line says so. */
c2_status c2_store_commit(const c2_hub *hub, const c2_repo *repo, char commit[C2_COMMIT_ROOM], c2_error *err);

/* Notes that the revision names this commit. */
c2_status c2_store_set_commit(const c2_hub *hub, const c2_repo *repo, const char *commit, c2_error *err);

/* Whether the snapshot of a commit has the file. */
c2_status c2_store_has(const c2_hub *hub, const c2_repo *repo, const char *commit, const char *file, bool *has,
                       c2_error *err);

/* Makes the file of the commit's snapshot a link to the blob, which must be there, whatever stands in its place. */
c2_status c2_store_link(const c2_hub *hub, const c2_repo *repo, const char *commit, const char *file, const char *etag,
                        c2_error *err);

/* Waits for the lock that huggingface_hub holds too while it fetches a blob; says so if it has to wait. The lock ends
 * with the process, or with c2_store_unlock. */
c2_status c2_store_lock(const c2_hub *hub, const c2_repo *repo, const char *etag, int *lock, c2_error *err);
void c2_store_unlock(int *lock);

#endif
