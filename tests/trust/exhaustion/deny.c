/* deny ERRNO NUMBER[,NUMBER...] PROGRAM [ARG...]: runs a program for which these
   system calls answer ERRNO (seccomp(2)). Without privilege: no_new_privs. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  struct sock_filter code[130];
  unsigned short n = 0;
  unsigned answer = SECCOMP_RET_ERRNO | (unsigned)atoi(argv[1]);
  code[n++] = (struct sock_filter)BPF_STMT(
      BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (char *one = strtok(argv[2], ","); one && n < 126; one = strtok(0, ",")) {
    code[n++] = (struct sock_filter)BPF_JUMP(
        BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(one), 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {n, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
    perror("deny");
    return 2;
  }
  execvp(argv[3], argv + 3);
  perror("deny: exec");
  return 127;
}
