/* fev task files by libyaml's document interface: nodes carry their place, and nothing is resolved behind
 * our back. The file comes from a stranger. */
#include "study/tasks/tasks.h"

#include <chronos2.h>
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/infile.h"
#include "base/platform.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "data/lookup.h"
#include "study/statistics/statistics.h"

enum { MOST_WINDOWS = 100000, MOST_NAMES = 1 << 20 };

typedef struct reader {
  const char *file;
  yaml_document_t *document;
  c2_task_list *list;
  size_t *names; /* of columns, in all tasks: an alias may repeat a list at no cost in bytes */
} reader;

/* Records a failure at a node. */
#define FAIL_AT(r, node, ...) return fail_at((r), (node), err, __VA_ARGS__)

C2_PRINTF(4, 5)
static c2_status fail_at(const reader *r, const yaml_node_t *node, c2_error *err, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu:%zu: %s", r->file, node->start_mark.line + 1, node->start_mark.column + 1, text);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static const char *text_of(const yaml_node_t *node) {
  return (const char *)node->data.scalar.value;
}

static bool is_plain(const yaml_node_t *node) {
  return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_null(const yaml_node_t *node) {
  static const char *const spellings[] = {"", "~", "null", "Null", "NULL"};
  for (size_t i = 0; is_plain(node) && i < sizeof spellings / sizeof spellings[0]; i++) {
    if (strcmp(text_of(node), spellings[i]) == 0) return true;
  }
  return false;
}

/* Digits with a sign before them or not. */
static bool is_digits(const yaml_node_t *node) {
  if (!is_plain(node)) return false;
  const char *digits = text_of(node);
  digits += *digits == '-' || *digits == '+';
  return *digits != '\0' && strspn(digits, "0123456789") == strlen(digits);
}

/* A leading zero is refused: YAML 1.1 reads 010 as 8, YAML 1.2 as 10. */
static bool parse_whole(const yaml_node_t *node, int64_t *out) {
  if (!is_digits(node)) return false;
  const char *text = text_of(node);
  const char *digits = text + (*text == '-' || *text == '+');
  if (strlen(digits) > 18 || (digits[0] == '0' && digits[1] != '\0')) return false;
  *out = strtoll(text, NULL, 10);
  return true;
}

static c2_status read_count(const reader *r, const yaml_node_t *node, const char *field, size_t most, size_t *out,
                            c2_error *err) {
  int64_t value = 0;
  if (!parse_whole(node, &value) || value < 1 || (size_t)value > most) {
    FAIL_AT(r, node, "%s: expected a whole number from 1 to %zu", field, most);
  }
  *out = (size_t)value;
  return C2_OK;
}

static c2_status read_text(const reader *r, const yaml_node_t *node, const char *field, const char **out,
                           c2_error *err) {
  if (node->type != YAML_SCALAR_NODE || is_null(node) || node->data.scalar.length == 0) {
    FAIL_AT(r, node, "%s: expected a text", field);
  }
  if (strlen(text_of(node)) != node->data.scalar.length) FAIL_AT(r, node, "%s: a text with a zero byte", field);
  if (!c2_text_plain(text_of(node), node->data.scalar.length)) {
    FAIL_AT(r, node, "%s: expected a text without control characters", field);
  }
  return c2_pool_text(&r->list->pool, text_of(node), out, err);
}

static size_t sequence_length(const yaml_node_t *node) {
  return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

static yaml_node_t *sequence_item(const reader *r, const yaml_node_t *node, size_t i) {
  return yaml_document_get_node(r->document, node->data.sequence.items.start[i]);
}

static c2_status read_names(const reader *r, const yaml_node_t *node, const char *field, c2_names *out, c2_error *err) {
  if (node->type != YAML_SEQUENCE_NODE) FAIL_AT(r, node, "%s: expected a list of texts", field);
  size_t count = sequence_length(node);
  c2_lookup names = {0};
  c2_status status = C2_OK;
  *r->names += count;
  if (*r->names > MOST_NAMES) FAIL_AT(r, node, "%s: expected at most %d names in a task file", field, MOST_NAMES);
  C2_TRY(c2_pool_alloc(&r->list->pool, count, sizeof *out->name, &out->name, err));
  for (out->count = 0; status == C2_OK && out->count < count; out->count++) {
    const yaml_node_t *item = sequence_item(r, node, out->count);
    const char **name = &out->name[out->count];
    size_t first = 0;
    status = read_text(r, item, field, name, err);
    if (status == C2_OK) status = c2_lookup_add(&names, *name, &first, err);
    if (status == C2_OK && first < out->count) status = fail_at(r, item, err, "%s: '%.80s' twice", field, *name);
  }
  c2_lookup_free(&names);
  return status;
}

static c2_status read_metric(const reader *r, const yaml_node_t *node, const char *field, c2_metric *out,
                             c2_error *err) {
  c2_error why = {.code = C2_OK};
  const char *text = node->type == YAML_SCALAR_NODE ? text_of(node) : "";
  if (c2_metric_find(text, field, out, &why) != C2_OK) FAIL_AT(r, node, "%s", why.text);
  return C2_OK;
}

static c2_status read_extra(const reader *r, const yaml_node_t *node, c2_task *task, c2_error *err) {
  if (node->type != YAML_SEQUENCE_NODE) FAIL_AT(r, node, "extra_metrics: expected a list of metrics");
  for (size_t i = 0; i < sequence_length(node); i++) {
    const yaml_node_t *item = sequence_item(r, node, i);
    c2_metric metric;
    C2_TRY(read_metric(r, item, "extra_metrics", &metric, err));
    if (!c2_metric_add(&task->extra, metric)) FAIL_AT(r, item, "extra_metrics: %s twice", c2_metric_name(metric));
  }
  return C2_OK;
}

static c2_status read_levels(const reader *r, const yaml_node_t *node, c2_task *task, c2_error *err) {
  if (node->type != YAML_SEQUENCE_NODE) FAIL_AT(r, node, "quantile_levels: expected a list of numbers");
  double *levels = NULL;
  size_t count = sequence_length(node);
  C2_TRY(c2_pool_alloc(&r->list->pool, count, sizeof *levels, &levels, err));
  for (size_t i = 0; i < count; i++) {
    const yaml_node_t *item = sequence_item(r, node, i);
    char *end = NULL;
    const char *text = is_plain(item) ? text_of(item) : "";
    levels[i] = strtod(text, &end);
    if (end == text || *end || strspn(text, "+.0123456789eE-") != strlen(text) || !(levels[i] > 0 && levels[i] < 1)) {
      FAIL_AT(r, item, "quantile_levels: expected numbers between 0 and 1, found '%.40s'", text);
    }
  }
  c2_sort(levels, count);
  for (size_t i = 1; i < count; i++) {
    if (levels[i] > levels[i - 1]) continue;
    char level[C2_FLOAT_ROOM];
    c2_double_text(level, levels[i], C2_USUAL_DIGITS);
    FAIL_AT(r, node, "quantile_levels: %s twice", level);
  }
  task->levels = levels;
  task->level_count = count;
  return C2_OK;
}

static c2_status read_cutoff(const reader *r, const yaml_node_t *node, c2_task *task, c2_error *err) {
  c2_error why = {.code = C2_OK};
  if (parse_whole(node, &task->initial_cutoff)) return C2_OK;
  if (is_digits(node)) FAIL_AT(r, node, "initial_cutoff: expected a whole number or a time stamp");
  C2_TRY(read_text(r, node, "initial_cutoff", &task->cutoff_text, err));
  task->cutoff_is_time = true;
  c2_zone zone;
  if (c2_time_parse(task->cutoff_text, &task->cutoff_time, &zone, &why) != C2_OK) {
    FAIL_AT(r, node, "initial_cutoff: expected a whole number or a time stamp: %.200s", why.text);
  }
  if (zone.minutes != 0) {
    FAIL_AT(r, node, "initial_cutoff: expected a time on the clock of the series, found '%.40s'", task->cutoff_text);
  }
  return C2_OK;
}

static c2_status read_step(const reader *r, const yaml_node_t *node, c2_task *task, c2_error *err) {
  c2_error why = {.code = C2_OK};
  if (is_digits(node)) return read_count(r, node, "window_step_size", CHRONOS2_MOST_STEPS, &task->step, err);
  C2_TRY(read_text(r, node, "window_step_size", &task->step_text, err));
  if (c2_freq_parse(task->step_text, &task->step_freq, &why) != C2_OK) {
    FAIL_AT(r, node, "window_step_size: expected a whole number or a frequency: %.200s", why.text);
  }
  return C2_OK;
}

static c2_status read_target(const reader *r, const yaml_node_t *node, c2_task *task, c2_error *err) {
  task->target_is_list = node->type == YAML_SEQUENCE_NODE;
  if (task->target_is_list) {
    C2_TRY(read_names(r, node, "target", &task->target, err));
    if (task->target.count == 0) FAIL_AT(r, node, "target: expected at least one name");
    return C2_OK;
  }
  return read_text(r, node, "target", &task->target.name[0], err);
}

static c2_status read_univariate(const reader *r, const yaml_node_t *node, c2_task *task, c2_error *err) {
  if (node->type == YAML_SCALAR_NODE && strcmp(text_of(node), "__ALL__") == 0) {
    task->univariate_all = true;
    return C2_OK;
  }
  if (node->type != YAML_SEQUENCE_NODE || sequence_length(node) == 0) {
    FAIL_AT(r, node, "generate_univariate_targets_from: expected __ALL__ or a list of columns");
  }
  return read_names(r, node, "generate_univariate_targets_from", &task->univariate, err);
}

/* ---- One task -------------------------------------------------------------------------------- */

static c2_status read_field(const reader *r, const yaml_node_t *key, const yaml_node_t *v, c2_task *t, c2_error *err) {
  const char *name = text_of(key);
  const struct {
    const char *name;
    const char **out;
  } texts[] = {{"dataset_path", &t->dataset_path},
               {"dataset_config", &t->dataset_config},
               {"task_name", &t->name},
               {"id_column", &t->id_column},
               {"timestamp_column", &t->timestamp_column}};
  const struct {
    const char *name;
    c2_names *out;
  } lists[] = {
      {"known_dynamic_columns", &t->known}, {"past_dynamic_columns", &t->past}, {"static_columns", &t->statics}};
  const struct {
    const char *name;
    size_t most;
    size_t *out;
  } counts[] = {{"horizon", CHRONOS2_MOST_STEPS, &t->horizon},
                {"num_windows", MOST_WINDOWS, &t->num_windows},
                {"seasonality", 1000000000, &t->seasonality},
                {"min_context_length", 1000000000, &t->min_context},
                {"max_context_length", 1000000000, &t->max_context}};
  bool null = is_null(v);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (strcmp(name, texts[i].name) != 0) continue;
    return null && i > 0 ? C2_OK : read_text(r, v, name, texts[i].out, err);
  }
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    if (strcmp(name, lists[i].name) == 0) return read_names(r, v, name, lists[i].out, err);
  }
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    if (strcmp(name, counts[i].name) != 0) continue;
    return null && i == 4 ? C2_OK : read_count(r, v, name, counts[i].most, counts[i].out, err);
  }
  if (strcmp(name, "initial_cutoff") == 0) return null ? C2_OK : read_cutoff(r, v, t, err);
  if (strcmp(name, "window_step_size") == 0) return null ? C2_OK : read_step(r, v, t, err);
  if (strcmp(name, "eval_metric") == 0) return read_metric(r, v, name, &t->eval_metric, err);
  if (strcmp(name, "extra_metrics") == 0) return read_extra(r, v, t, err);
  if (strcmp(name, "quantile_levels") == 0) return read_levels(r, v, t, err);
  if (strcmp(name, "target") == 0) return read_target(r, v, t, err);
  if (strcmp(name, "generate_univariate_targets_from") == 0) return null ? C2_OK : read_univariate(r, v, t, err);
  FAIL_AT(r, key, "unknown field '%.60s' of a fev task", name);
}

