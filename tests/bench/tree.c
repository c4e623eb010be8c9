/*
 * A tree of SIZE processes in three generations: `tree SIZE plain|setsid`. Each
 * writes its process id, ten bytes, and then holds standard output open for as
 * long as it lives. With "setsid" every process but the first leads a session.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a benchmark that was itself killed leaves is gone after this. */
enum { LIFETIME_S = 300 };

static int apart;

static void live(void) {
  char line[16];
  alarm(LIFETIME_S);
  if (write(1, line, (size_t)snprintf(line, sizeof line, "%9d\n", getpid())) < 0) _exit(1);
  for (;;) pause();
}

static void child(int children) {
  pid_t pid = fork();
  if (pid < 0) _exit(1);
  if (pid > 0) return;
  if (apart) setsid();
  for (int i = 0; i < children; i++) child(0);
  live();
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  apart = strcmp(argv[2], "setsid") == 0;
  int width = 1, left = atoi(argv[1]) - 1;
  while (width * width < left) width++;
  for (; left > 0; left -= width) child((left < width ? left : width) - 1);
  live();
}
