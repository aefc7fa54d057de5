/* Settings from the environment. Variables, their order and their spelling are huggingface_hub's. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/infile.h"
#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "hub/hub.h"
#include "hub/http.h"
#include "hub/store.h"

static const char default_endpoint[] = "https://huggingface.co";

/* An empty variable counts as none. */
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

static bool is_true(const char *value) {
  static const char *const words[] = {"1", "ON", "YES", "TRUE"};
  for (size_t i = 0; value && i < sizeof words / sizeof words[0]; i++) {
    if (strcasecmp(value, words[i]) == 0) return true;
  }
  return false;
}

static c2_status seconds(const char *name, double *out, c2_error *err) {
  const char *text = variable(name);
  char *end = NULL;
  long value = text ? strtol(text, &end, 10) : 10;
  if (text && (*end || value < 0 || value > 1000000)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected a whole number of seconds, found '%.40s'", name, text);
  }
  *out = value > 0 ? (double)value : 10;
  return C2_OK;
}

/* ---- Paths ------------------------------------------------------------------------------------- */

/* The value of the variable that `at` ("$NAME" or "${NAME}") begins with, and the bytes that this takes; NULL if it is
 * none, or not set: then the text stays as it is. */
static const char *expansion(const char *at, size_t *taken) {
  char name[256];
  size_t brace = at[1] == '{';
  size_t n = strspn(at + 1 + brace, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
  if (n == 0 || n >= sizeof name || (brace && at[2 + n] != '}')) return NULL;
  memcpy(name, at + 1 + brace, n);
  name[n] = '\0';
  *taken = 1 + n + 2 * brace;
  return getenv(name);
}

/* The folder that "~" or "~USER" at the beginning of a path stands for; NULL if it begins with neither. */
static c2_status find_home(const char *path, const char **home, c2_error *err) {
  size_t n = strcspn(path, "/");
  *home = path[0] == '~' && n == 1 ? getenv("HOME") : NULL;
  if (path[0] != '~' || *home) return C2_OK;
  char *name = c2_strndup(path + 1, n - 1);
  if (!name) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a name");
  const struct passwd *user = *name ? getpwnam(name) : getpwuid(getuid());
  free(name);
  if (user) *home = user->pw_dir; /* else the path stays, as in Python */
  return C2_OK;
}

/* A path with "~" and variables in place of their values. */
static c2_status expand(const char *path, char **out, c2_error *err) {
  const char *home = NULL;
  C2_TRY(find_home(path, &home, err));
  size_t room = strlen(path) + (home ? strlen(home) : 0) + 1;
  size_t taken = 0;
  for (const char *at = path; *at; at++) {
    const char *value = *at == '$' ? expansion(at, &taken) : NULL;
    if (value) room += strlen(value);
  }
  char *text = malloc(room);
  if (!text) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  char *to = text;
  if (home) to = stpcpy(to, home);
  for (const char *at = path + (home ? strcspn(path, "/") : 0); *at;) {
    const char *value = *at == '$' ? expansion(at, &taken) : NULL;
    if (value) {
      to = stpcpy(to, value);
      at += taken;
    } else {
      *to++ = *at++;
    }
  }
  *to = '\0';
  *out = text;
  return C2_OK;
}

/* The value of a variable that names a path, expanded, else `folder`/`name`. */
static c2_status path_of(const char *variable_name, const char *folder, const char *name, char **out, c2_error *err) {
  const char *value = variable(variable_name);
  return value ? expand(value, out, err) : c2_path_join(out, folder, name, err);
}

static c2_status find_folders(c2_hub *hub, char **home, c2_error *err) {
  char *caches = NULL; /* of all programs */
  if (!variable("HF_HOME") && !variable("XDG_CACHE_HOME") && !variable("HOME")) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "expected a folder for the cache: none of HF_HOME, XDG_CACHE_HOME and HOME is set");
  }
  const char *user = variable("HOME") ? variable("HOME") : "";
  c2_status status = C2_OK;
  C2_GOTO(path_of("XDG_CACHE_HOME", user, ".cache", &caches, err));
  C2_GOTO(path_of("HF_HOME", caches, "huggingface", home, err));
  C2_GOTO(path_of(variable("HF_HUB_CACHE") ? "HF_HUB_CACHE" : "HUGGINGFACE_HUB_CACHE", *home, "hub", &hub->cache, err));
