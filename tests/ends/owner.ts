/**
 * An owner of trees that ends in a given way: started by `ends.ts`, by itself, under
 * `--watch`, or as a test file. It starts the victims, waits for the order, and
 * ends.
 *
 * @module
 */

import { Command } from "../../mod.ts";

const env = (name: string) => Deno.env.get(`KILLABLE_ENDS_${name}`) ?? "";
const folder = env("FOLDER");
const way = env("WAY");
const GRACE = Number(env("GRACE"));

function isThere(name: string): boolean {
  try {
    Deno.statSync(`${folder}/${name}`);
    return true;
  } catch {
    return false;
  }
}

async function order(): Promise<void> {
  while (!isThere("end")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Started {
  readonly program: string;
  readonly args: string[];
}

const commands = JSON.parse(
  Deno.readTextFileSync(`${folder}/victims`),
) as Started[];

function start(): void {
  for (const { program, args } of commands) {
    new Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      grace: GRACE,
    }).spawn().unref();
  }
}

async function asWorker(): Promise<void> {
  if (env("WAY") === "worker.terminate()") return;
  await order();
  self.close();
}

async function asMain(): Promise<void> {
  await order();
  if (way === "an uncaught error") throw new Error("on purpose");
  if (way === "Deno.exit()") Deno.exit(0);
  // A signal comes from outside, a restart as well.
  if (way.startsWith("SIG") || way.startsWith("a restart")) {
    setInterval(() => {}, 1000);
  }
}

async function withWorker(): Promise<void> {
  const worker = new Worker(import.meta.url, { type: "module" });
  await order();
  if (way === "worker.terminate()") worker.terminate();
  setInterval(() => {}, 1000);
}

if (env("TEST") !== "") {
  Deno.test("leaves its trees", async () => {
    start();
    await order();
    if (way === "Deno.exit() in a test") Deno.exit(0);
  });
} else if ("WorkerGlobalScope" in globalThis) {
  start();
  await asWorker();
} else if (isThere("end")) {
  // Started again by the watcher.
  setInterval(() => {}, 1000);
} else if (way.includes("worker") || way.includes("self.close")) {
  await withWorker();
} else {
  start();
  await asMain();
}
