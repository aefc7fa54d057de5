/* The program without libmicrohttpd. */
#include "serve/web.h"

bool c2_web_available(const char **how) {
  *how = "this program was built without libmicrohttpd or without threads: run scripts/setup.sh serve, then make";
  return false;
}

void c2_web_hold_signals(void) {}

c2_status c2_web_serve(c2_server *server, const c2_web_options *options, c2_error *err) {
  const char *how = NULL;
  (void)server;
  (void)options;
  (void)c2_web_available(&how);
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s", how);
}
