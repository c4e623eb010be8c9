/**
 * The prototypes of all functions that are bound, as the systems' own manuals
 * and headers have them.
 *
 * @module
 */

/** POSIX, glibc and Linux: man pages 2 and 3. macOS: its headers. */
const C_LIBRARY = `
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int newfd)
int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *actions, int fd, const char *path, int flags, mode_t mode)
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path)
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from)
int posix_spawn_file_actions_addinherit_np(posix_spawn_file_actions_t *actions, int fd)
int posix_spawnattr_init(posix_spawnattr_t *attributes)
int posix_spawnattr_setflags(posix_spawnattr_t *attributes, short flags)
int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes, pid_t group)
int posix_spawnattr_setsigdefault(posix_spawnattr_t *attributes, const sigset_t *set)
int posix_spawnattr_setsigmask(posix_spawnattr_t *attributes, const sigset_t *set)
int posix_spawnattr_setcgroup_np(posix_spawnattr_t *attributes, int fd)
int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
int kill(pid_t pid, int signal)
int killpg(pid_t group, int signal)
int access(const char *path, int mode)
ssize_t read(int fd, void *buffer, size_t count)
ssize_t write(int fd, const void *buffer, size_t count)
ssize_t pread(int fd, void *buffer, size_t count, off_t offset)
int close(int fd)
ssize_t pwrite(int fd, const void *buffer, size_t count, off_t offset)
pid_t getsid(pid_t pid)
int memfd_create(const char *name, unsigned int flags)
int dup2(int fd, int newfd)
int dup3(int fd, int newfd, int flags)
void _tlv_atexit(void *function, void *object)
int dup(int fd)
int pipe(int fds[2])
int pipe2(int fds[2], int flags)
int open(const char *path, int flags, ...)
int fcntl(int fd, int command, ...)
int ioctl(int fd, unsigned long request, ...)
int poll(struct pollfd *fds, nfds_t count, int timeout)
pid_t getpgrp(void)
pid_t getpgid(pid_t pid)
int setpgid(pid_t pid, pid_t group)
pid_t tcgetpgrp(int fd)
int tcsetpgrp(int fd, pid_t group)
int tcgetattr(int fd, struct termios *modes)
int tcsetattr(int fd, int when, const struct termios *modes)
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
char *getenv(const char *name)
char *getcwd(char *buffer, size_t size)
char *realpath(const char *path, char *resolved)
ssize_t readlink(const char *path, char *buffer, size_t size)
int mkdir(const char *path, mode_t mode)
int rmdir(const char *path)
int getrlimit(int resource, struct rlimit *limit)
int prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old)
int getrusage(int who, struct rusage *usage)
int getpagesize(void)
int setpriority(int which, id_t who, int priority)
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *mask)
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *mask)
int prctl(int option, ...)
long syscall(long number, ...)
ssize_t getdents64(int fd, void *entries, size_t count)
int epoll_create1(int flags)
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
int epoll_wait(int epfd, struct epoll_event *events, int room, int timeout)
int eventfd(unsigned int initial, int flags)
int madvise(void *address, size_t length, int advice)
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
void *mremap(void *address, size_t size, size_t new_size, int flags, ...)
int socket(int domain, int type, int protocol)
int bind(int fd, const struct sockaddr *address, socklen_t length)
int listen(int fd, int backlog)
int getsockname(int fd, struct sockaddr *address, socklen_t *length)
int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
void freeaddrinfo(struct addrinfo *found)
const char *gai_strerror(int code)
int posix_openpt(int flags)
int grantpt(int fd)
int unlockpt(int fd)
int ptsname_r(int fd, char *buffer, size_t size)
int *__errno_location(void)
int *__error(void)
kern_return_t mach_timebase_info(mach_timebase_info_t *info)
int kqueue(void)
int kevent(int kq, const struct kevent *changes, int count, struct kevent *events, int room, const struct timespec *timeout)
int proc_listallpids(void *buffer, int size)
int proc_pidinfo(int pid, int flavor, uint64_t argument, void *buffer, int size)
int sysctl(int *name, u_int length, void *old, size_t *old_length, void *new, size_t new_length)
int __cxa_thread_atexit_impl(void *function, void *object, void *handle)
int pthread_key_create(pthread_key_t *key, void *destructor)
int pthread_setspecific(pthread_key_t key, const void *value)
void *dlsym(void *handle, const char *name)
`;