/* dataset_path beside the task file. A data set of the source is found later: see c2_tasks_find_data. */
static c2_status resolve(const reader *r, const yaml_node_t *node, c2_task *t, c2_error *err) {
  const c2_data_source *source = r->list->source;
  const char *slash = strrchr(r->file, '/');
  size_t folder = slash && t->dataset_path[0] != '/' ? (size_t)(slash - r->file) + 1 : 0;
  size_t size = folder + strlen(t->dataset_path) + 1;
  char *path = NULL;
  C2_TRY(c2_pool_alloc(&r->list->pool, size, 1, &path, err));
  (void)snprintf(path, size, "%.*s%s", (int)folder, r->file, t->dataset_path);
  if (c2_file_exists(path)) {
    C2_TRY(c2_pool_alloc(&r->list->pool, 1, sizeof *t->data.name, &t->data.name, err));
    t->data.name[0] = path;
    t->data.count = 1;
  } else if (!source || !source->knows(t->dataset_path)) {
    FAIL_AT(r, node, "dataset_path: expected a file beside the task file%s, and there is no '%.300s'",
            source ? ", or OWNER/NAME of a data set on a hub" : "", path);
  }
  return C2_OK;
}

/* Where none is given. */
static c2_status choose_name(const reader *r, c2_task *t, c2_error *err) {
  if (!t->name) t->name = t->dataset_config;
  if (t->name) return C2_OK;
  const char *base = strrchr(t->dataset_path, '/') ? strrchr(t->dataset_path, '/') + 1 : t->dataset_path;
  const char *dot = strrchr(base, '.');
  char *name = NULL;
  C2_TRY(c2_pool_alloc(&r->list->pool, strlen(base) + 1, 1, &name, err));
  memcpy(name, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
  t->name = name;
  return C2_OK;
}

static c2_status check_cutoff(const reader *r, const yaml_node_t *node, c2_task *t, bool given, c2_error *err) {
  int64_t last = -(int64_t)t->horizon - (int64_t)(t->num_windows - 1) * (int64_t)t->step;
  if (t->step_text && !t->cutoff_is_time) {
    FAIL_AT(r, node, "window_step_size: a frequency needs a time stamp as initial_cutoff");
  }
  if (!given) {
    t->initial_cutoff = last;
  } else if (!t->cutoff_is_time && t->initial_cutoff < 0 && t->initial_cutoff > last) {
    FAIL_AT(r, node, "initial_cutoff: expected at most -horizon - (num_windows - 1) * window_step_size = %lld",
            (long long)last);
  }
  return C2_OK;
}

/* A column has one role: a covariate that is a target too would tell the model the truth. */
static c2_status check_columns(const reader *r, const yaml_node_t *node, const c2_task *t, c2_error *err) {
  const c2_names none = {NULL, 0};
  const struct {
    const char *field;
    const c2_names *names;
  } roles[] = {{"target", t->univariate_all ? &none : t->univariate.count ? &t->univariate : &t->target},
               {"known_dynamic_columns", &t->known},
               {"past_dynamic_columns", &t->past},
               {"static_columns", &t->statics}};
  c2_lookup columns = {0};
  c2_status status = C2_OK;
  size_t first = 0;
  for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
    for (size_t k = 0; status == C2_OK && k < roles[i].names->count; k++) {
      const char *name = roles[i].names->name[k];
      status = c2_lookup_add(&columns, name, &first, err);
      if (status != C2_OK || first + 1 == columns.count) continue;
      status = fail_at(r, node, err, "%s: column '%.80s' is named twice", roles[i].field, name);
    }
  }
  c2_lookup_free(&columns);
  return status;
}

