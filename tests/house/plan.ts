/**
 * The plan of the house, as data: which folder may import which, what is where,
 * and where the two twins differ. `house_test.ts` compares the code with it.
 *
 * @module
 */

/**
 * The top level. A folder imports only folders that stand in its own line:
 * `mod → process → backend ← posix | windows → ffi`, and `cli` on top.
 */
export const FLOORS: Readonly<Record<string, readonly string[]>> = {
  "cli.ts": ["cli"],
  "mod.ts": ["process", "backend", "posix", "windows", "ffi"],
  // The two halves are loaded by `cli/library.ts`, as in `mod.ts`.
  cli: ["process", "backend", "posix", "windows"],
  process: ["backend", "ffi"],
  posix: ["backend", "ffi"],
  windows: ["backend", "ffi"],
  backend: ["ffi"],
  ffi: [],
};

/**
 * Inside a twin: a room imports only rooms of a later line. The mechanism of POSIX
 * asks the look at a tree; on Windows the tree asks the job object, which is the
 * mechanism.
 */
export const ROOMS: Readonly<
  Record<string, readonly (readonly string[])[]>
> = {
  posix: [
    ["backend", "mod"],
    ["job", "foreign_tree"],
    ["process"],
    ["usage"],
    ["spawn"],
    ["containment"],
    ["tree", "stdio"],
    ["wait"],
    ["signal", "socket"],
    ["system"],
  ],
  windows: [
    ["backend", "mod"],
    ["job", "foreign_tree"],
    ["process"],
    ["usage"],
    ["spawn"],
    ["tree", "stdio"],
    ["containment"],
    ["wait"],
    ["signal", "share_socket"],
    ["socket"],
    ["system"],
  ],
};

/** Files outside the twins that ask for the operating system, and why. */
export const SYSTEM_CHECKS: Readonly<Record<string, string>> = {
  "mod.ts": "loads the twin of this system",
  "cli/library.ts": "loads the twin of this system",
  "cli/arguments/signal_operand.ts": "the numbers of signals differ",
  "cli/commands/doctor.ts": "prints the name of the system",
  "cli/commands/init.ts": "orphans come to process 1 on Linux alone",
  "cli/commands/timeout.ts": "Windows reports no signal in an exit status",
  "cli/commands/together.ts": "a shell is cmd.exe on Windows",
  "cli/commands/tree.ts": "Windows has no process group to draw",
  "cli/processes/all_processes.ts": "/proc, or ps",
  "cli/processes/listeners.ts": "/proc, lsof or netstat",
  "cli/processes/process_details.ts": "/proc, or ps",
  "cli/run/end_like.ts": "Windows has no signal to end by",
  "cli/run/signal_relay.ts": "Windows knows two signals; Linux has /proc",
  "cli/terminal/output.ts": "/proc tells whether two outputs are one file",
  "cli/together/sources.ts": "quoting for cmd.exe or for sh",
  "cli/together/terminal_stops.ts": "/proc tells what stopped a process",
  "cli/run/inherited.ts": "Windows has no /dev/tty; Linux has /proc",
  "cli/run/timeout_watch.ts": "Windows has no process group to signal",
};

/** Paths that only one twin has, and why the other one has nothing there. */
export const ONLY_POSIX: Readonly<Record<string, string>> = {
  "containment/census.ts": "Windows keeps the list of members, in the job",
  "containment/cgroup.ts": "a mechanism of Linux",
  "containment/guard.ts": "Windows closes the job of a process that has ended",
  "containment/guard_script.ts": "part of the guard",
  "containment/guard_sweep.ts": "part of the guard",
  "containment/lineage.ts": "a mechanism of Linux",
  "containment/orphans.ts": "Windows gives orphans to nobody",
  "containment/owner.ts": "part of the lineage",
  "containment/process_group.ts": "a mechanism of POSIX",
  "containment/slice.ts": "a mark that Linux hands on",
  "containment/untagged.ts": "the members of a job stay its members",
  "signal/signal_process.ts": "Windows has no signals",
  "spawn/credentials.ts": "Windows starts a child as another user by logon",
  "spawn/launcher.ts": "CreateProcessW has attributes for what a launcher does",
  "stdio/memory.ts": "mremap; Windows has no such call",
  "stdio/pty.ts": "no ConPTY in this library",
  "system/errno.ts": "errors.ts is its counterpart",
  "system/libc.ts": "kernel32.ts is its counterpart",
  "system/posix_spawn.ts": "create_process.ts is its counterpart",
  "system/proc_files.ts": "Windows has no /proc",
  "tree/look.ts":
    "the kernel lists the members of a job: there is nothing to look for",
  "tree/membership.ts": "the kernel knows the members of a job",
  "tree/tree.ts": "job_tree.ts is its counterpart",
  "tree/watch.ts": "the completion port tells of a job that is empty",
  "usage/tree_usage.ts": "a job counts what its members have used",
  "wait/poller.ts": "completion_port.ts is its counterpart",
  "wait/reactor.ts": "completion_port.ts is its counterpart",
};

/** The same for Windows. */
export const ONLY_WINDOWS: Readonly<Record<string, string>> = {
  "share_socket.ts": "POSIX hands a socket on by its number",
  "signal/console.ts": "console events stand for signals",
  "system/command_line.ts": "POSIX hands arguments on as an array",
  "system/command_line_parse.ts": "POSIX hands arguments on as an array",
  "system/create_process.ts": "posix_spawn.ts is its counterpart",
  "system/errors.ts": "errno.ts is its counterpart",
  "system/handle.ts": "file_system.ts has its counterpart",
  "system/job_object.ts": "the kernel object that holds a tree",
  "system/kernel32.ts": "libc.ts is its counterpart",
  "system/win32.ts":
    "the numbers and structures of POSIX stand with their calls",
  "tree/job_tree.ts": "tree.ts is its counterpart",
  "wait/completion_port.ts": "reactor.ts is its counterpart",
};

/** The longest file of the product, in lines. */
export const LONGEST_FILE = 600;

/**
 * What is not yet as planned. The list only gets shorter: an entry that is not
 * needed any more fails the test.
 */
export const NOT_YET: Readonly<Record<string, readonly string[]>> = {
  circles: [],
  arrows: [],
  longFiles: [],
};
