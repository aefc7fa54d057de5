/* Work done and work left, in weighted passes. */
#include "study/progress.h"

#include <math.h>
#include <sys/stat.h>

#include "base/platform.h"

/* Windows that are probed, then all of them in each arm and each turn of the timed ones. */
static double passes_of(const c2_pace *pace, const c2_task *task) {
  size_t arms = pace->results->arms;
  size_t turns = c2_untimed_turns(pace->plan) + pace->plan->repeats;
  size_t timed = arms ? turns * (pace->results->perf_radii.count + 1) : 0;
  return (double)(c2_probed_windows(pace->plan, task) + task->num_windows * (arms + timed));
}

static double bytes_of(const c2_task *task) {
  double bytes = 1;
  for (size_t i = 0; i < task->data.count; i++) {
    struct stat info;
    if (stat(task->data.name[i], &info) == 0) bytes += (double)info.st_size;
  }
  return bytes;
}

void c2_pace_open(c2_pace *pace) {
  const c2_results *r = pace->results;
  pace->start = c2_clock_seconds();
  for (size_t i = 0; i < r->tasks.count; i++) {
    const c2_task *task = r->task[i].task;
    if (!r->task[i].finished) pace->all += bytes_of(task) * passes_of(pace, task);
  }
}

void c2_pace_task(c2_pace *pace, size_t task) {
  pace->task = task;
  pace->weight = bytes_of(pace->results->task[task].task);
  pace->passes = 0;
  c2_pace_within(pace, 0);
}

static double share_of(const c2_pace *pace, double within) {
  return pace->all > 0 ? fmin(1, (pace->done + pace->weight * (pace->passes + within)) / pace->all) : 1;
}

static double left_of(const c2_pace *pace, double share) {
  double elapsed = c2_clock_seconds() - pace->start;
  return share > 0 ? elapsed * (1 - share) / share : (double)NAN;
}

void c2_pace_within(c2_pace *pace, double share) {
  const c2_results *r = pace->results;
  if (!pace->report) return;
  double all = share_of(pace, share);
  c2_progress progress = {pace->task + 1, r->tasks.count, r->task[pace->task].task->name, all, left_of(pace, all)};
  pace->report(&progress);
}

void c2_pace_pass(c2_pace *pace, double passes) {
  pace->passes += passes;
  c2_pace_within(pace, 0);
}

double c2_pace_left(const c2_pace *pace) {
  return left_of(pace, share_of(pace, 0));
}

void c2_pace_end_task(c2_pace *pace) {
  pace->done += pace->weight * passes_of(pace, pace->results->task[pace->task].task);
  pace->weight = 0;
}
