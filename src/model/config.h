/* config.json of a Hugging Face model folder into the public chronos2_config, and what the weights were trained for. */
#ifndef C2_MODEL_CONFIG_H
#define C2_MODEL_CONFIG_H

#include <chronos2.h>

#include "base/status.h"
#include "model/patterns.h"

enum { C2_MOST_OUTPUT_PATCHES = 1 << 20 }; /* future tokens of a pass */

/* Reads and checks folder/config.json. */
c2_status c2_config_read(const char *folder, chronos2_config *config, c2_trained *trained, c2_error *err);

/* Refuses shapes that the engine was not made for; `where` begins the message. */
c2_status c2_config_check(const chronos2_config *config, const char *where, c2_error *err);

/* Index of the level 0.5, or Q if there is none. */
size_t c2_config_median(const chronos2_config *config);

/* The configuration of a name: "base", "small" or "micro". */
c2_status c2_config_named(const char *name, chronos2_config *config, c2_error *err);

#endif
