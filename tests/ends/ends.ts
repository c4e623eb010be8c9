/**
 * Each way in which an owner of trees ends, tried with each kind of tree, and
 * what came of it. Knows nothing of the library: the trees write down what they
 * get, and are looked for in the process table.
 *
 * @module
 */

import { until } from "../fixtures/deadline.ts";
import { denoUnderTest } from "../fixtures/deno.ts";
import { newMarker, processesWith } from "../fixtures/process_table.ts";

/** The ways. */
export const WAYS = [
  "the script ends",
  "Deno.exit()",
  "an uncaught error",
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGKILL",
  "a restart of --watch",
  "a restart of serve --watch",
  "a restart of --watch-hmr",
  "worker.terminate()",
  "self.close() in a worker",
  "the end of a test file",
  "Deno.exit() in a test",
] as const;

/** One of them. */
export type Way = typeof WAYS[number];

/** The kinds of trees. */
export const VICTIMS = ["server", "deaf", "daemon", "sudo"] as const;

/** One of them. */
export type Victim = typeof VICTIMS[number];

/** What came of one tree. */
export interface Outcome {
  /** Whether it got the soft signal. */
  readonly signalled: boolean;
  /** Whether it came to the end of its clean-up. */
  readonly cleaned: boolean;
  /** Milliseconds until nothing of it lived; Infinity: it did. */
  readonly goneAfter: number;
}

/** Milliseconds of grace that each tree has. */
export const GRACE = 2000;
const OWNER = import.meta.resolve("./owner.ts");
const PATIENCE = 20_000;

/** How to try. */
export interface Trial {
  readonly way: Way;
  readonly victims: readonly Victim[];
  /** Milliseconds; {@linkcode GRACE} by default. */
  readonly grace?: number;
  /** Whether the owner is process 1 of a namespace of its own. */
  readonly asInit?: boolean;
}

/** Tries one way; the outcomes in the order of the victims. */
export async function tryEnd(trial: Trial): Promise<Outcome[]> {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o777);
  const markers = trial.victims.map(newMarker);
  const host = await startOwner(trial, folder, markers);
  try {
    const { victims } = trial;
    for (const victim of victims) {
      await until(() => isThere(`${folder}/${victim}.up`), `${victim} is up`);
    }
    const began = await end(trial.way, host, folder);
    const gone = markers.map(() => Infinity);
    const deadline = performance.now() + PATIENCE;
    while (gone.includes(Infinity) && performance.now() < deadline) {
      markers.forEach((marker, i) => {
        if (gone[i] === Infinity && processesWith(marker).length === 0) {
          gone[i] = performance.now() - began;
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return victims.map((victim, i) => ({
      signalled: isThere(`${folder}/${victim}.signal`),
      cleaned: isThere(`${folder}/${victim}.clean`),
      goneAfter: gone[i] as number,
    }));
  } finally {
    for (const { pid } of markers.flatMap(processesWith)) kill(pid);
    await stop(host);
    await Deno.remove(folder, { recursive: true });
  }
}

function isRestart(way: Way): boolean {
  return way.startsWith("a restart");
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

async function stop(host: Deno.ChildProcess): Promise<void> {
  try {
    host.kill("SIGKILL");
  } catch {
    // It has ended.
  }
  await host.status;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

// Does what ends the owner; when it has ended.
async function end(
  way: Way,
  host: Deno.ChildProcess,
  folder: string,
): Promise<number> {
  await Deno.writeTextFile(`${folder}/end`, "");
  if (isRestart(way)) {
    const text = await Deno.readTextFile(`${folder}/owner.ts`);
    // A module that imports another one is not replaced where it stands.
    const saved = `import "node:path";\n${text}`;
    await Deno.writeTextFile(`${folder}/owner.ts`, saved);
  } else if (way.startsWith("SIG")) host.kill(way as Deno.Signal);
  else if (way.includes("worker") || way.includes("test")) {
    return performance.now();
  }
  // Of a restart, what is measured is from the save on.
  if (isRestart(way)) return performance.now();
  await host.status;
  return performance.now();
}

// A shell that says when it is up, when it gets a signal, and when it is done.
function script(victim: Victim, folder: string): string {
  const file = `${folder}/${victim}`;
  const answer = victim === "deaf"
    ? `: >${file}.signal`
    : `: >${file}.signal; sleep 0.5 && : >${file}.clean; exit`;
  return `trap '${answer}' TERM; : >${file}.up; while :; do sleep 0.05; done`;
}

function commandOf(
  victim: Victim,
  folder: string,
  marker: string,
): { program: string; args: string[] } {
  const shell = ["-c", script(victim, folder), marker];
  if (victim === "sudo") {
    return { program: "sudo", args: ["-n", "-u", "nobody", "sh", ...shell] };
  }
  if (victim !== "daemon") return { program: "sh", args: shell };
  // Orphaned, in a session of its own; its leader exits at once.
  const start = 'setsid sh -c "$1" "$2" &';
  return {
    program: "sh",
    args: ["-c", start, "sh", shell[1] as string, marker],
  };
}

async function startOwner(
  { way, victims, grace = GRACE, asInit }: Trial,
  folder: string,
  markers: readonly string[],
): Promise<Deno.ChildProcess> {
  const inTest = way.includes("test");
  const env = {
    KILLABLE_ENDS_FOLDER: folder,
    KILLABLE_ENDS_WAY: way,
    KILLABLE_ENDS_GRACE: String(grace),
    KILLABLE_ENDS_TEST: inTest ? "yes" : "",
  };
  // Not in the environment, which all of them would have.
  const commands = victims.map((one, i) =>
    commandOf(one, folder, markers[i] as string)
  );
  await Deno.writeTextFile(`${folder}/victims`, JSON.stringify(commands));
  const flags = ["--quiet", "--no-config", "--no-lock", "--no-check", "-A"];
  let args = ["run", ...flags, OWNER];
  if (isRestart(way)) {
    const text = `await import(${JSON.stringify(OWNER)});
export default { fetch: () => new Response() };\n`;
    await Deno.writeTextFile(`${folder}/owner.ts`, text);
    const [option, subcommand = "run"] = way.split(" ").reverse();
    const serves = subcommand === "serve";
    args = [
      ...[serves ? "serve" : "run", ...flags, option as string],
      ...(serves ? ["--port", "0"] : []),
      `${folder}/owner.ts`,
    ];
  }
  if (inTest) {
    const mine = `import ${JSON.stringify(OWNER)};\n`;
    // Goes on for as long as anything is looked for.
    const next =
      `Deno.test("next", async () => { await new Promise((r) => setTimeout(r, ${PATIENCE})); });\n`;
    await Deno.writeTextFile(`${folder}/a_test.ts`, mine);
    await Deno.writeTextFile(`${folder}/b_test.ts`, next);
    args = ["test", ...flags, `${folder}/a_test.ts`, `${folder}/b_test.ts`];
  }
  const deno = denoUnderTest();
  const init = ["--fork", "--pid", "--mount-proc", "--kill-child", deno];
  return new Deno.Command(asInit ? "unshare" : deno, {
    args: asInit ? [...init, ...args] : args,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}
