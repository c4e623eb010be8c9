/**
 * Running the probe in a place where something is missing, and looking from
 * outside at what is left.
 *
 * @module
 */

import { until } from "../../fixtures/deadline.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import type { Answers } from "./probe.ts";

const PROBE = import.meta.resolve("./probe.ts");
const DENY = import.meta.resolve("./deny.c").slice("file://".length);

/** Whether name spaces and mounts can be made here. */
export const IS_ROOT: boolean = Deno.build.os === "linux" && Deno.uid() === 0;

/** Whether seccomp filters can be compiled here. */
export const HAS_COMPILER: boolean = Deno.build.os === "linux" &&
  new Deno.Command("sh", {
    args: ["-c", "command -v cc"],
    stdout: "null",
    stderr: "null",
  }).outputSync().success;

/** Where the probe runs. */
export interface Place {
  /** The program in front of Deno. */
  readonly prefix?: readonly string[];
  /** A shell script in a mount namespace of its own, before Deno starts. */
  readonly mounts?: string;
  readonly deno?: string;
  readonly mod?: string;
  /** Another copy of the probe, for a user that cannot read ours. */
  readonly probe?: string;
}

/**
 * Runs the probe.
 *
 * @returns What it answered, and what is left of what it started.
 */
export async function probe(
  place: Place,
): Promise<{ answers: Answers; left: number }> {
  const marker = newMarker();
  const mod = place.mod ?? import.meta.resolve("../../../mod.ts");
  // deno-fmt-ignore
  const deno = [place.deno ?? Deno.execPath(), "run", "--quiet", "--no-config", "--no-lock",
    "-A", place.probe ?? PROBE, mod, marker];
  const inside = [...(place.prefix ?? []), ...deno];
  const argv = place.mounts === undefined
    ? inside
    : ["unshare", "-m", "sh", "-c", `${place.mounts}; exec "$@"`, "sh"]
      .concat(inside);
  // Into files: what is left over must not hold up the test by a pipe.
  const file = await Deno.makeTempFile();
  try {
    const { code } = await new Deno.Command("sh", {
      args: ["-c", 'o=$1; shift; exec "$@" >"$o" 2>&1', "sh", file, ...argv],
      stdin: "null",
    }).output();
    const said = await Deno.readTextFile(file);
    if (!said.startsWith("{")) throw new Error(`exit code ${code}: ${said}`);
    return { answers: JSON.parse(said), left: await leftOf(marker) };
  } finally {
    await Deno.remove(file);
  }
}

// The guard may have to end something first. What is still there then is ended here.
async function leftOf(marker: string): Promise<number> {
  const gone = (): boolean => processesWith(marker).length === 0;
  try {
    await until(gone, "the guard", 3000);
  } catch {
    const left = processesWith(marker);
    for (const { pid } of left) Deno.kill(pid, "SIGKILL");
    return left.length;
  }
  return 0;
}

/** Compiles the launcher that refuses system calls; its prefix for an error number and calls. */
export async function denier(
  folder: string,
): Promise<(errno: number, ...calls: number[]) => string[]> {
  const path = `${folder}/deny`;
  const { success, stderr } = await new Deno.Command("cc", {
    args: ["-O1", "-o", path, DENY],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return (errno, ...calls) => [path, String(errno), calls.join()];
}
