// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * Code that was never reviewed, with limits: whatever it does, it ends, and the
 * status says which limit it was.
 *
 *     deno run --allow-ffi --allow-run examples/limits.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command, type Limits } from "../mod.ts";

const LIMITS: Limits = {
  memory: 64 << 20,
  cpuTime: 500,
  wallTime: 3_000,
  processes: 8,
  fileSize: 100_000,
  output: 10_000,
};

const SUBMISSIONS: Readonly<Record<string, string>> = {
  honest: "echo $((6 * 7))",
  "endless loop": "while :; do :; done",
  "endless text": "while :; do echo and on and on; done",
  "endless sleep": "sleep 1000",
  "too many helpers": "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait",
  // dd fills its block, and keeps it until somebody reads the pipe.
  "memory eater": "dd if=/dev/zero bs=100000000 count=1 | sleep 1000",
  "disk filler": "head -c 1000000 /dev/zero > ${TMPDIR:-/tmp}/filler.$$; " +
    "code=$?; rm -f ${TMPDIR:-/tmp}/filler.$$; exit $code",
};

for (const name of Object.keys(SUBMISSIONS)) {
  const run = await new Command("sh", {
    args: ["-c", SUBMISSIONS[name]!],
    limits: LIMITS,
  }).output();
  const out = new TextDecoder().decode(run.stdout);
  console.log(
    run.limit === null
      ? `${name}: code ${run.code}, ${JSON.stringify(out)}`
      : `${name}: ended by the limit '${run.limit}'`,
  );
}

// The limits in force, and what holds each; what was used.
await using child = new Command("sleep", { args: ["1000"], limits: LIMITS })
  .spawn();
for (const { limit, value, by } of child.limits) {
  console.log(`  ${limit} ${value}: ${by}`);
}
const { tree } = child.usage();
console.log(
  `in use: ${tree.processes} process, memory ${tree.memory !== null}`,
);
