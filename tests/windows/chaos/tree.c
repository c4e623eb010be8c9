// A process of a random tree. `tree TABLE INDEX [GENERATION]` becomes the node of
// that index; `tree stranger CODE MS` exits with a code after a time; `tree
// observe` answers lines on stdin: "NAME" with the ids of the processes whose
// program has that name, "!NAME" ends them first.
//
// TABLE: nodes, separated by ';', each OPS:CHILDREN. CHILDREN: each a letter,
// how it is started, and an index, separated by ','. The letters are in
// grammar.ts.
#define _WIN32_WINNT 0x0A00
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>

// A test that was itself killed leaves nothing for longer than this.
enum { LIFETIME_MS = 900000, CHAIN_LINKS = 15, RESTARTS = 3, MOST = 32 };

static char self[MAX_PATH];
static const char *table;
static const char *ops;

static int has(char op) { return strchr(ops, op) != NULL; }

static void idle(void) { Sleep(INFINITE); }

static DWORD WINAPI watchdog(void *unused) {
  (void)unused;
  Sleep(LIFETIME_MS);
  ExitProcess(99);
}

static DWORD WINAPI second(void *unused) {
  (void)unused;
  idle();
  return 0;
}

static BOOL WINAPI ignore(DWORD event) {
  (void)event;
  return TRUE;
}

static HANDLE create(DWORD flags, int index, int generation, HANDLE job) {
  char *line = malloc(strlen(table) + 64);
  sprintf(line, "tree %s %d %d", table, index, generation);
  STARTUPINFOA startup = {.cb = sizeof startup};
  PROCESS_INFORMATION info;
  char nothing[] = "\0";
  if (job) flags |= CREATE_SUSPENDED;
  BOOL done = CreateProcessA(self, line, NULL, NULL, has('p'), flags,
                             has('e') ? nothing : NULL, NULL, &startup, &info);
  free(line);
  if (!done) return NULL;
  if (job) {
    AssignProcessToJobObject(job, info.hProcess);
    ResumeThread(info.hThread);
  }
  CloseHandle(info.hThread);
  return info.hProcess;
}

static HANDLE start(char mode, int index) {
  HANDLE job = NULL, child;
  switch (mode) {
    case 'n': return create(CREATE_NEW_CONSOLE, index, 0, NULL);
    case 'h': return create(CREATE_NO_WINDOW, index, 0, NULL);
    case 'd': return create(DETACHED_PROCESS, index, 0, NULL);
    case 'g': return create(CREATE_NEW_PROCESS_GROUP, index, 0, NULL);
    case 's': return create(CREATE_SUSPENDED, index, 0, NULL);
    case 'a': return create(DEBUG_ONLY_THIS_PROCESS, index, 0, NULL);
    case 'b':
      child = create(CREATE_BREAKAWAY_FROM_JOB, index, 0, NULL);
      return child ? child : create(0, index, 0, NULL);
    case 'j':
    case 'k':
      job = CreateJobObjectA(NULL, NULL);
      if (mode == 'k') {
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
        limits.BasicLimitInformation.LimitFlags =
            JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK |
            JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
        SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits,
                                sizeof limits);
      }
      return create(0, index, 0, job);
    default: return create(0, index, 0, NULL);
  }
}

// No process may open it: it can be ended by its job alone.
static void lock(void) {
  SECURITY_DESCRIPTOR descriptor;
  ACL nobody;
  InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
  InitializeAcl(&nobody, sizeof nobody, ACL_REVISION);
  SetSecurityDescriptorDacl(&descriptor, TRUE, &nobody, FALSE);
  SetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION,
                          &descriptor);
}

static void flood(void) {
  char block[4096];
  DWORD written;
  memset(block, 'x', sizeof block);
  for (int i = 0; i < 50; i++) {
    if (!WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), block, sizeof block,
                   &written, NULL)) break;
  }
}

// Restarts what dies, a few times only.
static void supervise(char *modes, int *indices, HANDLE *children, int count) {
  for (int restarts = 0; restarts < RESTARTS; restarts++) {
    DWORD which = WaitForMultipleObjects(count, children, FALSE, INFINITE);
    if (which >= (DWORD)count) idle();
    CloseHandle(children[which]);
    children[which] = start(modes[which], indices[which]);
    if (children[which] == NULL) idle();
  }
}

static void node(int index, int generation) {
  char *copy = strdup(table), *text = copy;
  for (int i = 0; i < index && text; i++) {
    text = strchr(text, ';');
    if (text) text++;
  }
  if (text == NULL) ExitProcess(127);
  text[strcspn(text, ";")] = 0;
  char *children = strchr(text, ':');
  *children++ = 0;
  ops = text;
  if (has('i')) SetConsoleCtrlHandler(ignore, TRUE);
  if (has('x')) lock();

  char modes[MOST];
  int indices[MOST], count = 0;
  HANDLE handles[MOST];
  for (char *child = strtok(children, ","); child && count < MOST;
       child = strtok(NULL, ",")) {
    modes[count] = child[0];
    indices[count] = atoi(child + 1);
    handles[count] = start(modes[count], indices[count]);
    if (handles[count]) count++;
  }
  if (has('w')) flood();
  if (!has('p')) {
    CloseHandle(GetStdHandle(STD_OUTPUT_HANDLE));
    CloseHandle(GetStdHandle(STD_ERROR_HANDLE));
  }
  if (has('T') || has('m')) CreateThread(NULL, 0, second, NULL, 0, NULL);
  if (has('l')) ExitProcess(7);
  if (has('L')) { Sleep(5); ExitProcess(7); }
  if (has('c') && generation < CHAIN_LINKS) {
    create(0, index, generation + 1, NULL);
    ExitProcess(0);
  }
  if (has('m')) ExitThread(0);
  if (has('t')) SuspendThread(GetCurrentThread());
  if (has('r') && count > 0) supervise(modes, indices, handles, count);
  idle();
}

static void endProcess(DWORD pid) {
  HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, pid);
  if (process == NULL) return;
  TerminateProcess(process, 98);
  CloseHandle(process);
}

static void observe(void) {
  char name[MAX_PATH];
  while (fgets(name, sizeof name, stdin)) {
    name[strcspn(name, "\r\n")] = 0;
    int ending = name[0] == '!';
    PROCESSENTRY32 entry = {.dwSize = sizeof entry};
    HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    for (BOOL more = Process32First(list, &entry); more;
         more = Process32Next(list, &entry)) {
      if (_stricmp(entry.szExeFile, name + ending) != 0) continue;
      if (ending) endProcess(entry.th32ProcessID);
      printf("%lu ", (unsigned long)entry.th32ProcessID);
    }
    CloseHandle(list);
    printf("\n");
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  GetModuleFileNameA(NULL, self, sizeof self);
  if (argc > 1 && strcmp(argv[1], "observe") == 0) {
    observe();
    return 0;
  }
  CreateThread(NULL, 0, watchdog, NULL, 0, NULL);
  if (argc > 3 && strcmp(argv[1], "stranger") == 0) {
    Sleep(atoi(argv[3]));
    return atoi(argv[2]);
  }
  if (argc < 3) return 124;
  table = argv[1];
  node(atoi(argv[2]), argc > 3 ? atoi(argv[3]) : 0);
}
