/* The card of a data set: README.md, whose head says in YAML which files a configuration has. */
#ifndef C2_HUB_CARD_H
#define C2_HUB_CARD_H

#include <stdbool.h>

#include "base/status.h"

/* Patterns of paths: [count], owned. */
typedef struct c2_patterns {
  char **pattern;
  size_t count, capacity;
} c2_patterns;

/* The patterns of the split "train" of a configuration (NULL: see c2_hub_dataset). *patterns is empty where the card
 * says nothing of it. `name` begins messages. Free also after a failure. */
c2_status c2_card_patterns(const char *name, char *text, size_t size, const char *config, c2_patterns *patterns,
                           c2_error *err);
void c2_patterns_free(c2_patterns *patterns);

/* Whether a path matches a pattern, as the package datasets has it: * and ? stay within a component of the path, the
 * component ** stands for any number of them, none included. What is hidden (".x", or a folder "__x") and README.md and
 * its like match only if the pattern names them. */
bool c2_pattern_matches(const char *pattern, const char *path);

#endif
