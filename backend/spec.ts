/**
 * The input of a twin that starts a program: every decision of the neutral half,
 * checked and complete.
 *
 * @module
 */

import type { ContainmentRequest, Requirement } from "./containment.ts";
import type { Limits } from "./usage.ts";
import type { NativeJob, TerminalSize } from "./native.ts";

/**
 * The target that a standard stream of the child is connected to, as in `Deno.Command`.
 *
 * @category Standard streams
 */
export type StdioMode = "piped" | "inherit" | "null";

/** A file that is opened for the child, and closed again here after the start. */
export interface StdioFile {
  /** Its path, relative to this process's working directory. */
  readonly path: string;
  /** Outputs: whether the file keeps its contents; otherwise it is emptied. */
  readonly append: boolean;
  /** Outputs, POSIX: permissions of a file that is created, before the umask. */
  readonly mode: number;
}

/**
 * The same, or a file, or something open that the child gets a copy of: a
 * descriptor of this process, on Windows a handle. That stays the caller's to
 * close.
 */
export type StdioTarget = StdioMode | number | StdioFile;

/**
 * Which process group the child starts in (POSIX; ignored on Windows).
 *
 * @category Start a program
 */
export type ProcessGroupMode = "auto" | "own" | "inherit" | "session";

/**
 * The access of the child to a file that it gets as a descriptor.
 *
 * @category Standard streams
 */
export type FileAccess = "read" | "write" | "append";

/** The origin of a descriptor of the child beyond its standard streams. */
export type DescriptorOrigin =
  /** A copy of one of ours: a descriptor, on Windows a handle. */
  | { readonly kind: "own"; readonly fd: number }
  /** The null device. */
  | { readonly kind: "null" }
  /** The child's end of a new pipe. */
  | { readonly kind: "pipe"; readonly child: "read" | "write" }
  /** A file that is opened here. */
  | {
    readonly kind: "file";
    readonly path: string;
    readonly access: FileAccess;
  };

/** One descriptor of the child. */
export interface DescriptorSpec {
  /** Its number in the child, 3 or more; each only once. */
  readonly target: number;
  /** Its origin. */
  readonly origin: DescriptorOrigin;
}

/** How a child is started on Windows: start-up information and creation flags. */
export interface WindowsSpec {
  /** Its console; see `WindowsOptions`. */
  readonly console: "auto" | "hidden" | "own" | "shared" | "none";
  /** How its first window is shown. */
  readonly window: "default" | "normal" | "hidden" | "minimized" | "maximized";
  /** Its desktop, or `null` for this process's. */
  readonly desktop: string | null;
  /** Whether members of its tree may start processes outside of it. */
  readonly breakaway: boolean;
}

/** A validated request to start a program: plain data, already checked. */
export interface SpawnSpec {
  /** The program as the caller wrote it: for messages. */
  readonly command: string;
  /** The arguments after the program's own name. */
  readonly args: readonly string[];
  /** The program's own name, its argument 0; without it the path it was found at. */
  readonly argv0?: string;
  /** Working directory, or `null` for the parent's. */
  readonly cwd: string | null;
  /** Whether the parent's environment is left out. */
  readonly clearEnv: boolean;
  /** Names of the variables to set; `envValues` runs parallel to it. */
  readonly envNames: readonly string[];
  /** Values of the variables to set. */
  readonly envValues: readonly string[];
  /** User id of the child, or `null` for the parent's. */
  readonly uid: number | null;
  /** Group id of the child, or `null` for the parent's. */
  readonly gid: number | null;
  /** Supplementary groups of the child, or `null` for what `uid` and `gid` imply. */
  readonly groups: readonly number[] | null;
  /** File mode creation mask of the child, or `null` for the parent's. */
  readonly umask: number | null;
  /** Nice value of the child, -20 to 19, or `null` for the parent's. */
  readonly nice: number | null;
  /** Numbers of the CPUs that the child may use, or `null` for the parent's. */
  readonly affinity: readonly number[] | null;
  /** Whether the child gets the terminal, if there is one and it is ours to give. */
  readonly foreground: boolean;
  /** The pseudo-terminal that the child leads a session on, or `null` for none. */
  readonly pty: TerminalSize | null;
  /** Standard input. */
  readonly stdin: StdioTarget;
  /** Standard output. */
  readonly stdout: StdioTarget;
  /** Standard error; `"stdout"`: where standard output goes, in order. */
  readonly stderr: StdioTarget | "stdout";
  /**
   * Further descriptors; the child then gets these and no others. `null` leaves
   * it at those of ours that are not close-on-exec, as with `Deno.Command`.
   */
  readonly fds: readonly DescriptorSpec[] | null;
  /** Whether the program is to find its own pid in LISTEN_PID (sd_listen_fds(3)). */
  readonly listenPid: boolean;
  /** Windows: pass the arguments without quoting. */
  readonly windowsRawArguments: boolean;
  /** What else Windows is told; nothing without it. */
  readonly windows?: WindowsSpec | null;
  /** Own session (POSIX) or own console group (Windows), and no guard. */
  readonly detached: boolean;
  /** The containment asked for. */
  readonly containment: ContainmentRequest;
  /** What must hold, or nothing is started. */
  readonly required?: Requirement | null;
  /** Whether the tree must end when this process ends, by whatever cause. */
  readonly killOnParentExit: boolean;
  /** The soft signal that the tree gets then. */
  readonly endSignal: Deno.Signal;
  /** Whether the leader gets it before the others. */
  readonly endMainFirst?: boolean;
  /** Milliseconds between that and the hard kill; 0 kills at once. */
  readonly endGrace: number;
  /** POSIX process group choice. */
  readonly processGroup: ProcessGroupMode;
  /** Start stopped, before the first instruction of the program. */
  readonly suspended: boolean;
  /** Limits, validated for this system; `null` for none. */
  readonly limits: Limits | null;
  /** The job that the child is a member of besides its own containment. */
  readonly job?: NativeJob;
  /** Name of the public function, for permission prompts and messages. */
  readonly apiName: string;
}