static c2_status check_task(const reader *r, const yaml_node_t *node, c2_task *t, bool cutoff_given, c2_error *err) {
  if (!t->dataset_path) FAIL_AT(r, node, "expected a dataset_path");
  if (t->step == 0) t->step = t->horizon;
  C2_TRY(check_cutoff(r, node, t, cutoff_given, err));
  if (c2_metric_place(&t->extra, t->eval_metric) < t->extra.count) {
    FAIL_AT(r, node, "%s is both eval_metric and an extra one", c2_metric_name(t->eval_metric));
  }
  for (size_t i = 0; i <= t->extra.count && t->level_count == 0; i++) {
    c2_metric metric = i < t->extra.count ? t->extra.at[i] : t->eval_metric;
    if (c2_metric_needs_quantiles(metric)) FAIL_AT(r, node, "%s needs quantile_levels", c2_metric_name(metric));
  }
  if (t->target_is_list && (t->univariate_all || t->univariate.count)) {
    FAIL_AT(r, node, "generate_univariate_targets_from needs a single target");
  }
  C2_TRY(check_columns(r, node, t, err));
  C2_TRY(resolve(r, node, t, err));
  return choose_name(r, t, err);
}

static c2_status read_task(const reader *r, const yaml_node_t *node, c2_error *err) {
  if (node->type != YAML_MAPPING_NODE) FAIL_AT(r, node, "expected a task: fields and their values");
  c2_task t = {.file = r->file,
               .line = node->start_mark.line + 1,
               .horizon = 1,
               .num_windows = 1,
               .seasonality = 1,
               .min_context = 1};
  bool cutoff_given = false;
  C2_TRY(c2_pool_alloc(&r->list->pool, 1, sizeof *t.target.name, &t.target.name, err));
  t.target.name[0] = "target";
  t.target.count = 1;
  const yaml_node_pair_t *begin = node->data.mapping.pairs.start;
  for (const yaml_node_pair_t *pair = begin; pair < node->data.mapping.pairs.top; pair++) {
    const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(r->document, pair->value);
    if (key->type != YAML_SCALAR_NODE) FAIL_AT(r, key, "expected the name of a field");
    for (const yaml_node_pair_t *other = begin; other < pair; other++) {
      if (strcmp(text_of(yaml_document_get_node(r->document, other->key)), text_of(key)) == 0) {
        FAIL_AT(r, key, "field '%.60s' twice", text_of(key));
      }
    }
    C2_TRY(read_field(r, key, value, &t, err));
    cutoff_given = cutoff_given || (strcmp(text_of(key), "initial_cutoff") == 0 && !is_null(value));
  }
  C2_TRY(check_task(r, node, &t, cutoff_given, err));
  c2_task_list *list = r->list;
  C2_TRY(c2_grow_array(&list->task, &list->capacity, list->count + 1, sizeof *list->task, err));
  list->task[list->count++] = t;
  return C2_OK;
}