/** Windows: learn.microsoft.com, and phnt for ntdll. */
const WINDOWS = `
DWORD GetLastError(void)
BOOL CreateProcessW(LPCWSTR application, LPWSTR commandLine, LPSECURITY_ATTRIBUTES process, LPSECURITY_ATTRIBUTES thread, BOOL inherit, DWORD flags, LPVOID environment, LPCWSTR directory, LPSTARTUPINFOW startup, LPPROCESS_INFORMATION information)
BOOL InitializeProcThreadAttributeList(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD count, DWORD flags, PSIZE_T size)
BOOL UpdateProcThreadAttribute(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD flags, DWORD_PTR attribute, PVOID value, SIZE_T size, PVOID previous, PSIZE_T returned)
void DeleteProcThreadAttributeList(LPPROC_THREAD_ATTRIBUTE_LIST list)
BOOL TerminateProcess(HANDLE process, UINT code)
BOOL GetExitCodeProcess(HANDLE process, LPDWORD code)
DWORD ResumeThread(HANDLE thread)
DWORD WaitForSingleObject(HANDLE handle, DWORD milliseconds)
BOOL CloseHandle(HANDLE handle)
BOOL SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags)
BOOL GetHandleInformation(HANDLE handle, LPDWORD flags)
DWORD GetFileType(HANDLE file)
BOOL DuplicateHandle(HANDLE sourceProcess, HANDLE source, HANDLE targetProcess, LPHANDLE target, DWORD access, BOOL inherit, DWORD options)
HANDLE GetStdHandle(DWORD which)
DWORD GetConsoleProcessList(LPDWORD list, DWORD count)
LPWCH GetEnvironmentStringsW(void)
BOOL FreeEnvironmentStringsW(LPWCH block)
DWORD GetFileAttributesW(LPCWSTR path)
DWORD GetModuleFileNameW(HMODULE module, LPWSTR path, DWORD units)
DWORD GetFullPathNameW(LPCWSTR path, DWORD units, LPWSTR full, LPWSTR *name)
BOOL SetProcessAffinityMask(HANDLE process, DWORD_PTR mask)
HANDLE CreateJobObjectW(LPSECURITY_ATTRIBUTES attributes, LPCWSTR name)
BOOL AssignProcessToJobObject(HANDLE job, HANDLE process)
BOOL IsProcessInJob(HANDLE process, HANDLE job, PBOOL result)
BOOL SetInformationJobObject(HANDLE job, JOBOBJECTINFOCLASS class, LPVOID information, DWORD size)
BOOL QueryInformationJobObject(HANDLE job, JOBOBJECTINFOCLASS class, LPVOID information, DWORD size, LPDWORD returned)
BOOL TerminateJobObject(HANDLE job, UINT code)
HANDLE CreateToolhelp32Snapshot(DWORD flags, DWORD pid)
BOOL Process32FirstW(HANDLE snapshot, LPPROCESSENTRY32W entry)
BOOL Process32NextW(HANDLE snapshot, LPPROCESSENTRY32W entry)
HANDLE OpenProcess(DWORD access, BOOL inherit, DWORD pid)
DWORD GetProcessId(HANDLE process)
BOOL GetProcessTimes(HANDLE process, LPFILETIME created, LPFILETIME ended, LPFILETIME kernel, LPFILETIME user)
BOOL QueryFullProcessImageNameW(HANDLE process, DWORD flags, LPWSTR path, PDWORD units)
BOOL K32GetProcessMemoryInfo(HANDLE process, PPROCESS_MEMORY_COUNTERS counters, DWORD size)
BOOL GetProcessIoCounters(HANDLE process, PIO_COUNTERS counters)
DWORD FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPWSTR text, DWORD units, va_list *arguments)
HANDLE CreateNamedPipeW(LPCWSTR name, DWORD open, DWORD mode, DWORD instances, DWORD outSize, DWORD inSize, DWORD timeout, LPSECURITY_ATTRIBUTES attributes)
BOOL CreatePipe(PHANDLE read, PHANDLE write, LPSECURITY_ATTRIBUTES attributes, DWORD size)
HANDLE CreateFileW(LPCWSTR path, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES attributes, DWORD disposition, DWORD flags, HANDLE template)
BOOL ReadFile(HANDLE file, LPVOID buffer, DWORD count, LPDWORD done, LPOVERLAPPED overlapped)
BOOL WriteFile(HANDLE file, LPCVOID buffer, DWORD count, LPDWORD done, LPOVERLAPPED overlapped)
BOOL PeekNamedPipe(HANDLE pipe, LPVOID buffer, DWORD size, LPDWORD read, LPDWORD available, LPDWORD left)
BOOL CancelIoEx(HANDLE file, LPOVERLAPPED overlapped)
BOOL GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD done, BOOL wait)
HANDLE CreateEventW(LPSECURITY_ATTRIBUTES attributes, BOOL manual, BOOL initial, LPCWSTR name)
DWORD WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL all, DWORD milliseconds)
HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads)
BOOL PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key, LPOVERLAPPED overlapped)
BOOL GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG count, PULONG removed, DWORD milliseconds, BOOL alertable)
BOOL SetFileCompletionNotificationModes(HANDLE file, UCHAR flags)
BOOL AttachConsole(DWORD pid)
BOOL FreeConsole(void)
BOOL SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL add)
BOOL GenerateConsoleCtrlEvent(DWORD event, DWORD group)
BOOL ReadProcessMemory(HANDLE process, LPCVOID address, LPVOID buffer, SIZE_T size, PSIZE_T read)
BOOL SetStdHandle(DWORD which, HANDLE handle)
HMODULE GetModuleHandleW(LPCWSTR name)
FARPROC GetProcAddress(HMODULE module, LPCSTR name)
HWND FindWindowExW(HWND parent, HWND after, LPCWSTR class, LPCWSTR title)
DWORD GetWindowThreadProcessId(HWND window, LPDWORD pid)
BOOL IsWindowVisible(HWND window)
BOOL PostMessageW(HWND window, UINT message, WPARAM wParam, LPARAM lParam)
NTSTATUS NtSuspendProcess(HANDLE process)
NTSTATUS NtResumeProcess(HANDLE process)
NTSTATUS NtQueryInformationProcess(HANDLE process, ULONG class, PVOID information, ULONG size, PULONG returned)
ULONG RtlNtStatusToDosError(NTSTATUS status)
int WSAStartup(WORD version, LPWSADATA data)
int WSAGetLastError(void)
SOCKET WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group, DWORD flags)
int WSADuplicateSocketW(SOCKET socket, DWORD pid, LPWSAPROTOCOL_INFOW info)
int bind(SOCKET socket, const struct sockaddr *address, int length)
int listen(SOCKET socket, int backlog)
int getsockname(SOCKET socket, struct sockaddr *address, int *length)
int setsockopt(SOCKET socket, int level, int name, const char *value, int length)
int closesocket(SOCKET socket)
INT GetAddrInfoW(PCWSTR node, PCWSTR service, const ADDRINFOW *hints, PADDRINFOW *found)
void FreeAddrInfoW(PADDRINFOW found)
HANDLE GetProcessHeap(void)
LPVOID HeapAlloc(HANDLE heap, DWORD flags, SIZE_T size)
BOOL HeapFree(HANDLE heap, DWORD flags, LPVOID memory)
PVOID FlsGetValue(DWORD index)
ATOM AddAtomW(LPCWSTR name)
ATOM FindAtomW(LPCWSTR name)
DWORD FlsAlloc(PFLS_CALLBACK_FUNCTION callback)
BOOL FlsSetValue(DWORD index, PVOID value)
BOOL FlsFree(DWORD index)
`;

