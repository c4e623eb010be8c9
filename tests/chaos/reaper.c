// Runs a program and reaps every orphan below it, as an init does. Where the
// machine's own is slow at that, a chain that forks a thousand successors a
// second would fill the process table for all.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2) return 64;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t program = fork();
  if (program == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  for (int status;;) {
    pid_t gone = wait(&status);
    if (gone == program) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (gone < 0) return 70;
  }
}