/* ---- The file -------------------------------------------------------------------------------- */

static c2_status check_names(const reader *r, const yaml_node_t *tasks, c2_error *err) {
  const c2_task *task = r->list->task;
  c2_lookup names = {0};
  c2_status status = C2_OK;
  for (size_t i = 0; status == C2_OK && i < r->list->count; i++) {
    size_t first = 0;
    status = c2_lookup_add(&names, task[i].name, &first, err);
    if (status != C2_OK || first == i) continue;
    status = fail_at(r, sequence_item(r, tasks, i), err,
                     "two tasks are named '%.80s', the other on line %zu; give each a task_name", task[i].name,
                     task[first].line);
  }
  c2_lookup_free(&names);
  return status;
}

static c2_status read_root(const reader *r, c2_error *err) {
  const yaml_node_t *root = yaml_document_get_root_node(r->document);
  if (!root) C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a list of tasks, found an empty file", r->file);
  if (root->type != YAML_MAPPING_NODE) FAIL_AT(r, root, "expected 'tasks:' and a list");
  const yaml_node_t *tasks = NULL;
  const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
  for (; pair < root->data.mapping.pairs.top; pair++) {
    const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);
    if (key->type != YAML_SCALAR_NODE || strcmp(text_of(key), "tasks") != 0 || tasks) {
      FAIL_AT(r, key, "expected nothing but one 'tasks:'");
    }
    tasks = yaml_document_get_node(r->document, pair->value);
  }
  if (!tasks) FAIL_AT(r, root, "expected 'tasks:' and a list");
  if (tasks->type != YAML_SEQUENCE_NODE || sequence_length(tasks) == 0) FAIL_AT(r, tasks, "expected a list of tasks");
  for (size_t i = 0; i < sequence_length(tasks); i++) C2_TRY(read_task(r, sequence_item(r, tasks, i), err));
  return check_names(r, tasks, err);
}

