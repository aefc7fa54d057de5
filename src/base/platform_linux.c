/* The operating system: what Linux has of its own. */
#define _GNU_SOURCE /* sched_getaffinity, fopencookie */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/platform.h"

enum { PATH_ROOM = 4096 };

/* ---- Memory ----------------------------------------------------------------------------------- */

size_t c2_peak_resident_bytes(void) {
  FILE *status = fopen("/proc/self/status", "re"); /* VmHWM can be reset; ru_maxrss can't */
  if (status) {
    char line[256];
    unsigned long kib = 0;
    while (fgets(line, sizeof line, status)) {
      if (sscanf(line, "VmHWM: %lu kB", &kib) == 1) break;
    }
    fclose(status);
    if (kib > 0) return (size_t)kib * 1024;
  }
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

void c2_reset_peak_resident(void) {
  FILE *clear = fopen("/proc/self/clear_refs", "we");
  if (!clear) return;
  (void)fputs("5", clear);
  fclose(clear);
}

void c2_advise_huge_pages(void *base, size_t size) {
#ifdef MADV_HUGEPAGE
  (void)madvise(base, size, MADV_HUGEPAGE); /* advice: may be refused */
#else
  (void)base;
  (void)size;
#endif
}

/* ---- Processors ------------------------------------------------------------------------------- */

static FILE *open_in(const char *folder, const char *name) {
  char path[2 * PATH_ROOM + 64];
  int n = snprintf(path, sizeof path, "%s/%s", folder, name);
  return n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
}

/* Reads QUOTA and PERIOD of one group, microseconds; returns ceil(QUOTA / PERIOD), or INT_MAX if it is unlimited. */
static int group_limit(const char *folder, bool unified) {
  long long quota = -1;
  long long period = 0;
  FILE *file = open_in(folder, unified ? "cpu.max" : "cpu.cfs_quota_us");
  int found = file ? fscanf(file, "%lld %lld", &quota, &period) : 0; /* "max" is no number */
  if (file) (void)fclose(file);
  if (!unified) {
    file = open_in(folder, "cpu.cfs_period_us");
    found = file && found == 1 ? 1 + fscanf(file, "%lld", &period) : 0;
    if (file) (void)fclose(file);
  }
  if (found != 2 || quota <= 0 || period <= 0 || quota / period >= INT_MAX) return INT_MAX;
  return (int)(quota / period + (quota % period != 0));
}

/* The least limit of the group at `path` below the mount point and of its parents. */
static int least_limit(const char *mount, const char *path, bool unified) {
  char folder[2 * PATH_ROOM];
  int n = snprintf(folder, sizeof folder, "%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
  int least = INT_MAX;
  if (n < 0 || (size_t)n >= PATH_ROOM) return least;
  for (size_t length = strlen(mount);;) {
    int limit = group_limit(folder, unified);
    if (limit < least) least = limit;
    char *slash = strrchr(folder, '/');
    if (!slash || (size_t)(slash - folder) < length) return least;
    *slash = '\0';
  }
}

/* True if a list "a,b,c" holds the word. */
static bool lists(const char *list, const char *word) {
  size_t n = strlen(word);
  for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
    if (strncmp(at, word, n) == 0 && (at[n] == '\0' || at[n] == ',')) return true;
  }
  return false;
}

/* This process's group in the hierarchy with the cpu controller: /proc/self/cgroup, lines "ID:CONTROLLERS:PATH". */
static bool find_group(const char *root, bool unified, char path[PATH_ROOM]) {
  char line[PATH_ROOM];
  bool found = false;
  FILE *file = open_in(root, "proc/self/cgroup");
  while (file && !found && fgets(line, sizeof line, file)) {
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) continue;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    found = unified ? controllers[1] == '\0' : lists(controllers + 1, "cpu");
    if (found) (void)snprintf(path, PATH_ROOM, "%s", group);
  }
  if (file) (void)fclose(file);
  return found;
}

/* One hierarchy: mounted where /proc/self/mountinfo says, "ID PARENT DEVICE ROOT POINT OPTIONS... - TYPE SOURCE
 * OPTIONS". In a container ROOT is the container's group, which its paths may begin with. */
