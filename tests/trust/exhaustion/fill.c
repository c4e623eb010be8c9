// Forks until there is no process left for its user, and again whenever there is
// one. For half a minute at most.
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  puts("ready");
  fflush(stdout);
  alarm(30);
  for (;;) {
    pid_t child = fork();
    if (child == 0) alarm(30);
    if (child >= 0) continue;
    struct timespec moment = {0, 1000000};
    nanosleep(&moment, NULL);
  }
}
