// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Measures `examples/prefork.ts` with wrk (Debian: apt-get install wrk): requests
 * and errors during two rolling restarts, and when two workers are killed.
 *
 *     deno run -A tests/load/prefork.ts [SECONDS [CONNECTIONS [WORKERS]]]
 *
 * Exits with 1 when a request of the rolling restarts has failed, or when the kills
 * have cost more than the requests that the killed workers were answering, which
 * are lost by nature: one for each connection.
 *
 * @module
 */

import { startPrefork } from "../fixtures/prefork.ts";

const [seconds = 15, connections = 64, workers = 2] = Deno.args.map(Number);

interface Measured {
  readonly requests: number;
  readonly rate: number;
  readonly errors: number;
}

/** Runs wrk, and meanwhile what is measured. */
async function wrk(
  port: number,
  meanwhile: () => Promise<void>,
): Promise<Measured> {
  const child = new Deno.Command("wrk", {
    args: ["-t2", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s"]
      .concat(`http://127.0.0.1:${port}/`),
    stdout: "piped",
  }).spawn();
  const output = child.output();
  await meanwhile();
  const text = new TextDecoder().decode((await output).stdout);
  const number = (pattern: RegExp): number =>
    Number(pattern.exec(text)?.[1] ?? 0);
  // wrk prints these lines only when there was an error.
  const socket =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/
      .exec(text)?.slice(1).map(Number) ?? [];
  return {
    requests: number(/(\d+) requests in/),
    rate: number(/Requests\/sec: +([\d.]+)/),
    errors: socket.reduce(
      (sum, n) => sum + n,
      number(/Non-2xx or 3xx responses: (\d+)/),
    ),
  };
}

function tell(what: string, { requests, rate, errors }: Measured): void {
  console.log(
    `${what}: ${requests} requests, ${Math.round(rate)}/s, ${errors} failed`,
  );
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

async function installed(): Promise<boolean> {
  try {
    await new Deno.Command("wrk", { args: ["-v"], stdout: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

if (!await installed()) {
  console.log("wrk is not installed: apt-get install wrk");
  Deno.exit(0);
}
await using server = await startPrefork(workers);
console.log(
  `${workers} workers, ${connections} connections, ${seconds} s each`,
);
const restarts = await wrk(server.port, async () => {
  for (let i = 1; i <= 2; i++) {
    await pause(seconds * 200);
    server.signal("SIGHUP");
    await server.lines("all replaced", i);
  }
});
tell("two rolling restarts", restarts);
// Both of the first two: one alone may have had no connection at that moment.
const [one, two] = server.workers();
const kill = await wrk(server.port, async () => {
  for (const [i, pid] of [one, two].entries()) {
    await pause(seconds * 300);
    Deno.kill(pid!, "SIGKILL");
    await server.lines("died: SIGKILL", i + 1);
  }
});
tell("two workers killed with SIGKILL", kill);
server.signal("SIGTERM");
const code = await server.ended();
Deno.exit(restarts.errors === 0 && kill.errors <= 2 * connections ? code : 1);