fail:
  free(caches);
  return status;
}

/* ---- The token --------------------------------------------------------------------------------- */

/* A copy without the blanks around it; NULL if nothing is left. Fails if what is left can't stand in a header. */
static c2_status clean_token(const char *text, const char *source, char **out, c2_error *err) {
  static const char blanks[] = " \t\r\n";
  text += strspn(text, blanks);
  size_t n = strlen(text);
  while (n > 0 && strchr(blanks, text[n - 1])) n--;
  for (size_t i = 0; i < n; i++) {
    if (text[i] <= ' ' || text[i] == 0x7f) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected a token without blanks and control characters", source);
    }
  }
  if (n == 0) return C2_OK;
  *out = c2_strndup(text, n);
  if (!*out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a token");
  return C2_OK;
}

static c2_status find_token(c2_hub *hub, const char *home, c2_error *err) {
  char *path = NULL;
  char *text = NULL;
  size_t size = 0;
  if (is_true(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return C2_OK;
  const char *name = variable("HF_TOKEN") ? "HF_TOKEN" : "HUGGING_FACE_HUB_TOKEN";
  if (variable(name)) C2_TRY(clean_token(variable(name), name, &hub->token, err));
  if (hub->token) return C2_OK;
  C2_TRY(path_of("HF_TOKEN_PATH", home, "token", &path, err));
  c2_status status = C2_OK;
  if (c2_file_exists(path)) {
    C2_GOTO(c2_read_config(path, &text, &size, err));
    C2_GOTO(clean_token(text, path, &hub->token, err));
  }
fail:
  free(text);
  free(path);
  return status;
}

/* ---- Open and close ---------------------------------------------------------------------------- */

static c2_status find_endpoint(c2_hub *hub, c2_error *err) {
  const char *text = variable("HF_ENDPOINT") ? variable("HF_ENDPOINT") : default_endpoint;
  size_t n = strlen(text);
  while (n > 0 && text[n - 1] == '/') n--;
  if ((strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0) || !c2_text_plain(text, n)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "HF_ENDPOINT: expected a URL that begins with https://, found '%.200s'",
            strchr(text, '@') ? "what may hold a password" : text);
  }
  const char *path = strchr(strstr(text, "://") + 3, '/');
  if (path && strchr(path, '@')) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "HF_ENDPOINT: expected no '@' behind the host; '/' in a password is written as %%2F");
  }
  hub->endpoint = c2_strndup(text, n);
  if (!hub->endpoint) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a URL");
  c2_http_show(hub->endpoint, hub->shown);
  return C2_OK;
}

c2_status c2_hub_open(c2_hub *hub, c2_error *err) {
  char *home = NULL;
  *hub = (c2_hub){.pause = 1};
  hub->offline = is_true(variable("HF_HUB_OFFLINE") ? variable("HF_HUB_OFFLINE") : variable("TRANSFORMERS_OFFLINE"));
  c2_status status = C2_OK;
  C2_GOTO(find_folders(hub, &home, err));
  C2_GOTO(find_endpoint(hub, err));
  C2_GOTO(find_token(hub, home, err));
  C2_GOTO(seconds("HF_HUB_ETAG_TIMEOUT", &hub->etag_timeout, err));
  C2_GOTO(seconds("HF_HUB_DOWNLOAD_TIMEOUT", &hub->download_timeout, err));
fail:
  free(home);
  return status;
}

void c2_hub_close(c2_hub *hub) {
  c2_http_close(&hub->http);
  free(hub->cache);
  free(hub->endpoint);
  free(hub->token);
  *hub = (c2_hub){.cache = NULL};
}