static c2_status fail_parser(const yaml_parser_t *parser, const char *file, c2_error *err) {
  if (parser->error == YAML_MEMORY_ERROR || !parser->problem) { /* without a problem memory is out too */
    C2_FAIL(err, C2_ERR_MEMORY, "%s: memory is out", file);
  }
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu:%zu: not YAML: %s", file, parser->problem_mark.line + 1,
          parser->problem_mark.column + 1, parser->problem);
}

static c2_status read_text_of_file(c2_task_list *list, const char *file, const char *text, size_t size, c2_error *err) {
  yaml_parser_t parser;
  yaml_document_t document;
  yaml_document_t next;
  if (!yaml_parser_initialize(&parser)) C2_FAIL(err, C2_ERR_MEMORY, "%s: memory is out", file);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  c2_status status = C2_OK;
  if (!yaml_parser_load(&parser, &document)) {
    status = fail_parser(&parser, file, err);
  } else {
    size_t names = 0;
    reader r = {file, &document, list, &names};
    status = read_root(&r, err);
    if (status == C2_OK && !yaml_parser_load(&parser, &next)) {
      status = fail_parser(&parser, file, err);
    } else if (status == C2_OK) {
      const yaml_node_t *more = yaml_document_get_root_node(&next);
      if (more) status = fail_at(&r, more, err, "expected a single document");
      yaml_document_delete(&next);
    }
    yaml_document_delete(&document);
  }
  yaml_parser_delete(&parser);
  return status;
}

