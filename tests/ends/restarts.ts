/**
 * `deno run -A tests/ends/restarts.ts [N] [WATCH...]`: a dev server that is started
 * again N times, by default 200 times by `run --watch`, beside a load on every
 * processor; counts from outside what is left of the runs before.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a command line tool: it talks to a person

import { until } from "../fixtures/deadline.ts";
import { denoUnderTest } from "../fixtures/deno.ts";
import { newMarker, processesWith } from "../fixtures/process_table.ts";

const [count = "200", ...watch] = Deno.args;
const command = watch.length > 0 ? watch : ["run", "--watch"];
const marker = newMarker();
const folder = await Deno.makeTempDir();
const file = `${folder}/server.ts`;
const port = freePort();

// A server that is deaf, with a helper in a session of its own.
const SERVER = `
import { Command } from ${JSON.stringify(import.meta.resolve("../../mod.ts"))};
const script = 'trap "" TERM; setsid sleep ' + ${JSON.stringify(marker)} +
  ' & exec "$0" eval "Deno.serve({ port: ${port} }, () => new Response())" ' +
  ${JSON.stringify(marker)};
const child = new Command("sh", {
  args: ["-c", script, Deno.execPath()],
  stdin: "null",
  stdout: "null",
  stderr: "piped",
  grace: 50,
}).spawn();
console.log("started");
// Not at the top level: a module that is never done leaves Deno's caches open.
(async () => {
  for await (const line of child.lines({ stream: "stderr" })) {
    if (line.includes("AddrInUse")) console.log("in use");
  }
})();
export default { fetch: () => new Response() };
`;

function freePort(): number {
  using listener = Deno.listen({ port: 0 });
  return listener.addr.port;
}

function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

function load(): Deno.ChildProcess[] {
  return Array.from(
    { length: navigator.hardwareConcurrency },
    () =>
      new Deno.Command("sh", { args: ["-c", "while :; do :; done"] }).spawn(),
  );
}

await Deno.writeTextFile(file, SERVER);
const busy = load();
const serves = command[0] === "serve" ? ["--port", "0"] : [];
const host = new Deno.Command(denoUnderTest(), {
  // deno-fmt-ignore
  args: [...command, "-A", "--no-lock", "--no-check", "--no-config", ...serves, file],
  stdin: "null",
  stdout: "piped",
  stderr: "null",
}).spawn();
let said = "";
const heard = (async () => {
  for await (const text of host.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
  }
})();
const times = (word: string) => said.split(word).length - 1;
const helpers = () =>
  processesWith(marker).filter(({ command }) => /^\S*sleep /.test(command));
let most = 0;
let first = 0;
try {
  await until(() => times("started") === 1, "the first run");
  for (let run = 1; times("started") <= Number(count); run = times("started")) {
    await until(() => helpers().length > 0, "the helper");
    if (run <= 5) first = descriptors(host.pid);
    // What is saved before the watcher looks again is lost on it.
    let saved = 0;
    await until(() => {
      if (times("started") > run) return true;
      if (performance.now() > saved + 1_000) {
        saved = performance.now();
        const text = `import "node:path"; // ${run}, ${saved}\n${SERVER}`;
        Deno.writeTextFileSync(file, text);
      }
      return false;
    }, `restart ${run}`);
    // The first spawn has waited for the end of the run before.
    most = Math.max(most, helpers().length);
  }
  console.log(
    `${command.join(" ")}: ${count} restarts; helpers at once: ${most}; ` +
      `port in use: ${times("in use")} times; ` +
      `descriptors ${first} -> ${descriptors(host.pid)}`,
  );
} finally {
  host.kill("SIGKILL");
  await host.status;
  await heard;
  for (const one of busy) one.kill("SIGKILL");
  for (const one of busy) await one.status;
  await until(() => processesWith(marker).length === 0, "the end of the last");
  await Deno.remove(folder, { recursive: true });
}
