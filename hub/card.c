/* Cards by libyaml's document interface. They come from strangers: anything unexpected counts as not said. */
#define _GNU_SOURCE /* FNM_LEADING_DIR */
#include "hub/card.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"

enum { MOST_PATTERNS = 10000, MOST_STARS = 6, MOST_COMPONENT = 255 };

static const char train[] = "train";

void c2_patterns_free(c2_patterns *patterns) {
  for (size_t i = 0; i < patterns->count; i++) free(patterns->pattern[i]);
  free(patterns->pattern);
  *patterns = (c2_patterns){.pattern = NULL};
}

/* ---- Matching: as datasets.data_files.resolve_pattern ---------------------------------------------- */

/* The component of a path behind this one; "" if it was the last. */
static const char *next(const char *at) {
  at += strcspn(at, "/");
  while (at[0] == '/' || strncmp(at, "./", 2) == 0) at++;
  return at;
}

static bool is_any(const char *pattern) {
  return strncmp(pattern, "**", 2) == 0 && (pattern[2] == '/' || pattern[2] == '\0');
}

/* Whether the first component of a path matches that of a pattern. */
static bool component_matches(const char *pattern, const char *path) {
  char component[MOST_COMPONENT + 1];
  size_t n = strcspn(pattern, "/");
  if (n == 0 || n >= sizeof component) return false;
  memcpy(component, pattern, n);
  component[n] = '\0';
  return fnmatch(component, path, FNM_PATHNAME | FNM_NOESCAPE | FNM_LEADING_DIR) == 0;
}

/* Components that begin with a dot or with two underlines, of which only folders count. */
static size_t hidden(const char *path) {
  size_t count = 0;
  for (; *path; path = next(path)) {
    bool dots = strspn(path, ".") == strcspn(path, "/");
    count += (path[0] == '.' && !dots) || (strncmp(path, "__", 2) == 0 && *next(path));
  }
  return count;
}

