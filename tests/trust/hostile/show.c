/* Prints its arguments, environment and working directory, each with a NUL
   behind; an empty one stands between the parts, after its count. */
#include <stdio.h>
#include <unistd.h>

extern char **environ;

static void part(char **list) {
  int count = 0;
  while (list[count]) count++;
  printf("%d", count);
  putchar(0);
  for (int i = 0; i < count; i++) {
    fputs(list[i], stdout);
    putchar(0);
  }
}

int main(int argc, char **argv) {
  char cwd[65536];
  (void)argc;
  part(argv + 1);
  part(environ);
  fputs(getcwd(cwd, sizeof cwd) ? cwd : "?", stdout);
  return 0;
}
