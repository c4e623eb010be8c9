/** What explain() says of processes that do not end. */

import { assert, assertEquals } from "@std/assert";
import { Command, explain } from "../../../mod.ts";
import { cli } from "../../cli/program.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

// macOS does not tell the signals of a process.
const ignore = Deno.build.os !== "linux";

async function sh(script: string, ready = true) {
  const child = new Command("/bin/sh", {
    args: ["-c", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  if (ready) await child.ready({ line: "ready" });
  return child;
}

/** Looks until the explanation of a process is as expected. */
async function until(
  pid: number,
  expected: (one: ReturnType<typeof explain>) => boolean,
): Promise<ReturnType<typeof explain>> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const found = explain(pid);
    if (expected(found) || performance.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test({
  name:
    "a process that ignores or handles SIGTERM is told from one that does not",
  ignore,
  async fn() {
    await using ignores = await sh("trap '' TERM; echo ready; read x");
    const found = explain(ignores.pid);
    assert(found.ignored?.includes("SIGTERM"));
    assert(/\bit ignores SIGTERM\b/.test(found.reasons.join()));
    await using handles = await sh("trap : TERM; echo ready; read x");
    assert(explain(handles.pid).caught?.includes("SIGTERM"));
    // Shells handle SIGINT besides.
    const { reasons } = explain(handles.pid);
    assert(/\bit handles SIGTERM\b/.test(reasons.join()));
    await using plain = await sh("trap - TERM; echo ready; read x");
    assertEquals(explain(plain.pid).ignored?.includes("SIGTERM"), false);
    assertEquals(explain(plain.pid).caught?.includes("SIGTERM"), false);
    assert(!explain(plain.pid).reasons.join().includes("SIGTERM"));
  },
});

Deno.test({
  name: "a stopped process, and its pending signal, are told",
  ignore,
  async fn() {
    await using child = await sh("echo ready; read x");
    child.kill("SIGSTOP", { tree: false });
    const found = await until(child.pid, (one) => one.state === "stopped");
    assertEquals(
      found.reasons[0],
      "it is stopped, and handles no signal before SIGCONT",
    );
    child.kill("SIGTERM", { tree: false });
    assertEquals(explain(child.pid).pending, ["SIGTERM"]);
  },
});

Deno.test({
  name: "a zombie is told with the parent that has not reaped it",
  ignore,
  async fn() {
    // What becomes of the shell never waits for the child of the shell.
    await using parent = await sh("sleep 0 & echo $!; exec cat", false);
    const lines = parent.lines();
    let zombie = 0;
    for await (const line of lines) {
      zombie = Number(line);
      break;
    }
    const found = await until(
      zombie,
      (one) => one.state === "zombie" && one.parent?.name === "cat",
    );
    assertEquals(found.reasons, [
      `it has ended and runs no more; cat (${parent.pid}) has not reaped it`,
    ]);
  },
});

Deno.test({
  name: "killable explain prints the reasons",
  ignore,
  async fn() {
    await using child = await sh("trap : TERM; echo ready; read x");
    await until(child.pid, (one) => one.state === "sleeping");
    const { code, stdout } = await cli(["explain", `${child.pid}`]);
    assertEquals(code, 0);
    const head = `sh (${child.pid}), sleeping:\n  it handles SIGTERM`;
    assertEquals(stdout.slice(0, head.length), head);
    const json = await cli(["explain", "--json", `${child.pid}`]);
    assertEquals(JSON.parse(json.stdout).pid, child.pid);
    const none = await cli(["explain", "999999999"]);
    assertEquals([none.code, none.stdout], [1, ""]);
    assertEquals((await cli(["explain"])).code, 2);
  },
});

// A cgroup of ours that can be frozen, or null where this user may not make one.
function freezable(): { folder: string; file: string } | null {
  const places = [
    ["/sys/fs/cgroup", "cgroup.freeze"],
    ["/sys/fs/cgroup/unified", "cgroup.freeze"],
    ["/sys/fs/cgroup/freezer", "freezer.state"],
  ];
  for (const [root, file] of places) {
    const folder = `${root}/killable_explain_${Deno.pid}`;
    try {
      Deno.mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      Deno.statSync(`${folder}/${file}`);
      return { folder, file: `${folder}/${file}` };
    } catch {
      Deno.removeSync(folder);
    }
  }
  return null;
}

const cgroup = ignore ? null : freezable();

// A group can be removed when its last process has been reaped.
async function removeGroup(folder: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      return await Deno.remove(folder);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

Deno.test({
  name: "a process in a frozen cgroup is told",
  // Only root, or a user with a delegated cgroup, can freeze one.
  ignore: cgroup === null,
  async fn() {
    const { folder, file } = cgroup!;
    const first = file.endsWith("freezer.state");
    try {
      await using child = await sh("echo ready; read x");
      await Deno.writeTextFile(`${folder}/cgroup.procs`, `${child.pid}`);
      assertEquals(explain(child.pid).frozen, null);
      await Deno.writeTextFile(file, first ? "FROZEN" : "1");
      try {
        const found = await until(child.pid, (one) => one.frozen !== null);
        assertEquals(found.frozen, folder.slice(folder.lastIndexOf("/")));
        assertEquals(found.reasons[0], `its cgroup ${found.frozen} is frozen`);
      } finally {
        await Deno.writeTextFile(file, first ? "THAWED" : "0");
      }
    } finally {
      await removeGroup(folder);
    }
  },
});
