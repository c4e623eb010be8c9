/**
 * Where the one suite differs between systems: one line each, with the reason.
 * A test names its line: `ignore: DIFFERENCES.softSignals.here`.
 *
 * @module
 */

/** Something that cannot be shown on some system. */
export interface Difference {
  /** Whether this is such a system. */
  readonly here: boolean;
  /** Why. */
  readonly reason: string;
}

/** Whether this is Windows (or Wine). */
export const WINDOWS: boolean = Deno.build.os === "windows";
/** Whether children are run by qemu-user: the arm64 lane. */
export const EMULATED: boolean = !WINDOWS &&
  Deno.env.get("KILLABLE_TEST_QEMU") !== undefined;

/** Whether this Deno is older than the one whose `Deno.Command` is the model. */
export const OLDER: boolean = Number(Deno.version.deno.split(".")[0]) === 2 &&
  Number(Deno.version.deno.split(".")[1]) < 9;

/** The table. */
// deno-fmt-ignore
export const DIFFERENCES = {
  ignoredSignals: { here: WINDOWS, reason: "Windows has no SIGTERM: a soft stop is a console event, which a child without a console cannot get" },
  signalsToLiveProcess: { here: WINDOWS, reason: "every signal ends a process on Windows, so none can be heard and survived" },
  statusOfTheEnded: { here: WINDOWS, reason: "what Deno ends has code 1 and no signal on Windows; what we end is told apart: 143 and SIGTERM, 137 and SIGKILL" },
  breakaway: { here: WINDOWS, reason: "a member that starts a process with CREATE_BREAKAWAY_FROM_JOB is refused, unless `windows: { breakaway: true }`: what leaves the tree could not be ended with it" },
  refusalsByPath: { here: WINDOWS, reason: "Deno's class for a program that is refused by its path is a plain Error on Windows; ours is the one it has elsewhere" },
  execPermission: { here: WINDOWS, reason: "Windows has no executable bit" },
  spawnErrorsByPath: { here: EMULATED, reason: "qemu-user emulates vfork with fork: posix_spawn returns 0 for a program that cannot be executed" },
  scopedFfi: { here: EMULATED, reason: "the C library of the emulated system is not at the path that would be granted" },
  daemonsOfDeno: { here: WINDOWS, reason: "a Deno that exits on Windows ends its own children, by its own job: it cannot leave a daemon behind" },
  posixPaths: { here: WINDOWS, reason: "PATH is searched by other rules on Windows: by extension, and in the system's own folders first" },
  dualStack: { here: EMULATED, reason: "qemu-user and its host may have no IPv6" },
  olderModel: { here: OLDER, reason: "Deno.Command of an older Deno refuses signal 0, and takes a chunk that is no bytes for written" },
  listenOnFd: { here: WINDOWS, reason: "Deno on Windows cannot serve on a SOCKET that it inherited: it has no way to adopt one" },
} as const satisfies Record<string, Difference>;

/** How many children a test of many children starts: each is a Deno. */
export const MANY: number = EMULATED || WINDOWS ? 12 : 50;

/** Milliseconds in which a child has started for certain: for timeouts that must not come before. */
export const ENOUGH: number = EMULATED || WINDOWS ? 8000 : 3000;