static int hierarchy_limit(const char *root, bool unified) {
  char path[PATH_ROOM];
  char line[PATH_ROOM];
  int least = INT_MAX;
  if (!find_group(root, unified, path)) return least;
  FILE *file = open_in(root, "proc/self/mountinfo");
  while (file && fgets(line, sizeof line, file)) {
    char top[PATH_ROOM];
    char point[PATH_ROOM];
    char type[32];
    char options[PATH_ROOM];
    const char *rest = strstr(line, " - ");
    if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", top, point) != 2 ||
        sscanf(rest, " - %31s %*s %4095s", type, options) != 2) {
      continue;
    }
    if (strcmp(type, unified ? "cgroup2" : "cgroup") != 0 || (!unified && !lists(options, "cpu"))) continue;
    char mount[2 * PATH_ROOM];
    size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
    bool below = strncmp(path, top, length) == 0 && (path[length] == '/' || path[length] == '\0');
    (void)snprintf(mount, sizeof mount, "%s%s", root, point);
    int limit = least_limit(mount, below ? path + length : "", unified);
    if (limit < least) least = limit;
  }
  if (file) (void)fclose(file);
  return least;
}

int c2_processor_quota(const char *root) {
  int unified = hierarchy_limit(root, true);
  int divided = hierarchy_limit(root, false);
  int least = unified < divided ? unified : divided;
  return least == INT_MAX ? 0 : least;
}

static int allowed_processors(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int count = CPU_COUNT(&set);
    if (count > 0) return count;
  }
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int)count : 1;
}

void c2_processor_name(char *out, size_t room) {
  char line[512];
  FILE *file = fopen("/proc/cpuinfo", "re");
  (void)snprintf(out, room, "unknown");
  while (file && fgets(line, sizeof line, file)) {
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !colon) continue;
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(out, room, "%s", colon + 2);
    break;
  }
  if (file) (void)fclose(file);
}

int c2_processor_count(void) {
  int allowed = allowed_processors();
  int quota = c2_processor_quota("");
  return quota > 0 && quota < allowed ? quota : allowed;
}

void c2_pin_thread(size_t index, c2_affinity *before) {
  cpu_set_t all;
  cpu_set_t one;
  c2_affinity now = {.known = false};
  CPU_ZERO(&all);
  if (sched_getaffinity(0, sizeof all, &all) == 0 && sizeof all <= sizeof now.set) {
    memcpy(now.set, &all, sizeof all);
    now.known = true;
  }
  if (before) *before = now;
  int count = CPU_COUNT(&all);
  if (!now.known || count < 1) return;
  size_t skip = index % (size_t)count;
  for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all) || skip-- > 0) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

void c2_unpin_thread(const c2_affinity *before) {
  cpu_set_t all;
  if (!before->known) return;
  memcpy(&all, before->set, sizeof all);
  (void)sched_setaffinity(0, sizeof all, &all);
}

/* ---- Files ------------------------------------------------------------------------------------ */

void c2_modified_time(const struct stat *info, int64_t time[2]) {
  time[0] = info->st_mtim.tv_sec;
  time[1] = info->st_mtim.tv_nsec;
}

/* The system call itself: the C library has a function for it only since glibc 2.25. */
bool c2_random_bytes(void *out, size_t size) {
#ifdef SYS_getrandom
  if (syscall(SYS_getrandom, out, size, 0) == (long)size) return true;
#endif
  FILE *file = fopen("/dev/urandom", "rbe"); /* kernels before 3.17 */
  bool read = file && fread(out, 1, size, file) == size;
  if (file) (void)fclose(file);
  return read;
}

bool c2_executable_path(char *out, size_t room) {
  ssize_t n = readlink("/proc/self/exe", out, room);
  if (n <= 0 || (size_t)n >= room) return false;
  out[n] = '\0';
  return true;
}

const char *c2_descriptor_folder(void) {
  return "/proc/self/fd";
}

static ssize_t write_sink(void *cookie, const char *bytes, size_t size) {
  c2_sink *sink = cookie;
  return (ssize_t)sink->write(sink, bytes, size); /* fewer than asked for: an error */
}

FILE *c2_sink_open(c2_sink *sink) {
  return fopencookie(sink, "w", (cookie_io_functions_t){.write = write_sink});
}
