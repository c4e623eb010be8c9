/**
 * The processes that listen on a TCP port: `:8080` in the place of a process id.
 *
 * @module
 */

import { parsePid, UsageError } from "../arguments/operands.ts";

/**
 * Reads a process id, or finds the processes that listen on a port.
 *
 * @param text `4711`, or `:8080`.
 * @returns The processes; of several that share a socket, as a server and its
 * workers do, those that the others descend from.
 * @throws {UsageError} when it is neither, and when nothing is found to listen.
 */
export async function pidsOf(text: string): Promise<number[]> {
  if (!text.startsWith(":")) return [parsePid(text)];
  const port = /^:\d{1,5}$/.test(text) ? Number(text.slice(1)) : 0;
  if (port < 1 || port > 65535) {
    throw new UsageError(`invalid port '${text}': write it like :8080`);
  }
  const found = await listenersOn(port);
  if (found.length > 0) return found;
  throw new UsageError(
    `no process that can be seen listens on port ${port}` +
      (Deno.build.os === "windows" ? "" : "; those of others need root"),
  );
}

async function listenersOn(port: number): Promise<number[]> {
  switch (Deno.build.os) {
    case "linux":
      return listenersFromProc(port);
    case "windows":
      return parseNetstat(await output("netstat", ["-ano", "-p", "TCP"]), port);
    default: {
      const args = ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fp", "-FR"];
      return parseLsof(await output("lsof", args));
    }
  }
}

async function output(
  program: string,
  args: readonly string[],
): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    throw new UsageError(
      `cannot look for ports with '${program}': ${(error as Error).message}`,
    );
  }
}

/**
 * The inodes of listening sockets.
 *
 * @param table The text of `/proc/net/tcp` or `tcp6`.
 * @param port The port.
 * @returns The inodes, as text.
 */
export function listeningInodes(table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes: string[] = [];
  for (const line of table.split("\n").slice(1)) {
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    const fields = line.trim().split(/\s+/);
    const listens = fields[3] === LISTEN && fields[1]!.endsWith(end);
    if (listens) inodes.push(fields[9]!);
  }
  return inodes;
}

// TCP_LISTEN of <net/tcp_states.h>.
const LISTEN = "0A";

function listenersFromProc(port: number): number[] {
  const inodes = ["tcp", "tcp6"].flatMap((name) => {
    const table = attempt(() => Deno.readTextFileSync(`/proc/net/${name}`));
    return listeningInodes(table ?? "", port);
  });
  if (inodes.length === 0) return [];
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const holders = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || !holdsOne(name, sockets)) continue;
    const stat = attempt(() => Deno.readTextFileSync(`/proc/${name}/stat`));
    const ppid = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
    if (ppid !== undefined) holders.set(Number(name), Number(ppid));
  }
  return topmost(holders);
}

function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  const entries = attempt(() => [...Deno.readDirSync(folder)]) ?? [];
  return entries.some(({ name }) => {
    const link = attempt(() => Deno.readLinkSync(`${folder}/${name}`));
    return link !== null && sockets.has(link);
  });
}

// Null for a process that has ended, or is another user's.
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return null;
  }
}

/**
 * Those whose parent is none of them.
 *
 * @param parents The parent of each process.
 * @returns Their process ids.
 */
export function topmost(parents: ReadonlyMap<number, number>): number[] {
  return [...parents].filter(([, ppid]) => !parents.has(ppid))
    .map(([pid]) => pid);
}

function parseLsof(text: string): number[] {
  const parents = new Map<number, number>();
  let pid = 0;
  for (const line of text.split("\n")) {
    const number = Number(line.slice(1));
    if (line.startsWith("p")) parents.set(pid = number, 0);
    if (line.startsWith("R")) parents.set(pid, number);
  }
  return topmost(parents);
}

/**
 * Reads a list of netstat.
 *
 * @param text Its output.
 * @param port The port.
 * @returns The processes that listen on it.
 */
export function parseNetstat(text: string, port: number): number[] {
  const found = new Set<number>();
  for (const line of text.split(/\r?\n/)) {
    const [protocol, local, remote, , pid] = line.trim().split(/\s+/);
    // The word for the state is in the language of the system; 0 is no port.
    const listens = protocol === "TCP" && local?.endsWith(`:${port}`) &&
      remote?.endsWith(":0");
    if (listens && pid !== undefined) found.add(Number(pid));
  }
  return [...found];
}
