/*
 * The floor: what the operating system itself takes. One line "CASE COUNT" on
 * standard input runs a case that often, and is answered with its time per run
 * in milliseconds. CASE is a name and arguments, joined by ':'.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20, GIB = 1 << 30 };

extern char **environ;
static char big[MIB];
static char *const TRUE[] = {"/bin/true", NULL};
static char *const ECHO[] = {"/bin/echo", "x", NULL};
static char *const HEAD[] = {"/usr/bin/head", "-c", "1G", "/dev/zero", NULL};
static char *const CAT[] = {"/bin/cat", NULL};
static char *const SLEEP[] = {"/bin/sleep", "1000", NULL};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void check(int holds) {
  if (!holds) exit(1);
}

/* A child with its own group; each stream is a descriptor, or /dev/null for -1. */
static pid_t start(char *const argv[], int in, int out) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  pid_t pid = 0;
  int streams[] = {in, out, -1};
  posix_spawn_file_actions_init(&actions);
  for (int fd = 0; fd < 3; fd++) {
    if (streams[fd] < 0) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    else posix_spawn_file_actions_adddup2(&actions, streams[fd], fd);
  }
  posix_spawnattr_init(&attr);
  posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
  check(posix_spawn(&pid, argv[0], &actions, &attr, argv, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attr);
  return pid;
}

static void reap(pid_t pid) {
  int status;
  check(waitpid(pid, &status, 0) == pid);
}

/* macOS has no pipe2; nothing else is started here at the same time. */
static void open_pipe(int fds[2]) {
  check(pipe(fds) == 0);
  for (int i = 0; i < 2; i++) fcntl(fds[i], F_SETFD, FD_CLOEXEC);
#ifdef F_SETPIPE_SZ
  fcntl(fds[0], F_SETPIPE_SZ, MIB);
#endif
}

static double run_spawn(int count) {
  double began = now();
  for (int i = 0; i < count; i++) reap(start(TRUE, -1, -1));
  return (now() - began) / count;
}

static double run_resident(int count) {
  static char *block;
  if (block == NULL) block = memset(malloc(GIB), 1, GIB);
  return run_spawn(count);
}

static double run_capture(char *const argv[], size_t size, int count) {
  double began = now();
  for (int i = 0; i < count; i++) {
    int fds[2];
    size_t total = 0;
    ssize_t n;
    open_pipe(fds);
    pid_t pid = start(argv, -1, fds[1]);
    close(fds[1]);
    while ((n = read(fds[0], big, sizeof big)) > 0) total += (size_t)n;
    close(fds[0]);
    reap(pid);
    check(total == size);
  }
  return (now() - began) / count;
}

static double run_feed(int count) {
  double began = now();
  for (int i = 0; i < count; i++) {
    int fds[2];
    open_pipe(fds);
    pid_t pid = start(CAT, fds[0], -1);
    close(fds[0]);
    for (int mib = 0; mib < GIB / MIB; mib++) {
      for (size_t at = 0; at < sizeof big;) {
        ssize_t n = write(fds[1], big + at, sizeof big - at);
        check(n > 0);
        at += (size_t)n;
      }
    }
    close(fds[1]);
    reap(pid);
  }
  return (now() - began) / count;
}

static pid_t *start_sleepers(int count) {
  pid_t *pids = malloc(sizeof(pid_t) * (size_t)count);
  for (int i = 0; i < count; i++) pids[i] = start(SLEEP, -1, -1);
  return pids;
}

static void end_sleepers(pid_t *pids, int count) {
  for (int i = 0; i < count; i++) kill(-pids[i], SIGKILL);
  for (int i = 0; i < count; i++) reap(pids[i]);
  free(pids);
}

static double run_many(int count) {
  double began = now();
  end_sleepers(start_sleepers(count), count);
  return (now() - began) / count;
}

static double run_exits(int alive, int count) {
  pid_t *pids = start_sleepers(alive);
  double each = run_spawn(count);
  end_sleepers(pids, alive);
  return each;
}

/* Starts tree.c; its members say their number and hold the pipe while they live. */
static double run_tree(char *size) {
  int fds[2];
  char *argv[] = {getenv("BENCH_TREE"), size, "plain", NULL};
  open_pipe(fds);
  pid_t pid = start(argv, -1, fds[1]);
  close(fds[1]);
  for (int left = 10 * atoi(size); left > 0;) {
    ssize_t n = read(fds[0], big, (size_t)left);
    check(n > 0);
    left -= (int)n;
  }
  double began = now();
  kill(-pid, SIGKILL);
  reap(pid);
  check(read(fds[0], big, 1) == 0);
  double ms = now() - began;
  close(fds[0]);
  return ms;
}

static double lateness(void) {
  const struct timespec delay = {0, 30 * 1000000};
  double began = now();
  pid_t pid = start(SLEEP, -1, -1);
  nanosleep(&delay, NULL);
  kill(-pid, SIGKILL);
  reap(pid);
  return now() - began - 30;
}

int main(void) {
  char name[64];
  int count;
  while (scanf("%63s %d", name, &count) == 2) {
    char *what = strtok(name, ":"), *detail = strtok(NULL, ":");
    double ms = -1;
    if (strcmp(what, "spawn") == 0) ms = run_spawn(count);
    else if (strcmp(what, "resident") == 0) ms = run_resident(count);
    else if (strcmp(what, "output") == 0 || strcmp(what, "sync") == 0) ms = run_capture(ECHO, 2, count);
    else if (strcmp(what, "stream") == 0 || strcmp(what, "capture") == 0) ms = run_capture(HEAD, GIB, count);
    else if (strcmp(what, "feed") == 0) ms = run_feed(count);
    else if (strcmp(what, "many") == 0) ms = run_many(count);
    else if (strcmp(what, "exits") == 0) ms = run_exits(atoi(detail), count);
    else if (strcmp(what, "tree") == 0) ms = run_tree(detail);
    else if (strcmp(what, "late") == 0) {
      for (int i = 1; i < count; i++) printf("%.3f ", lateness());
      ms = lateness();
    } else return 1;
    printf("%.4f\n", ms);
    fflush(stdout);
  }
  return 0;
}
