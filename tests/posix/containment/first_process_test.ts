/** This library as process 1 of a pid namespace, to which all orphans come. */

import { assertEquals } from "@std/assert";
import { Command } from "../../../mod.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const UNSHARE = ["-p", "-f", "--mount-proc", "--kill-child"];
const MOD = new URL("../../../mod.ts", import.meta.url);

async function canUnshare(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  try {
    const args = UNSHARE.concat("true");
    return (await new Command("unshare", { args }).output()).success;
  } catch {
    return false;
  }
}

// Only root makes a pid namespace with a /proc of its own everywhere.
const ignore = !await canUnshare();

// Prints what is left of 40 trees whose program double-forks and ends, stopped eight
// at a time, then zombies by whose they are, and the status of a child of
// Deno.Command.
const program = (marker: string) => `
  const { Command } = await import("${MOD}");
  const QUIET = { stdin: "null", stdout: "null", stderr: "null" };
  const stats = () => {
    const found = [];
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^[0-9]+$/.test(name)) continue;
      try {
        const line = Deno.readTextFileSync("/proc/" + name + "/cmdline");
        const stat = Deno.readTextFileSync("/proc/" + name + "/stat");
        found.push({ line, stat, state: /\\) (.) /.exec(stat)[1] });
      } catch { /* gone meanwhile */ }
    }
    return found;
  };
  const left = (n) => stats().filter(({ line, state }) =>
    line.includes("${marker}" + n) && state !== "Z").length;
  const theirs = new Deno.Command("sh", {
    args: ["-c", "(setsid true &); exit 7"], ...QUIET,
  }).spawn();
  let survivors = 0, living = 0;
  async function one(n) {
    const child = new Command("sh", {
      args: ["-c", "(setsid sleep ${marker}" + n + " &); exit 0"], ...QUIET,
    }).spawn();
    await child.status;
    survivors += (await child.stop({ grace: 0 })).survivors;
    living += left(n);
  }
  for (let n = 10; n < 50; n += 8) {
    const all = [];
    for (let i = n; i < n + 8; i++) all.push(one(i));
    await Promise.all(all);
  }
  const { code } = await theirs.status;
  const zombies = stats().filter(({ state }) => state === "Z");
  const ours = zombies.filter(({ stat }) => stat.includes("(sleep)")).length;
  console.log(JSON.stringify({ pid: Deno.pid, survivors, living, ours, code }));
  Deno.exit();`;

Deno.test({
  name:
    "as process 1, orphans of a tree are its members, and reaped when it ends",
  ignore,
  async fn() {
    const marker = newMarker();
    const deno = [Deno.execPath(), "eval", "--no-lock", program(marker)];
    const { stdout, stderr } = await new Command("unshare", {
      args: UNSHARE.concat(deno),
    }).output();
    const said = new TextDecoder().decode(stdout);
    assertEquals(
      said.trim(),
      JSON.stringify({ pid: 1, survivors: 0, living: 0, ours: 0, code: 7 }),
      new TextDecoder().decode(stderr),
    );
    assertEquals(processesWith(marker), []);
  },
});
