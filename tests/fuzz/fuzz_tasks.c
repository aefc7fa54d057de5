/* A fev task file; where it names d.csv, its windows are cut too. */
#include "fuzz.h"
#include "study/tasks/tasks.h"
#include "study/tasks/windows.h"

static void put_series(void) {
  char text[4096] = "item_id,timestamp,target,x,b\n";
  size_t at = strlen(text);
  for (int item = 0; item < 2; item++) {
    for (int day = 1; day <= 28; day++) {
      at += (size_t)snprintf(text + at, sizeof text - at, "%c,2020-01-%02d,%d,%d,%d\n", 'p' + item, day, day % 7, day,
                             day % 3);
    }
  }
  fuzz_put("d.csv", text, at);
}

static void cut(const c2_task *task) {
  c2_task_data data = {0};
  c2_error err = {.code = C2_OK};
  c2_status status = c2_task_data_open(&data, task, &err);
  for (size_t w = 0; status == C2_OK && w < task->num_windows && w < 4; w++) {
    c2_window window = {0};
    status = c2_window_cut(&window, &data, task, w, w % 2 == 1, &err);
    for (size_t i = 0; status == C2_OK && i < window.count; i++) {
      size_t least = task->min_context; /* of what there is, before the most length cuts it */
      if (task->max_context > 0 && task->max_context < least) least = task->max_context;
      fuzz_require(window.length[i] >= least, "a past has the least length");
      fuzz_require(task->max_context == 0 || window.length[i] <= task->max_context, "a past has the most length");
    }
    if (status == C2_OK) fuzz_require(window.count > 0 && window.horizon == task->horizon, "a window has series");
    c2_window_free(&window);
  }
  if (status != C2_OK) fuzz_check_error(status, &err);
  c2_task_data_free(&data);
}

static void check_task(const c2_task *task) {
  fuzz_require(task->name && task->dataset_path && task->horizon >= 1 && task->num_windows >= 1, "a task is whole");
  for (size_t i = 0; i < task->level_count; i++) {
    fuzz_require(task->levels[i] > 0 && task->levels[i] < 1, "levels lie between 0 and 1");
    fuzz_require(i == 0 || task->levels[i - 1] < task->levels[i], "levels rise");
  }
  if (strcmp(task->dataset_path, "d.csv") == 0 && task->horizon <= 64) cut(task);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char *path;
  c2_task_list list = {0};
  c2_error err = {.code = C2_OK};
  if (!path) {
    path = fuzz_path("tasks.yaml");
    put_series();
  }
  fuzz_put("tasks.yaml", data, size);
  c2_status status = c2_tasks_read(&list, path, &err);
  if (status == C2_OK) status = c2_tasks_select(&list, "^skip", 8, &err);
  if (status == C2_OK) {
    for (size_t i = 0; i < list.count; i++) check_task(&list.task[i]);
  } else {
    fuzz_check_error(status, &err);
  }
  c2_tasks_free(&list);
  return 0;
}
