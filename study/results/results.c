/* Memory of results. */
#include "study/results/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

c2_status c2_results_open_tasks(c2_results *r, c2_error *err) {
  C2_TRY(c2_pool_alloc(&r->tasks.pool, r->tasks.count, sizeof *r->task, &r->task, err));
  for (size_t i = 0; i < r->tasks.count; i++) r->task[i].task = &r->tasks.task[i];
  return C2_OK;
}

c2_status c2_task_result_open_perf(c2_task_result *task, size_t arms, size_t metrics, c2_error *err) {
  C2_TRY(c2_alloc_array(arms, sizeof *task->perf, &task->perf, err));
  return c2_alloc_array(metrics * C2_REDRAWS * arms, sizeof *task->redrawn, &task->redrawn, err);
}

void c2_task_result_free(c2_task_result *task) {
  c2_task_result empty = {.task = task->task};
  free(task->mass);
  free(task->head);
  free(task->perf);
  free(task->redrawn);
  free(task->warning);
  c2_example_free(&task->example);
  memcpy(empty.checksum, task->checksum, sizeof empty.checksum);
  *task = empty;
}

void c2_choose_metrics(const c2_plan *plan, c2_results *r) {
  r->compared = plan->metrics;
  (void)c2_metric_add(&r->compared, C2_MASE);
  (void)c2_metric_add(&r->compared, C2_WQL);
  for (size_t i = 0; plan->metrics.count == 0 && i < r->tasks.count; i++) {
    const c2_task *task = &r->tasks.task[i];
    (void)c2_metric_add(&r->compared, task->eval_metric);
    for (size_t k = 0; k < task->extra.count; k++) (void)c2_metric_add(&r->compared, task->extra.at[k]);
  }
}

size_t c2_probed_windows(const c2_plan *plan, const c2_task *task) {
  return plan->probe_windows ? c2_min_size(plan->probe_windows, task->num_windows) : task->num_windows;
}

void c2_results_free(c2_results *r) {
  for (size_t i = 0; r->task && i < r->tasks.count; i++) c2_task_result_free(&r->task[i]);
  c2_tasks_free(&r->tasks);
  memset(r, 0, sizeof *r);
}
