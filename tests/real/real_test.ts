// deno-lint-ignore-file no-console -- prints a table
/**
 * Real programs end: `deno task test:real`. Each is started four times, and
 * ended by `stop()`, by `stop({ grace: 0 })`, by SIGKILL of the process that
 * started it, and, for comparison, as `Deno.Command` ends it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { setStage, type Stage } from "./place.ts";
import { type Program, PROGRAMS } from "./programs.ts";
import { ProgramRun } from "./run_program.ts";
import { type Row, table } from "./table.ts";

const LINUX = Deno.build.os === "linux";
const rows: Row[] = [];
let stage: Stage;

Deno.test.beforeAll(async () => {
  stage = await setStage();
});

Deno.test.afterAll(async () => {
  console.log(table(rows, stage.user));
  await stage[Symbol.asyncDispose]();
});

async function stopped(program: Program, row: Row): Promise<void> {
  await using run = await ProgramRun.start(stage, program, "ours");
  row.processes = run.members().length;
  assert(row.processes > 0, "the program is there before it is ended");
  const { left, ms, report } = await run.end();
  row.afterStop = left.length;
  row.stopMs = ms;
  row.report = report;
  assertEquals(left, []);
}

async function killed(program: Program, row: Row): Promise<void> {
  await using run = await ProgramRun.start(stage, program, "ours");
  assert(run.members().length > 0, "the program is there");
  const { left, ms } = await run.end("kill");
  row.afterHardStop = left.length;
  row.hardStopMs = ms;
  assertEquals(left, []);
}

async function orphaned(program: Program, row: Row): Promise<void> {
  await using run = await ProgramRun.start(stage, program, "ours");
  assert(run.members().length > 0, "the program is there");
  const { left, ms } = await run.killLauncher();
  row.afterKill = left.length;
  row.killMs = ms;
  assertEquals(left, []);
  await run.guardGone();
}

async function leftByDeno(program: Program, row: Row): Promise<void> {
  await using run = await ProgramRun.start(stage, program, "deno");
  const { left, later } = await run.end();
  row.leftByDeno = `${left.length}, then ${later.length}`;
  // Otherwise the two steps before would prove nothing.
  if (program.outlives) assert(later.length > 0, "it outlives its leader");
}

for (const program of PROGRAMS) {
  Deno.test({
    name: `nothing is left of ${program.name}`,
    ignore: !LINUX, // The observers read /proc and cgroups.
    async fn(t) {
      const reason = await program.obstacle();
      const row: Row = { name: program.name, skipped: reason };
      rows.push(row);
      if (reason !== "") {
        console.log(`skipped: ${reason}`);
        return;
      }
      await t.step(
        "after stop(), when it resolves",
        () => stopped(program, row),
      );
      await t.step(
        "after stop({ grace: 0 }), when it resolves",
        () => killed(program, row),
      );
      await t.step("after SIGKILL of its parent", () => orphaned(program, row));
      await t.step(
        "unlike after kill() of Deno.Command",
        () => leftByDeno(program, row),
      );
    },
  });
}
