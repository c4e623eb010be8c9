/**
 * The processes of this machine, asked of the operating system and not of the
 * library: what the demo counts with.
 *
 * @module
 */

/** One line of the process table. */
export interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly command: string;
}

/** All living processes; zombies are not alive. */
export async function listProcesses(): Promise<Process[]> {
  if (Deno.build.os === "windows") return await listByToolhelp();
  return Deno.build.os === "linux" ? await listByProc() : await listByPs();
}

// One shell and one grep: Deno may not read /proc without being allowed all.
async function listByProc(): Promise<Process[]> {
  const text = await textOf("sh", [
    "-c",
    "grep -aHs '' /proc/[0-9]*/stat /proc/[0-9]*/cmdline",
  ]);
  const commands = new Map<number, string>();
  const found: Process[] = [];
  for (const line of text.split("\n")) {
    const [, id, file, content] = /^\/proc\/(\d+)\/(\w+):(.*)$/.exec(line) ??
      [];
    const pid = Number(id);
    if (file === "cmdline" && !commands.has(pid)) {
      commands.set(pid, content!.replaceAll("\0", " ").trim());
    }
    // pid (name) state ppid …; the name may contain anything.
    const stat = /^\d+ \((.*)\) (\w) (\d+) /.exec(content ?? "");
    if (file !== "stat" || stat === null || stat[2] === "Z") continue;
    found.push({ pid, ppid: Number(stat[3]), command: stat[1]! });
  }
  return found.map((one) => ({
    ...one,
    command: commands.get(one.pid) || one.command,
  }));
}

async function listByPs(): Promise<Process[]> {
  const text = await textOf("ps", ["-A", "-o", "pid=,ppid=,state=,args="]);
  const found: Process[] = [];
  for (const line of text.split("\n")) {
    const [, pid, ppid, state, command] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (command === undefined || state!.startsWith("Z")) continue;
    found.push({ pid: Number(pid), ppid: Number(ppid), command });
  }
  return found;
}

async function listByToolhelp(): Promise<Process[]> {
  const { processSnapshot } = await import("../windows/mod.ts");
  return processSnapshot().map(({ pid, ppid, name }) => ({
    pid,
    ppid,
    command: name,
  }));
}

async function textOf(program: string, args: string[]): Promise<string> {
  const command = new Deno.Command(program, { args, stderr: "null" });
  return new TextDecoder().decode((await command.output()).stdout);
}

/**
 * A program's processes: what descends from `root`, and what carries `marker` in
 * its command line wherever it went.
 */
export function select(
  all: readonly Process[],
  root: number,
  marker: string,
): Process[] {
  const pids = new Set([root]);
  // Children may stand before their parents: pids start again from the bottom.
  for (let before = 0; before < pids.size;) {
    before = pids.size;
    for (const { pid, ppid, command } of all) {
      if (pids.has(ppid) || command.includes(marker)) pids.add(pid);
    }
  }
  return all.filter(({ pid }) => pids.has(pid));
}

/** Those of `some` that are still there, under the same number and name. */
export async function stillThere(
  some: readonly Process[],
): Promise<Process[]> {
  const now = await listProcesses();
  return some.filter(({ pid, command }) =>
    now.some((one) => one.pid === pid && one.command === command)
  );
}

/** Draws processes as a tree; those whose parent is not among them stand at the left. */
export function draw(some: readonly Process[]): string {
  const pids = new Set(some.map(({ pid }) => pid));
  const lines: string[] = [];
  const add = (one: Process, own: string, below: string): void => {
    lines.push(`${own}${one.pid} ${short(one.command)}`);
    const children = some.filter(({ ppid }) => ppid === one.pid);
    children.forEach((child, i) => {
      const [branch, rest] = i < children.length - 1
        ? ["├─ ", "│  "]
        : ["└─ ", "   "];
      add(child, below + branch, below + rest);
    });
  };
  for (const one of some) {
    if (!pids.has(one.ppid)) add(one, "    ", "    ");
  }
  return lines.join("\n");
}

function short(command: string): string {
  const line = command.replace(/\s+/g, " ");
  return line.length > 64 ? `${line.slice(0, 63)}…` : line;
}