/* Files that say something of a data set and hold nothing of it, unless the pattern names them. */
static bool is_about(const char *pattern, const char *path) {
  static const char *const names[] = {"README.md",          "config.json",    "dataset_info.json",
                                      "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"};
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  slash = strrchr(pattern, '/');
  if (strcmp(slash ? slash + 1 : pattern, name) == 0) return false;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

bool c2_pattern_matches(const char *pattern, const char *path) {
  const char *behind = NULL; /* the last ** */
  const char *taken = path;  /* the components that it has taken end here */
  if (strncmp(pattern, "./", 2) == 0) pattern = next(pattern);
  if (hidden(pattern) != hidden(path) || is_about(pattern, path)) return false;
  for (const char *at = path; *at;) {
    if (is_any(pattern)) {
      pattern = behind = next(pattern);
      taken = at;
      if (!*pattern) return true;
    } else if (component_matches(pattern, at)) {
      pattern = next(pattern);
      at = next(at);
    } else if (behind) { /* it takes one more */
      pattern = behind;
      at = taken = next(taken);
    } else {
      return false;
    }
  }
  return *pattern == '\0';
}

/* ---- Nodes ----------------------------------------------------------------------------------------- */

typedef struct card {
  yaml_document_t document;
  c2_patterns *patterns;
  const char *folder; /* of the configuration, before its patterns; or NULL */
} card;

/* NULL if the node is no scalar. */
static const char *text_of(const yaml_node_t *node) {
  return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static const yaml_node_t *member(card *c, const yaml_node_t *node, const char *key) {
  if (!node || node->type != YAML_MAPPING_NODE) return NULL;
  for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
    const char *name = text_of(yaml_document_get_node(&c->document, pair->key));
    if (name && strcmp(name, key) == 0) return yaml_document_get_node(&c->document, pair->value);
  }
  return NULL;
}

static size_t length(const yaml_node_t *node) {
  if (!node || node->type != YAML_SEQUENCE_NODE) return 0;
  return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

static const yaml_node_t *item(card *c, const yaml_node_t *node, size_t i) {
  return yaml_document_get_node(&c->document, node->data.sequence.items.start[i]);
}

static bool is_text(const yaml_node_t *node, const char *text) {
  const char *found = text_of(node);
  return found && strcmp(found, text) == 0;
}

/* ---- Patterns -------------------------------------------------------------------------------------- */

static c2_status check_pattern(const char *pattern, c2_error *err) {
  size_t stars = 0;
  for (const char *at = pattern; *at; at++) stars += *at == '*';
  if (stars > MOST_STARS) { /* each star multiplies what a match costs */
    C2_FAIL(err, C2_ERR_FORMAT, "'%.80s': expected at most %d stars in a pattern of files", pattern, MOST_STARS);
  }
  for (const char *at = pattern; *at; at = next(at)) {
    size_t n = strcspn(at, "/");
    const char *pair = strstr(at, "**");
    if (n > MOST_COMPONENT) {
      C2_FAIL(err, C2_ERR_FORMAT, "'%.80s': expected names of at most %d bytes in a pattern of files", pattern,
              MOST_COMPONENT);
    }
    if (is_any(at) || !pair || pair >= at + n) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "'%.80s': expected a pattern of files, with ** for whole folders alone", pattern);
  }
  return C2_OK;
}

static c2_status add(card *c, const char *text, c2_error *err) {
  c2_patterns *p = c->patterns;
  if (p->count == MOST_PATTERNS) {
    C2_FAIL(err, C2_ERR_FORMAT, "'%.80s': more than %d patterns of files", text, MOST_PATTERNS);
  }
  size_t room = strlen(text) + (c->folder ? strlen(c->folder) : 0) + 2;
  char *pattern = malloc(room);
  if (!pattern) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a pattern");
  (void)snprintf(pattern, room, "%s%s%s", c->folder ? c->folder : "", c->folder ? "/" : "", text);
  c2_status status = check_pattern(pattern, err);
  if (status == C2_OK) status = c2_grow_array(&p->pattern, &p->capacity, p->count + 1, sizeof *p->pattern, err);
  if (status == C2_OK) {
    p->pattern[p->count++] = pattern;
  } else {
    free(pattern);
  }
  return status;
}

/* A pattern, or a list of them. */
static c2_status add_paths(card *c, const yaml_node_t *node, c2_error *err) {
  if (text_of(node)) return add(c, text_of(node), err);
  for (size_t i = 0; i < length(node); i++) {
    const char *text = text_of(item(c, node, i));
    if (text) C2_TRY(add(c, text, err));
  }
  return C2_OK;
}

/* data_files: patterns, a list of {split, path}, or patterns by split. */
static c2_status add_files(card *c, const yaml_node_t *node, c2_error *err) {
  if (member(c, node, train)) return add_paths(c, member(c, node, train), err);
  for (size_t i = 0; i < length(node); i++) {
    const yaml_node_t *entry = item(c, node, i);
    if (is_text(member(c, entry, "split"), train)) C2_TRY(add_paths(c, member(c, entry, "path"), err));
  }
  return c->patterns->count ? C2_OK : add_paths(c, node, err);
}

static c2_status find(card *c, const char *config, c2_error *err) {
  const yaml_node_t *configs = member(c, yaml_document_get_root_node(&c->document), "configs");
  size_t count = length(configs);
  for (size_t i = 0; i < count; i++) {
    const yaml_node_t *entry = item(c, configs, i);
    if (!is_text(member(c, entry, "config_name"), config ? config : "default") && (config || count > 1)) continue;
    c->folder = text_of(member(c, entry, "data_dir"));
    const yaml_node_t *files = member(c, entry, "data_files");
    if (files) return add_files(c, files, err);
    return c->folder ? add(c, "**", err) : C2_OK;
  }
  return C2_OK;
}

/* The YAML between two lines "---" at the beginning: [size] bytes; NULL if there is none. */
static const char *head_of(const char *text, size_t *size) {
  if (strncmp(text, "---\n", 4) != 0 && strncmp(text, "---\r\n", 5) != 0) return NULL;
  const char *start = strchr(text, '\n') + 1;
  const char *end = strstr(start, "\n---");
  if (!end) return NULL;
  *size = (size_t)(end - start) + 1;
  return start;
}

c2_status c2_card_patterns(const char *name, char *text, size_t size, const char *config, c2_patterns *patterns,
                           c2_error *err) {
  yaml_parser_t parser;
  card c = {.patterns = patterns};
  text[size] = '\0';
  const char *head = head_of(text, &size);
  if (!head) return C2_OK;
  if (!yaml_parser_initialize(&parser)) C2_FAIL(err, C2_ERR_MEMORY, "%s: memory is out", name);
  yaml_parser_set_input_string(&parser, (const unsigned char *)head, size);
  c2_status status = C2_OK;
  if (yaml_parser_load(&parser, &c.document)) {
    status = find(&c, config, err);
    yaml_document_delete(&c.document);
  } else if (parser.error == YAML_MEMORY_ERROR) {
    status = c2_fail(err, C2_ERR_MEMORY, "%s: memory is out", name);
  } else {
    status = c2_fail(err, C2_ERR_FORMAT, "%s: its head is not YAML: %s", name,
                     parser.problem ? parser.problem : "it ends too early");
  }
  yaml_parser_delete(&parser);
  return status;
}
