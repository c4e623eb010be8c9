// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A supervised service, and one that waits for it: started again when it fails,
 * after a pause that grows, and given up after too many ends. SIGTERM stops both
 * once, within their grace.
 *
 *     deno run --allow-ffi --allow-run examples/supervisor.ts
 *
 * What a life of the service starts never outlives it: a restart finds the port
 * free, and no two lives run at once.
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command, Job } from "../mod.ts";

// A service that crashes twice, with a helper that does not notice when it does.
const SERVICE = `
sleep 60 &
lives=\${TMPDIR:-/tmp}/lives.$PPID
echo life >>$lives
trap 'rm $lives; echo bye; exit 0' TERM
if [ "$(grep -c life $lives)" -lt 3 ]; then exit 1; fi
echo "up"
while :; do sleep 0.05; done
`;

// Windows knows neither SIGTERM nor `sh`; there it would be SIGBREAK.
await using job = new Job({ grace: 5_000, stopOn: ["SIGTERM"] });

const service = job.service(
  new Command("sh", {
    args: ["-c", SERVICE],
    stdin: "null",
    stdout: "piped",
    tee: "inherit",
  }),
  {
    restart: "on-failure",
    restartDelay: 20,
    restartLimit: 5,
    ready: { line: /^up$/, timeout: 30_000 },
    onSpawn: (child) => console.log(`started, pid known: ${child.pid > 0}`),
  },
);
// Started when the service is ready for the first time.
const client = job.service(["sleep", "60"], { after: [service] });

console.log("client runs:", await client.started);
// For the demonstration: as if `systemctl stop` came now.
Deno.kill(Deno.pid, "SIGTERM");

const { signal, report } = await job.exited;
const { because, status } = await service.exited;
console.log(`${signal}: ended by its ${because} with ${status?.code}`);
console.log(`restarts ${service.restarts}, left ${report.survivors}`);
