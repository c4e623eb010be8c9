/** What happens at the limits of descriptors and processes. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { until } from "../../fixtures/deadline.ts";
import { evalArgs } from "../../fixtures/eval.ts";
import { readableDeno } from "../../fixtures/other_user.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";

const MOD = import.meta.resolve("../../../mod.ts");
const root = Deno.build.os === "linux" && Deno.uid() === 0;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();

/** Starts sleepers until it fails, then ends them and starts one more. */
const GREEDY = `
const marker = Deno.args[0];
const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
const piped = { args: [marker], stdin: "piped", stdout: "piped", stderr: "piped", grace: 0 };
await new Command("true").output();
new Command("true").outputSync();
const before = count();
const children = [];
let failure;
for (let i = 0; i < 500 && !failure; i++) {
  try { children.push(new Command("sleep", piped).spawn()); }
  catch (error) { failure = error; }
}
// The failed one took nothing with it: as often as it is tried.
const during = children.length;
for (let i = 0; i < 20; i++) {
  try { children.push(new Command("sleep", piped).spawn()); } catch { /* as expected */ }
}
const kept = children.length - during;
for (const child of children) await child[Symbol.asyncDispose]();
const after = await new Command("echo", { args: ["again"] }).output();
console.log(JSON.stringify({
  name: failure?.name, code: failure?.code, message: failure?.message,
  some: during > 3, kept, leaked: count() > before,
  again: new TextDecoder().decode(after.stdout).trim(),
}));`;

Deno.test({
  name:
    "the limit of descriptors is a clear error, and is over when it is over",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const marker = newMarker();
    const source = `import { Command } from ${JSON.stringify(MOD)};${GREEDY}`;
    const run = await new Deno.Command("sh", {
      args: [
        "-c",
        `ulimit -n 120; exec "$0" "$@"`,
        Deno.execPath(),
        ...evalArgs(source, marker),
      ],
    }).output();
    const result = JSON.parse(
      text(run.stdout) || JSON.stringify(text(run.stderr)),
    );
    assertEquals({ ...result, message: "", name: "" }, {
      name: "",
      code: "EMFILE",
      message: "",
      some: true,
      kept: 0,
      leaked: false,
      again: "again",
    });
    assertStringIncludes(result.message, "ulimit -n");
    assertEquals(processesWith(marker), []);
  },
});

Deno.test({
  name: "the limit of processes is a clear error, and is over when it is over",
  // Root has no such limit; a user is needed that no other process has.
  ignore: !root,
  async fn() {
    const marker = newMarker();
    const deno = await readableDeno();
    const uid = 61_000 + Math.floor(Math.random() * 4000);
    const source = `import { Command } from ${
      JSON.stringify(deno.mod)
    };${GREEDY}`;
    try {
      const run = await new Deno.Command("setpriv", {
        args: [
          `--reuid=${uid}`,
          `--regid=${uid}`,
          "--clear-groups",
          "prlimit",
          "--nproc=60",
          deno.path,
          ...evalArgs(source, marker),
        ],
        env: { DENO_DIR: deno.folder, HOME: deno.folder },
      }).output();
      const result = JSON.parse(
        text(run.stdout) || JSON.stringify(text(run.stderr)),
      );
      assertEquals({ ...result, message: "" }, {
        name: "WouldBlock",
        code: "EAGAIN",
        message: "",
        some: true,
        kept: 0,
        leaked: false,
        again: "again",
      });
      assertStringIncludes(result.message, "ulimit -u");
      assertEquals(processesWith(marker), []);
    } finally {
      // What has been killed may have written to it until now.
      await until(
        () => deno.remove().then(() => true, () => false),
        "an empty folder",
      );
    }
  },
});

Deno.test({
  name: "as an ordinary user a tree is contained as well",
  ignore: !root,
  async fn() {
    const marker = newMarker();
    const deno = await readableDeno();
    const source = `import { Command } from ${JSON.stringify(deno.mod)};
      const child = new Command("sh", {
        args: ["-c", "(setsid sleep $0 &) ; sleep $0 & echo ready; wait", Deno.args[0]],
        stdout: "piped", grace: 0,
      }).spawn();
      await child.stdout.getReader().read();
      const report = await child.stop();
      console.log(report.mechanism, report.escalated >= 3);
      Deno.exit();`;
    try {
      const run = await new Deno.Command("setpriv", {
        args: [
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          deno.path,
          ...evalArgs(source, marker),
        ],
        env: { DENO_DIR: deno.folder, HOME: deno.folder },
      }).output();
      assertEquals(text(run.stdout), "lineage true", text(run.stderr));
      assertEquals(processesWith(marker), []);
    } finally {
      await deno.remove();
    }
  },
});

Deno.test({
  name:
    "a descendant that became another user is named when it cannot be ended",
  ignore: !root,
  async fn() {
    const marker = newMarker();
    const deno = await readableDeno();
    // A set-user-id program that changes its real id too is what gets out of an
    // ordinary user's reach.
    const become = `${deno.folder}/become`;
    await Deno.copyFile("/usr/bin/setpriv", become);
    await Deno.chmod(become, 0o4755);
    const source = `import { Command, SurvivorsError } from ${
      JSON.stringify(deno.mod)
    };
      const child = new Command("sh", {
        args: ["-c", "${become} --reuid=0 --clear-groups sh -c 'echo ready; exec sleep $0' $0 & wait", Deno.args[0]],
        stdout: "piped", stderr: "null", grace: 0,
      }).spawn();
      await child.stdout.getReader().read();
      try { console.log(await child.stop()); }
      catch (error) {
        console.log(error instanceof SurvivorsError, error.survivors.map((one) => one.name).join(), error.message);
      }
      Deno.exit();`;
    try {
      const run = await new Deno.Command("setpriv", {
        args: [
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          deno.path,
          ...evalArgs(source, marker),
        ],
        env: { DENO_DIR: deno.folder, HOME: deno.folder },
      }).output();
      const said = text(run.stdout) + text(run.stderr);
      assertStringIncludes(said, "true sleep");
      assertStringIncludes(said, "runs as another user");
    } finally {
      for (const { pid } of processesWith(marker)) Deno.kill(pid, "SIGKILL");
      await deno.remove();
    }
  },
});
