/**
 * The contenders by name: how each is started, and what it needs.
 *
 * @module
 */

import { PROJECT } from "../runner/project.ts";
import { ContenderProcess } from "./contender_process.ts";
import { type Answer, FreshProcess } from "./fresh_process.ts";
import type { Runner } from "./runner.ts";
import type { Found, Tools } from "./tools.ts";

const HERE = new URL("./", import.meta.url).pathname;
const DENO = Deno.execPath();
const RUN = [DENO, "run", "--quiet", "--no-config", "--no-lock", "-A"];

/** Starts a contender. Throws an error that says what is missing. */
export type Start = (tools: Tools) => Promise<Runner>;

async function path(found: Promise<Found>): Promise<string> {
  const one = await found;
  if ("missing" in one) throw new Error(`left out: ${one.missing}`);
  return one.path;
}

/** What only some cases need, and what may be missing for the others. */
async function optional(found: Promise<Found>): Promise<string> {
  const one = await found;
  return "path" in one ? one.path : "";
}

function inDeno(name: string): Start {
  const argv = [...RUN, "--v8-flags=--expose-gc", `${HERE}contender.ts`, name];
  return async (tools) =>
    new ContenderProcess(argv, {
      BENCH_TREE: await optional(tools.compiled("tree")),
    });
}

function inNode(name: string, packages: boolean): Start {
  return async (tools) => {
    const node = await path(tools.program("node"));
    const script = `${HERE}node_contender.mjs`;
    const env: Record<string, string> = {};
    if (packages) env.BENCH_NPM = await path(tools.npm());
    if (name === "trees") env.BENCH_TREE = await path(tools.compiled("tree"));
    return new ContenderProcess([node, "--expose-gc", script, name], env);
  };
}

function fresh(argv: readonly string[], answer: Answer = "time"): Start {
  return () => Promise.resolve(new FreshProcess(argv, answer));
}

function script(name: string): Start {
  return fresh([...RUN, `${HERE}fresh/${name}.ts`]);
}

function peak(who: string, how: string): Start {
  return fresh([...RUN, `${HERE}fresh/peak.ts`, who, how], "print");
}

function first(what: string): Start {
  return fresh([...RUN, `${HERE}fresh/first.ts`, what], "print");
}

function inWine(who: string): Start {
  return async (tools) => {
    const folder = await path(tools.wine());
    // deno-fmt-ignore
    return new FreshProcess([
      "/usr/bin/env", `WINEPREFIX=${folder}/prefix`, "WINEDEBUG=-all", `${folder}/wine10/bin/wine`,
      `${folder}/deno-${Deno.version.deno}.exe`, ...RUN.slice(1), `Z:${HERE}fresh/windows.ts`, who,
    ], "time");
  };
}

function cli(...args: readonly string[]): Start {
  return async (tools) => {
    const flags = await tools.cliFlags();
    const cli = new URL("cli.ts", PROJECT).pathname;
    const map = flags.map((flag) =>
      flag.replace(/=(tests\/)/, `=${PROJECT.pathname}$1`)
    );
    // deno-fmt-ignore
    return new FreshProcess([DENO, "run", "--quiet", "--no-lock", "-A", ...map, cli, ...args], "time");
  };
}

const PYTHON_START = "import subprocess; subprocess.call(['/bin/true'])";
const NODE_START = "require('child_process').spawn('/bin/true')";
const TIMEOUT = ["60", "/bin/true"];

/** All contenders. */
export const CONTENDERS: Readonly<Record<string, Start>> = {
  ours: inDeno("ours"),
  off: inDeno("off"),
  deno: inDeno("deno"),
  node: inNode("child_process", false),
  execa: inNode("execa", true),
  trees: inNode("trees", true),
  C: async (tools) =>
    new ContenderProcess([await path(tools.compiled("floor"))], {
      BENCH_TREE: await optional(tools.compiled("tree")),
    }),
  python: async (tools) =>
    new ContenderProcess(
      [await path(tools.program("python3")), `${HERE}contender.py`],
      {},
    ),
  "start ours": script("ours"),
  "start deno": script("deno"),
  "start import": script("import"),
  "start empty": script("empty"),
  "start one file": async (tools) =>
    new FreshProcess(
      [...RUN, `${await path(tools.release())}/start.js`],
      "time",
    ),
  "first spawn": first("spawn"),
  "first exit": first("exit"),
  "first output": first("output"),
  "first scope": first("scope"),
  "first timeout": first("timeout"),
  "wine ours": inWine("ours"),
  "wine deno": inWine("deno"),
  "start node": async (tools) =>
    new FreshProcess(
      [await path(tools.program("node")), "-e", NODE_START],
      "time",
    ),
  "start python": async (tools) =>
    new FreshProcess(
      [await path(tools.program("python3")), "-c", PYTHON_START],
      "time",
    ),
  "peak ours output": peak("ours", "output"),
  "peak ours outputSync": peak("ours", "outputSync"),
  "peak deno output": peak("deno", "output"),
  "peak deno outputSync": peak("deno", "outputSync"),
  "cli gnu": async (tools) =>
    new FreshProcess(
      [await path(tools.program("timeout")), ...TIMEOUT],
      "time",
    ),
  "cli ours": cli("timeout", ...TIMEOUT),
  "cli run": cli("run", "--", "/bin/true"),
  "cli one file": async (tools) => {
    const program = `${await path(tools.release())}/killable.js`;
    return new FreshProcess([...RUN, program, "timeout", ...TIMEOUT], "time");
  },
  "cli compiled": async (tools) =>
    new FreshProcess(
      [await path(tools.cli()), "timeout", ...TIMEOUT],
      "time",
    ),
};
