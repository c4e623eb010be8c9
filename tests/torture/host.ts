/**
 * The adapters that run in Deno: starts a command with one library, says `up`,
 * waits for a line, ends the command as that library does, says `done`.
 * `host.ts LIBRARY PROGRAM ARGS…`
 *
 * @module
 */

import { Command } from "../../mod.ts";

type End = () => Promise<unknown>;

const [library = "", program = "", ...args] = Deno.args;
const GRACE = 500;
const NULL = { stdin: "null", stdout: "null", stderr: "null" } as const;

// Not in a lock file, not in the cache of who only runs the tests.
function npm(name: string) {
  return import(`npm:${name}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function spawnPlain() {
  const { spawn } = await import("node:child_process");
  return spawn(program, args, { stdio: "ignore" });
}

const STARTS: Readonly<Record<string, () => End | Promise<End>>> = {
  ours() {
    const child = new Command(program, { args, ...NULL, grace: GRACE }).spawn();
    return () => child.stop();
  },
  "Deno.Command"() {
    const child = new Deno.Command(program, { args, ...NULL }).spawn();
    return async () => {
      child.kill("SIGTERM");
      if (await Promise.race([child.status, pause(GRACE)])) return;
      child.kill("SIGKILL");
      await child.status;
    };
  },
  async "tree-kill"() {
    const child = await spawnPlain();
    const kill = (await npm("tree-kill@1.2.2")).default;
    const all = (signal: string) =>
      new Promise((resolve) => kill(child.pid, signal, resolve));
    return async () => {
      await all("SIGTERM");
      await pause(GRACE);
      if (child.exitCode === null && child.signalCode === null) {
        await all("SIGKILL");
      }
    };
  },
  async fkill() {
    const child = await spawnPlain();
    const fkill = (await npm("fkill@10.0.3")).default;
    return () =>
      fkill(child.pid, {
        forceAfterTimeout: GRACE,
        waitForExit: 2 * GRACE,
        silent: true,
      });
  },
  async execa() {
    const { execa } = await npm("execa@10.2.1");
    const child = execa(program, args, {
      stdio: "ignore",
      reject: false,
      forceKillAfterDelay: GRACE,
      killDescendants: true,
    });
    return () => {
      child.kill();
      return child;
    };
  },
  async dax() {
    const { CommandBuilder } = await npm("dax@0.49.0");
    const child = new CommandBuilder().command([program, ...args])
      .stdin("null").stdout("null").stderr("null").noThrow().spawn();
    return async () => {
      child.kill("SIGTERM");
      if (await Promise.race([child, pause(GRACE)])) return;
      child.kill("SIGKILL");
      await child;
    };
  },
};

const start = STARTS[library];
if (start === undefined) throw new Error(`No adapter is named ${library}`);
const end = await start();
await Deno.stdout.write(new TextEncoder().encode("up\n"));
await Deno.stdin.read(new Uint8Array(16));
await end();
await Deno.stdout.write(new TextEncoder().encode("done\n"));
Deno.exit(0);
