// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * A long run: one host with a mixed load, which prints what it uses:
 * `soak.ts [SECONDS] [EVERY]`. Ends with exit code 1 when something has grown
 * since a tenth of it was over.
 *
 * @module
 */

import { Command, Job, pipeline } from "../../mod.ts";
import {
  openDescriptors,
  ownZombies,
  statusField,
} from "../fixtures/process_table.ts";

const seconds = Number(Deno.args[0] ?? 900);
const every = Number(Deno.args[1] ?? 5000);
const WIDTH = 6;
// What Deno's heap may vary by from one moment to the next.
const SLACK_MIB = 64;
// Threads of Deno's pool come with work and go ten seconds after it.
const SLACK_THREADS = 4;

interface Usage {
  readonly children: number;
  readonly mib: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly zombies: number;
}

let children = 0;
let wrong = 0;

const KINDS: readonly (() => Promise<boolean>)[] = [
  async () => (await new Command("true").output()).success,
  async () => {
    const { code, stdout } = await new Command("cat", {
      input: "x".repeat(100_000),
    })
      .output();
    return code === 0 && stdout.length === 100_000;
  },
  async () => {
    const child = new Command("sh", {
      args: ["-c", "setsid sleep 100 & exec sleep 100"],
      stdin: "null",
      stdout: "null",
    }).spawn();
    const { survivors } = await child.stop({ grace: 0 });
    await child.status;
    return survivors === 0;
  },
  async () => {
    const command = new Command("sleep", {
      args: ["100"],
      timeout: 5,
      grace: 0,
    });
    return (await command.output()).timedOut;
  },
  async () => {
    await using child = new Command("sh", {
      args: ["-c", "echo out; echo err >&2; exit 3"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const out = await child.stdout.text();
    const err = await child.stderr.text();
    return out + err === "out\nerr\n" && (await child.status).code === 3;
  },
  async () => await new Command("false").outputSync().code === 1,
  async () => {
    const command = new Command("sleep", {
      args: ["100"],
      signal: AbortSignal.timeout(5),
      grace: 0,
    });
    return (await command.output()).aborted;
  },
  async () => {
    await using job = new Job({ grace: 0 });
    const options = { stdin: "null", stdout: "null" } as const;
    const cases = ["setsid sleep 100 & exec sleep 100", "exec sleep 100"];
    cases.forEach((script) => job.spawn("sh", ["-c", script], options));
    children++;
    return (await job.stop()).survivors === 0;
  },
  async () => {
    const { code, stdout } = await pipeline([
      ["head", "-c", "50000", "/dev/zero"],
      ["wc", "-c"],
    ]);
    children++;
    return code === 0 && new TextDecoder().decode(stdout).trim() === "50000";
  },
];

function usage(): Usage {
  return {
    children,
    mib: Math.round(Deno.memoryUsage().rss / 2 ** 20),
    descriptors: openDescriptors(),
    threads: Number(statusField("self", "Threads")),
    zombies: ownZombies().length,
  };
}

const began = performance.now();
const deadline = began + seconds * 1000;
let early: Usage | null = null;
let printed = 0;

function note(): void {
  if (early === null && performance.now() - began > seconds * 100) {
    early = usage();
    console.log(`${JSON.stringify(early)} after a tenth`);
  }
  if (children < printed + every) return;
  printed = children - children % every;
  console.log(JSON.stringify(usage()));
}

async function worker(first: number): Promise<void> {
  for (let i = first; performance.now() < deadline; i++) {
    const kind = KINDS[i % KINDS.length] as () => Promise<boolean>;
    if (!await kind()) wrong++;
    children++;
    note();
  }
}

const idle = usage();
const workers: Promise<void>[] = [];
for (let i = 0; i < WIDTH; i++) workers.push(worker(i));
await Promise.all(workers);
const end = usage();
console.log(`${JSON.stringify(end)} at the end; wrong results: ${wrong}`);
const from: Usage = early ?? idle;
const grown = end.mib > from.mib + SLACK_MIB || end.zombies > 0 ||
  end.descriptors > from.descriptors ||
  end.threads > from.threads + SLACK_THREADS;
if (grown) console.log("something has grown");
Deno.exit(wrong === 0 && !grown ? 0 : 1);
