/* One HTTP exchange: no redirects, no repetitions, no knowledge of a hub. http_curl.c does it by libcurl; http_none.c
 * stands in where the program was built without. */
#ifndef C2_HUB_HTTP_H
#define C2_HUB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

typedef struct c2_http c2_http; /* connections, and the headers of the last reply */

typedef struct c2_http_request {
  const char *url;
  const char *token; /* NULL: none is sent */
  bool head;         /* ask for the headers alone */
  uint64_t from;     /* ask for the body from this byte on */
  double patience;   /* seconds without a connection, or without data */
  double limit;      /* seconds for all of it; 0: none */

  /* Takes a part of the body of a reply with status 200 or 206; the bodies of all others are dropped. */
  c2_status (*receive)(void *context, int code, const char *bytes, size_t size, c2_error *err);
  void *context;
} c2_http_request;

c2_status c2_http_open(c2_http **http, c2_error *err);
void c2_http_close(c2_http **http);

/* Sends a request. It succeeds if there is a reply, whatever its status. After a failure *again is true if it is one of
 * the network, which may pass. */
c2_status c2_http_send(c2_http *http, const c2_http_request *request, int *code, bool *again, c2_error *err);

/* A header of the last reply, or NULL if it has none of that name. Control characters have become question marks. */
const char *c2_http_header(const c2_http *http, const char *name);

/* Finds the URL that a Location names, seen from another URL. Only http and https are followed. Free it with free(). */
c2_status c2_http_follow(const char *url, const char *location, char **out, c2_error *err);

/* A URL as it may be shown: without a password, and without a query, which may be a signature. */
enum { C2_SHOWN_ROOM = 300 };
static inline void c2_http_show(const char *url, char out[C2_SHOWN_ROOM]) {
  const char *start = strstr(url, "://");
  start = start ? start + 3 : url;
  const char *host = start;
  for (size_t i = strcspn(start, "/?#"); i > 0 && host == start; i--) {
    if (start[i - 1] == '@') host = start + i;
  }
  size_t size = strcspn(host, "?#");
  (void)snprintf(out, C2_SHOWN_ROOM, "%.*s%.*s", (int)(start - url), url, size < 280 ? (int)size : 280, host);
}

/* Whether two URLs have scheme, host and port in common. */
bool c2_http_same_origin(const char *a, const char *b);

#endif
