// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A server of several processes on one port: each worker has the same listening
 * socket. A worker that dies is replaced; SIGHUP replaces all of them, one after
 * the other, without a failed request; SIGINT and SIGTERM end it all.
 *
 *     deno run --allow-ffi --allow-run --allow-net=127.0.0.1 examples/prefork.ts [PORT [WORKERS]]
 *
 * This process never accepts a connection. It keeps the socket open while workers
 * come and go, so the port is never closed, and a connection that waits to be
 * accepted waits for the next worker that is free.
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { type ChildProcess, Command, listen } from "../mod.ts";

const [port = "0", count = "2"] = Deno.args;
using listener = listen({ hostname: "127.0.0.1", port: Number(port) });

// No permission for the worker: the socket is all that it has.
const worker = new Command(Deno.execPath(), {
  args: [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-config",
    "--no-lock",
    import.meta.resolve("./prefork/worker.mjs"),
  ],
  stdin: "null",
  stdout: "piped",
  fds: { 3: listener },
  // What a worker may take to answer what it has accepted.
  grace: 10_000,
});

const workers = new Set<ChildProcess>();
let ending = false;

/** Starts a worker; resolves when it serves. */
async function start(): Promise<void> {
  const child = worker.spawn();
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  reader.releaseLock();
  // It would end again and again.
  if (done) throw new Error("A worker ended before it was ready");
  workers.add(child);
  console.log(`worker ${child.pid} ready`);
  watch(child);
}

/** Replaces the worker if it ends while it is wanted. */
async function watch(child: ChildProcess): Promise<void> {
  const { code, signal } = await child.status;
  if (!workers.delete(child) || ending) return;
  console.log(`worker ${child.pid} died: ${signal ?? code}`);
  await child.stop({ grace: 0 }); // what it has left behind
  await start();
}

/** The new worker serves before the old one is asked to end. */
async function replaceAll(): Promise<void> {
  for (const old of [...workers]) {
    await start();
    if (!workers.delete(old)) continue; // died meanwhile, and was replaced
    const { escalated } = await old.stop();
    console.log(`worker ${old.pid} ended${escalated > 0 ? " hard" : ""}`);
  }
  console.log("all replaced");
}

for (let i = 0; i < Number(count); i++) await start();
console.log(`serving on http://127.0.0.1:${listener.address.port}`);

let restarts = Promise.resolve();
Deno.addSignalListener("SIGHUP", () => {
  restarts = restarts.then(replaceAll);
});
await new Promise<void>((resolve) => {
  Deno.addSignalListener("SIGINT", resolve);
  Deno.addSignalListener("SIGTERM", resolve);
});
ending = true;
await restarts;
await Promise.all([...workers].map((child) => child.stop()));
Deno.exit(0);
