/* Requests to the hub: the token, redirects, repetitions after what may pass, and a line for what does not. */
#ifndef C2_HUB_ASK_H
#define C2_HUB_ASK_H

#include "hub/http.h"
#include "hub/hub.h"
#include "hub/store.h"

/* Receives a body. A request that is repeated asks only for what is missing. */
typedef struct c2_receiver c2_receiver;
struct c2_receiver {
  uint64_t size;                                              /* bytes that are there */
  c2_status (*restart)(c2_receiver *receiver, c2_error *err); /* drops them */
  c2_status (*add)(c2_receiver *receiver, const char *bytes, size_t size, c2_error *err);
};

/* What the headers say of a file. */
typedef struct c2_file_facts {
  char commit[C2_COMMIT_ROOM]; /* "" if it was not said */
  char etag[C2_ETAG_ROOM];     /* "" likewise */
  uint64_t size;
  bool has_size;
} c2_file_facts;

typedef struct c2_question {
  const c2_repo *repo;
  const char *file; /* for messages; NULL: the repository as a whole is asked about */
  bool is_known;    /* the repository and its revision are there, so that "not found" speaks of the file */
  const char *url;
  c2_receiver *receiver; /* NULL: the headers are asked for alone */
} c2_question;

/* *found is false if the hub has no such file, which is no failure. `facts` may be NULL. */
c2_status c2_hub_ask(c2_hub *hub, const c2_question *question, c2_file_facts *facts, bool *found, c2_error *err);

/* A text that a hub gives; text[size] is a zero byte. Free it with free(), also after a failure. */
typedef struct c2_hub_text {
  char *text;
  size_t size;
} c2_hub_text;

c2_status c2_hub_get_text(c2_hub *hub, const c2_repo *repo, const char *url, size_t limit, c2_hub_text *text,
                          c2_error *err);

/* The URL of the next page of a list, if the last reply named one: NULL if it did not. Free it with free(). */
c2_status c2_hub_next_page(const c2_hub *hub, const char *url, char **next, c2_error *err);

/* Writes a path as it stands in a URL. Slashes are escaped too unless `keep_slashes` is set. Free it with free(). */
c2_status c2_hub_escape(const char *path, bool keep_slashes, char **out, c2_error *err);

/* "models" or "datasets" in the paths of the hub's interface, and the start of the paths of files. */
static inline const char *c2_hub_kind(const c2_repo *repo) {
  return repo->is_dataset ? "datasets" : "models";
}

#endif
