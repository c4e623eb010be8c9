// A process of a random tree. `tree TABLE INDEX [GENERATION]` becomes the node
// of that index; `tree stranger CODE MS` exits with a code after a time.
//
// TABLE: nodes, separated by ';', each OPS:CHILDREN. CHILDREN: each a letter,
// how it is started, and an index, separated by ','. The letters are in grammar.ts.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

// A test that was itself killed leaves nothing for longer than this.
enum { LIFETIME_S = 3600 };

static char *self, *table;
static char **arguments;

static void nap(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

static void idle(void) {
  for (;;) pause();
}

static void *thread(void *unused) {
  (void)unused;
  idle();
  return NULL;
}

static int has(const char *ops, char op) { return strchr(ops, op) != NULL; }

static void become(int index, int generation, char **env) {
  char number[16], age[16];
  snprintf(number, sizeof number, "%d", index);
  snprintf(age, sizeof age, "%d", generation);
  char *argv[] = {self, table, number, age, NULL};
  execve(self, argv, env);
  _exit(126);
}

static void node(int index, int generation);

// Each child has an alarm of its own: fork does not pass it on.
static void live(int index) {
  alarm(LIFETIME_S);
  node(index, 0);
}

// The child is one of our parent's: clone(2), CLONE_PARENT.
static pid_t beside(void) {
  return syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
}

static pid_t start(char mode, int index) {
  pid_t pid = mode == 'P' ? beside() : fork();
  if (pid != 0) return pid;
  extern char **environ;
  switch (mode) {
    case 'x':
      alarm(LIFETIME_S);
      become(index, 0, environ);
      break;
    case 'd':
      setsid();
      // fall through
    case 'D':
      if (fork() != 0) _exit(0);
      break;
    case 'a':
      ptrace(PTRACE_TRACEME, 0, NULL, NULL);
      break;
  }
  live(index);
  _exit(0);
}

// Runs away: a successor every millisecond, for some seconds. Not for ever: a
// subreaper that reaps nothing would fill the process table of the machine.
static void chain(void) {
  for (int link = 0; link < 3000; link++) {
    if (fork() != 0) _exit(0);
    alarm(LIFETIME_S);
    nap(1);
  }
  idle();
}

// A few times only: what exits at once, after it has left daemons behind, would
// make this a fork bomb.
static void supervise(char *modes, int *indices, pid_t *pids, int count) {
  for (int restarts = 0; restarts < 4; restarts++) {
    pid_t gone = waitpid(-1, NULL, 0);
    if (gone < 0) idle();
    for (int i = 0; i < count; i++) {
      if (pids[i] == gone && !strchr("dD", modes[i])) {
        nap(3);
        pids[i] = start(modes[i], indices[i]);
      }
    }
  }
}

static void silence(void) {
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  if (null > 2) close(null);
}

static void flood(void) {
  char block[4096];
  memset(block, 'x', sizeof block);
  for (int i = 0; i < 50; i++) {
    if (write(1, block, sizeof block) < 0) break;
  }
}

// As pam_limits does; the second as a program that sets its policy anew.
static void lose(const char *ops) {
  const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  if (has(ops, 'R')) setrlimit(RLIMIT_LOCKS, &unlimited);
  // struct sched_attr (sched_setattr(2)): its size; SCHED_OTHER, and no slice.
  unsigned attributes[12] = {sizeof attributes};
  if (has(ops, 'Q')) syscall(SYS_sched_setattr, 0, attributes, 0);
}

static void before(const char *ops) {
  lose(ops);
  const int soft[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGPIPE};
  for (int i = 0; has(ops, 'i') && i < 6; i++) signal(soft[i], SIG_IGN);
  if (has(ops, 'b')) {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGALRM);
    sigprocmask(SIG_SETMASK, &all, NULL);
  }
  if (has(ops, 's')) setsid();
  if (has(ops, 'g')) setpgid(0, 0);
  if (has(ops, 'S')) prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (has(ops, 'k')) signal(SIGCHLD, SIG_IGN);
}

static void after(const char *ops) {
  // What a zombie's line in /proc/<pid>/stat would look like.
  if (has(ops, 'N')) prctl(PR_SET_NAME, "a) Z 1\nb");
  if (has(ops, 'n')) {
    prctl(PR_SET_NAME, "kworker/0:0");
    for (char **arg = arguments; *arg; arg++) memset(*arg, 0, strlen(*arg));
  }
  if (has(ops, 'd')) prctl(PR_SET_DUMPABLE, 0);
  if (has(ops, 'u')) { if (setgid(65534) || setuid(65534)) _exit(125); }
  // Where the file is set-user-ID: what an ordinary owner may not signal.
  if (has(ops, 'U') && setresuid(0, 0, 0)) _exit(125);
  if (has(ops, 'z') && fork() == 0) _exit(0);
  if (has(ops, 'w')) flood();
  if (!has(ops, 'p')) silence();
  pthread_t id;
  if (has(ops, 'T') || has(ops, 'm')) pthread_create(&id, NULL, thread, NULL);
  if (has(ops, 'v') && vfork() == 0) idle();
  if (has(ops, 'l')) _exit(7);
  if (has(ops, 'L')) { nap(5); _exit(7); }
  if (has(ops, 'c')) chain();
  // The process lives on in its other thread, and looks like a zombie.
  if (has(ops, 'm')) pthread_exit(NULL);
  if (has(ops, 't')) raise(SIGSTOP);
}

static void node(int index, int generation) {
  char *copy = strdup(table), *rest = copy, *text = NULL;
  for (int i = 0; i <= index; i++) text = strsep(&rest, ";");
  if (text == NULL) _exit(127);
  char *ops = strsep(&text, ":");
  before(ops);
  // Each letter of these is one more exec; 'e' is one with nothing in the environment.
  const char *execs = strpbrk(ops, "ex");
  for (int i = 0; execs && i < generation; i++) execs = strpbrk(execs + 1, "ex");
  extern char **environ;
  char *nothing[] = {NULL};
  if (execs) become(index, generation + 1, *execs == 'e' ? nothing : environ);

  char modes[64];
  int indices[64], count = 0;
  pid_t pids[64];
  char *child;
  while (text && *text && count < 64 && (child = strsep(&text, ","))) {
    modes[count] = child[0];
    indices[count] = atoi(child + 1);
    pids[count] = start(modes[count], indices[count]);
    count++;
  }
  after(ops);
  if (has(ops, 'r') && count > 0) supervise(modes, indices, pids, count);
  idle();
}

int main(int argc, char **argv) {
  if (argc > 3 && strcmp(argv[1], "stranger") == 0) {
    alarm(LIFETIME_S);
    nap(atol(argv[3]));
    return atoi(argv[2]);
  }
  if (argc < 3) return 124;
  alarm(LIFETIME_S);
  self = strdup(argv[0]);
  table = strdup(argv[1]);
  arguments = argv;
  node(atoi(argv[2]), argc > 3 ? atoi(argv[3]) : 0);
}