/** One function as C has it. */
export interface Prototype {
  /** The type of its result. */
  readonly result: string;
  /** The types of its parameters. */
  readonly parameters: readonly string[];
  /** Whether further ones may follow. */
  readonly variadic: boolean;
}

const LINE = /^(?<result>.+?)(?<name>\w+)\((?<parameters>.*)\)$/;

function readPrototype(line: string): [string, Prototype] {
  const { result, name, parameters } = LINE.exec(line)!.groups as Record<
    string,
    string
  >;
  const types = parameters === "void" ? [] : parameters!.split(", ").map(
    // `int fds[2]` and `char *const argv[]` are pointers.
    (one) => one.replace(/\w+\[\d?\]$/, "*").replace(/\w+$/, "").trim(),
  );
  const variadic = parameters!.endsWith("...");
  if (variadic) types.pop();
  return [name!, { result: result!.trim(), parameters: types, variadic }];
}

function readAll(text: string): ReadonlyMap<string, Prototype> {
  return new Map(text.trim().split("\n").map(readPrototype));
}

/** Of the C library. */
export const C_PROTOTYPES: ReadonlyMap<string, Prototype> = readAll(C_LIBRARY);

/** Of kernel32, ntdll, user32 and ws2_32. */
export const WINDOWS_PROTOTYPES: ReadonlyMap<string, Prototype> = readAll(
  WINDOWS,
);
