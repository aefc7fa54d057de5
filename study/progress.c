/* Work done and work left, in weighted passes. */
#include "study/progress.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/platform.h"
#include "study/run.h"

void c2_duration(double seconds, char out[C2_DURATION_ROOM]) {
  if (!(seconds >= 0 && seconds < 1e9)) {
    (void)snprintf(out, C2_DURATION_ROOM, "?");
    return;
  }
  unsigned long s = (unsigned long)(seconds + 0.5);
  if (s >= 3600) {
    (void)snprintf(out, C2_DURATION_ROOM, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
  } else {
    (void)snprintf(out, C2_DURATION_ROOM, "%lu:%02lu", s / 60, s % 60);
  }
}

/* Windows that are probed, then all of them in each arm and each timed pass. */
static double passes_of(const c2_study *s, const c2_task *task) {
  const c2_study_options *o = &s->options;
  size_t probed = o->probe_windows && o->probe_windows < task->num_windows ? o->probe_windows : task->num_windows;
  size_t timed = s->arms ? o->repeats * (o->perf_radius_count + 1) : 0;
  return (double)(probed + task->num_windows * (s->arms + timed));
}

static double bytes_of(const c2_task *task) {
  struct stat info;
  return stat(task->data_file, &info) == 0 && info.st_size > 0 ? (double)info.st_size : 1;
}

void c2_pace_open(c2_pace *pace, const c2_study *study) {
  *pace = (c2_pace){.study = study, .start = c2_clock_seconds()};
  for (size_t i = 0; i < study->tasks.count; i++) {
    const c2_task *task = &study->tasks.task[i];
    if (!study->result[i].finished) pace->all += bytes_of(task) * passes_of(study, task);
  }
}

void c2_pace_task(c2_pace *pace, size_t task) {
  pace->task = task;
  pace->weight = bytes_of(&pace->study->tasks.task[task]);
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
  const c2_study *s = pace->study;
  if (!s->progress) return;
  double all = share_of(pace, share);
  c2_progress progress = {pace->task + 1, s->tasks.count, s->tasks.task[pace->task].name, all, left_of(pace, all)};
  s->progress(&progress);
}

void c2_pace_pass(c2_pace *pace, double passes) {
  pace->passes += passes;
  c2_pace_within(pace, 0);
}

double c2_pace_left(const c2_pace *pace) {
  return left_of(pace, share_of(pace, 0));
}

void c2_pace_end_task(c2_pace *pace) {
  pace->done += pace->weight * passes_of(pace->study, &pace->study->tasks.task[pace->task]);
  pace->weight = 0;
}
