/**
 * A process that sees every other soon after its birth, while its parent lives: xnu
 * keeps the unique id of the parent that forked a process, Linux only its parent now.
 *
 * A process, since a thread (Worker) that a preloaded module starts keeps Deno from
 * going on with the main module.
 *
 * @module
 */

// Where another that was started by the same tests has its file.
const PLACE = "KILLABLE_TEST_BIRTHS";
const RECORD = 12;
const PATIENCE_MS = 0.5;
const LOOKS_FOR_PARENT = 200;

/** What was seen at a birth. */
export interface Birth {
  /** When the process was started, in ticks. */
  readonly start: number;
  /** The number of the process that forked it. */
  readonly parent: number;
  /** When that one was started. */
  readonly parentStart: number;
}

/**
 * Starts the process, unless one of the tests has started it before; it ends with
 * that has it.
 *
 * @param tools A folder whose programs come before those of the system.
 * @param environment Reads a variable, for which there may be no permission.
 * @param read Reads so many bytes of the file at an offset.
 * @returns What tells of a birth; `null` when it was not seen.
 */
export function watchBirths(
  tools: string,
  environment: (name: string) => string | null,
  read: (fd: number, bytes: Uint8Array<ArrayBuffer>, offset: number) => number,
  open: (path: string) => number,
): (pid: number) => Birth | null {
  const path = environment(PLACE) ?? begin(tools);
  const fd = open(path);
  const bytes = new Uint8Array(RECORD);
  const record = new Int32Array(bytes.buffer);
  return (pid) => {
    if (read(fd, bytes, pid * RECORD) !== RECORD) return null;
    const [start, parent, parentStart] = record;
    return { start: start!, parent: parent!, parentStart: parentStart! };
  };
}

function begin(tools: string): string {
  const path = Deno.makeTempFileSync();
  Deno.env.set("PATH", `${tools}:${Deno.env.get("PATH")}`);
  Deno.env.set(PLACE, path);
  const child = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["run", "-A", "--no-lock", "--no-config", import.meta.url, path, String(Deno.pid)],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  child.unref();
  return path;
}

function statOf(pid: number): { start: number; ppid: number } | null {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const rest = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { start: Number(rest[19]), ppid: Number(rest[1]) };
  } catch {
    return null;
  }
}

function newest(): number {
  const text = Deno.readTextFileSync("/proc/loadavg");
  return Number(text.slice(text.lastIndexOf(" ")));
}

function watch(path: string, owner: number): void {
  using file = Deno.openSync(path, { write: true });
  const clock = new Int32Array(new SharedArrayBuffer(4));
  const record = new Int32Array(3);
  let last = newest();
  for (let look = 0;; look++) {
    if (look % LOOKS_FOR_PARENT === 0 && Deno.ppid !== owner) break;
    Atomics.wait(clock, 0, 0, PATIENCE_MS);
    const now = newest();
    for (let pid = last + 1; pid <= now; pid++) {
      const born = statOf(pid);
      if (born === null) continue;
      const parentStart = statOf(born.ppid)?.start ?? 0;
      record.set([born.start, born.ppid, parentStart]);
      file.seekSync(pid * RECORD, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(record.buffer));
    }
    last = now;
  }
  Deno.removeSync(path);
}

if (import.meta.main) watch(Deno.args[0]!, Number(Deno.args[1]));
