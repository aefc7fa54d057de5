/* HTTP: sockets, connections, time limits, signals. web_microhttpd.c is the only file that knows libmicrohttpd;
 * web_none.c stands for it where the library is missing. */
#ifndef C2_SERVE_WEB_H
#define C2_SERVE_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "serve/server.h"

typedef struct c2_web_options {
  const char *listen; /* ADDRESS:PORT, [ADDRESS]:PORT or :PORT; port 0: any that is free */
  size_t connections; /* at most at once */
  double seconds;     /* for a request to arrive, an answer to be taken, and a next request to begin */
  double grace;       /* seconds that requests have to finish after SIGTERM */
} c2_web_options;

/* Whether the program can serve; if not, how it is made to. */
bool c2_web_available(const char **how);

/* Blocks SIGTERM and SIGINT for this thread and those that it starts: call it before the server is opened. */
void c2_web_hold_signals(void);

/* Serves until SIGTERM or SIGINT, then finishes what runs. A second signal ends what runs. */
c2_status c2_web_serve(c2_server *server, const c2_web_options *options, c2_error *err);

#endif
