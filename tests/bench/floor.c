/*
 * The floor: what the operating system itself takes. One line "CASE COUNT" on
 * standard input runs a case that often and answers with milliseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char big[1 << 20];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* A child with its own group, stdin from and stderr to /dev/null, stdout to `out` or /dev/null. */
static pid_t start(char *const argv[], int out) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  pid_t pid = 0;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  if (out < 0) posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_RDWR, 0);
  else posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_RDWR, 0);
  posix_spawnattr_init(&attr);
  posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
  if (posix_spawn(&pid, argv[0], &actions, &attr, argv, environ) != 0) exit(1);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attr);
  return pid;
}

static void reap(pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) != pid) exit(1);
}

static void spawn_exit(void) {
  char *argv[] = {"/bin/true", NULL};
  reap(start(argv, -1));
}

static size_t capture(char *const argv[]) {
  int fds[2];
  size_t total = 0;
  ssize_t n;
  if (pipe2(fds, O_CLOEXEC) != 0) exit(1);
  fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
  pid_t pid = start(argv, fds[1]);
  close(fds[1]);
  while ((n = read(fds[0], big, sizeof big)) > 0) total += (size_t)n;
  close(fds[0]);
  reap(pid);
  return total;
}

static void echo_output(void) {
  char *argv[] = {"/bin/echo", "x", NULL};
  if (capture(argv) != 2) exit(1);
}

static void gibibyte(void) {
  char *argv[] = {"/usr/bin/head", "-c", "1G", "/dev/zero", NULL};
  if (capture(argv) != 1UL << 30) exit(1);
}

static void many(int count) {
  char *argv[] = {"/bin/sleep", "1000", NULL};
  pid_t *pids = malloc(sizeof(pid_t) * (size_t)count);
  for (int i = 0; i < count; i++) pids[i] = start(argv, -1);
  for (int i = 0; i < count; i++) kill(-pids[i], 9);
  for (int i = 0; i < count; i++) reap(pids[i]);
  free(pids);
}

int main(void) {
  char name[64];
  int count;
  while (scanf("%63s %d", name, &count) == 2) {
    double began = now();
    if (strcmp(name, "many") == 0) many(count);
    else {
      for (int i = 0; i < count; i++) {
        if (strcmp(name, "spawn") == 0) spawn_exit();
        else if (strcmp(name, "output") == 0) echo_output();
        else if (strcmp(name, "stream") == 0 || strcmp(name, "capture") == 0) gibibyte();
        else return 1;
      }
    }
    printf("%.3f\n", now() - began);
    fflush(stdout);
  }
  return 0;
}
