// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A job runner that survives its own crash: a supervisor starts the runner and
 * starts it again when it dies. The jobs of the runner that died are gone before
 * the next one begins, daemons included, so no job ever runs twice at once.
 *
 *     deno run --allow-ffi --allow-run examples/job_runner.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command } from "../mod.ts";

const LIBRARY = import.meta.resolve("../mod.ts");

// The runner: takes the jobs one after the other, and crashes in the second, in
// its first life.
const RUNNER = `
import { Command } from ${JSON.stringify(LIBRARY)};
const [life, from] = Deno.args.map(Number);
for (let job = from; job <= 3; job++) {
  await using child = new Command("sh", {
    // Each job has a daemon that outlives it.
    args: ["-c", "setsid sleep 60 & sleep 0.2"],
    stdin: "null",
  }).spawn();
  console.log("start " + job);
  if (life === 1 && job === 2) Deno.kill(Deno.pid, "SIGKILL");
  await child.wait({ timeout: 10_000 });
  console.log("done " + job);
}
`;

/** One life of the runner: the last job that it finished. */
async function live(life: number, from: number): Promise<number> {
  await using runner = new Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["eval", "--quiet", RUNNER, String(life), String(from)],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let done = from - 1;
  for await (const line of runner.lines()) {
    console.log(`life ${life}: ${line}`);
    const [word, job] = line.split(" ");
    if (word === "done") done = Number(job);
  }
  const { signal } = await runner.wait();
  if (signal !== null) {
    console.log(
      `life ${life}: ended by ${signal}, its jobs with it: ${runner.descendants().length} left`,
    );
  }
  return done;
}

let done = 0;
for (let life = 1; done < 3; life++) done = await live(life, done + 1);
console.log("all jobs are done");
