/* What server.c and exchange.c share, and no one else: the inside of the server, and its routes. */
#ifndef C2_SERVE_ROUTES_H
#define C2_SERVE_ROUTES_H

#include <stdatomic.h>

#include "serve/contexts.h"
#include "serve/keys.h"
#include "serve/metrics.h"
#include "serve/protocol.h"
#include "serve/server.h"

struct c2_server {
  const chronos2_model *model;
  const chronos2_config *config;
  c2_server_options options;
  c2_api_keys keys;
  c2_metrics metrics;
  c2_batcher *batcher;
  c2_contexts *contexts;
  char name[17]; /* begins the exchanges' ids */
  atomic_uint_fast64_t number;
  atomic_size_t active, memory;
  atomic_bool is_draining, is_stopped;
};

/* What becomes of a request. */
typedef enum c2_action {
  C2_ROUTE_ANSWER,   /* GET: the route's function answers */
  C2_ROUTE_FORECAST, /* POST: its protocol's body */
  C2_ROUTE_ENCODE,   /* POST: a context is kept */
  C2_ROUTE_DECODE,   /* POST: forecasts of a kept context */
  C2_ROUTE_DROP      /* DELETE: a kept context */
} c2_action;

typedef struct c2_route {
  const char *path; /* "{model}" stands for the model's name, "{id}" for a context's */
  bool is_open;     /* no key is asked for, and it is answered while the server drains */
  c2_action action;
  const c2_protocol *protocol;
  void (*answer)(c2_server *server, c2_answer *answer);
} c2_route;

/* The route of a path, NULL if there is none. `id` receives what stands where the route has {id}. */
const c2_route *c2_route_find(const c2_server *server, const char *path, char id[C2_CONTEXT_ID_ROOM]);

/* Its number in the metrics; NULL: that of what has no route. */
size_t c2_route_number(const c2_route *route);

#endif
