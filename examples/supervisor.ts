// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A supervised service: started again when it ends, after a pause that grows, and
 * given up after five ends in a row. SIGTERM stops it once, within its grace.
 *
 *     deno run --allow-ffi --allow-run examples/supervisor.ts
 *
 * What the service starts never outlives a life of it: a restart finds the port
 * free, and no two lives run at once.
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { type ChildProcess, Command } from "../mod.ts";

// A service with a helper that does not notice when the service crashes.
const SERVICE = `
sleep 60 &
trap 'echo bye; exit 0' TERM
echo "up"
if [ "$LIFE" -lt 3 ]; then exit 1; fi
while :; do sleep 0.05; done
`;

const GIVE_UP = 5;
let child: ChildProcess | null = null;
let stopping = false;

async function stop(): Promise<void> {
  stopping = true;
  await child?.stop({ grace: 5_000 });
}

// Windows knows neither SIGTERM nor `sh`; there it would be SIGBREAK.
Deno.addSignalListener("SIGTERM", stop);

let failures = 0;
for (let life = 1; !stopping && failures < GIVE_UP; life++) {
  const started = performance.now();
  child = new Command("sh", {
    args: ["-c", SERVICE],
    env: { LIFE: String(life) },
    stdin: "null",
    stdout: "piped",
    tee: "inherit",
  }).spawn();
  await child.ready({ line: /^up$/, timeout: 30_000 });
  console.log(`life ${life}: ready, pid known: ${child.pid > 0}`);
  // For the demonstration: as if `systemctl stop` came in the third life.
  if (life === 3) Deno.kill(Deno.pid, "SIGTERM");

  // Resolves when the service has exited and its helper is gone as well.
  const { code } = await child.wait();
  console.log(`life ${life}: ended with ${code}, its tree as well`);
  if (stopping) break;
  failures = performance.now() - started > 60_000 ? 1 : failures + 1;
  const pause = Math.min(10 * 2 ** failures, 30_000);
  console.log(`again in ${pause} ms`);
  await new Promise((resolve) => setTimeout(resolve, pause));
}
Deno.removeSignalListener("SIGTERM", stop);
console.log(stopping ? "stopped" : "given up");