c2_status c2_tasks_read(c2_task_list *list, const char *path, c2_error *err) {
  char *text = NULL;
  size_t size = 0;
  size_t room = strlen(path) + sizeof "/tasks.yaml";
  char *file = NULL;
  C2_TRY(c2_pool_alloc(&list->pool, room, 1, &file, err));
  (void)snprintf(file, room, "%s%s", path, c2_is_directory(path) ? "/tasks.yaml" : "");
  C2_TRY(c2_read_config(file, &text, &size, err));
  c2_status status = read_text_of_file(list, file, text, size, err);
  free(text);
  return status;
}

void c2_tasks_free(c2_task_list *list) {
  c2_pool_free(&list->pool);
  free(list->task);
  memset(list, 0, sizeof *list);
}

c2_status c2_tasks_select(c2_task_list *list, const char *exclude_regex, size_t most, c2_error *err) {
  regex_t regex;
  size_t kept = 0;
  if (exclude_regex) {
    int code = regcomp(&regex, exclude_regex, REG_EXTENDED | REG_NOSUB);
    if (code != 0) {
      char why[160];
      (void)regerror(code, &regex, why, sizeof why);
      C2_FAIL(err, C2_ERR_ARGUMENT, "--exclude-regex: '%s': %s", exclude_regex, why);
    }
  }
  for (size_t i = 0; i < list->count; i++) {
    if (exclude_regex && regexec(&regex, list->task[i].name, 0, NULL, 0) == 0) continue;
    if (most && kept == most) break;
    list->task[kept++] = list->task[i];
  }
  if (exclude_regex) regfree(&regex);
  list->count = kept;
  if (kept == 0) C2_FAIL(err, C2_ERR_ARGUMENT, "--exclude-regex: '%s' leaves no task", exclude_regex);
  return C2_OK;
}

static c2_status find_data(c2_task_list *list, c2_task *t, c2_error *err) {
  char **files = NULL;
  size_t count = 0;
  C2_TRY(list->source->find(list->source, t->dataset_path, t->dataset_config, &files, &count, err));
  c2_status status = c2_pool_alloc(&list->pool, count, sizeof *t->data.name, &t->data.name, err);
  for (size_t i = 0; i < count; i++) {
    if (status == C2_OK) status = c2_pool_text(&list->pool, files[i], &t->data.name[i], err);
    free(files[i]);
  }
  free(files);
  if (status == C2_OK) t->data.count = count;
  return status;
}

c2_status c2_tasks_find_data(c2_task_list *list, c2_error *err) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->task[i].data.count == 0) C2_TRY(find_data(list, &list->task[i], err));
  }
  return C2_OK;
}

static bool has_name(const c2_names *names, const char *name) {
  size_t i = 0;
  while (i < names->count && strcmp(names->name[i], name) != 0) i++;
  return i < names->count;
}

/* The columns that a task without __ALL__ forecasts. */
static const c2_names *targets_of(const c2_task *task) {
  return task->univariate.count ? &task->univariate : &task->target;
}

/* __ALL__ is what nothing else claims. */
static bool forecasts(const c2_task *task, const char *column) {
  if (!task->univariate_all) return has_name(targets_of(task), column);
  return !has_name(&task->known, column) && !has_name(&task->past, column) && !has_name(&task->statics, column);
}

bool c2_tasks_overlap(const c2_task *a, const c2_task *b) {
  bool are_apart = a->univariate.count > 0 && b->univariate.count > 0;
  if (c2_path_is_json(a->data.name[0]) && !are_apart) return true; /* its targets are named by each task */
  if (a->univariate_all && b->univariate_all) return true;
  const c2_names *listed = targets_of(a->univariate_all ? b : a);
  const c2_task *other = a->univariate_all ? a : b;
  size_t i = 0;
  while (i < listed->count && !forecasts(other, listed->name[i])) i++;
  return i < listed->count;
}
