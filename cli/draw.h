/* What the pages of commands have in common. */
#ifndef C2_CLI_DRAW_H
#define C2_CLI_DRAW_H

#include <stddef.h>

#include "base/json_writer.h"
#include "base/status.h"
#include "data/dataset.h"

/* The time stamp of a step of an item, which may lie behind its end. */
c2_status cli_draw_stamp(const c2_item *item, size_t step, char text[C2_TIME_ROOM], c2_error *err);

/* A member "stamps" of `count` steps from `first` on. */
c2_status cli_draw_stamps(c2_json_writer *w, const c2_item *item, size_t first, size_t count, c2_error *err);

/* Digits by which a series' values can be told apart on a page, and the ends of each step's band: at least `least`. */
int cli_draw_digits(const double *values, size_t count, int least);
int cli_draw_fan_digits(const double *at_levels, size_t steps, size_t levels, int least);

/* Members "median" [steps] and "quantiles" [levels][steps]. `at_levels` is [steps][levels]. */
void cli_draw_fan(c2_json_writer *w, const double *median, const double *at_levels, size_t steps, size_t levels);

/* What `count` drawings are of: series, or more of their targets. */
const char *cli_draw_name(size_t count, size_t series);

/* A member "warnings": what was warned of so far. */
c2_status cli_draw_warnings(c2_json_writer *w, c2_error *err);

#endif
