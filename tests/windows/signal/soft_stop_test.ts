import { assert, assertEquals } from "@std/assert";
import { Command } from "../../../mod.ts";
import { startHelper } from "../../../windows/signal/console.ts";
import {
  fixture,
  ignore,
  isWine,
  openLibraries,
  spec,
  start,
} from "../support.ts";

Deno.test.beforeAll(openLibraries);

const DENO = Deno.execPath();

Deno.test({
  name:
    "signalTree() reaches a SIGINT listener by CTRL_C on the child's hidden console",
  ignore,
  async fn() {
    await using child = start(
      spec(DENO, fixture("handles_sigint"), { stdout: "piped" }),
    );
    assertEquals(await child.line(), "ready");
    const { method, count } = child.child.signalTree("SIGTERM", true);
    assertEquals([method, count], ["CTRL_C", 1]);
    assertEquals(await child.line(), "asked to end");
    assertEquals(await child.exited, { code: 7, signal: null, lost: false });
  },
});

Deno.test({
  name:
    "signalTree() ends a tree without handlers, and the status names the signal",
  ignore,
  async fn() {
    await using tree = start(
      spec(DENO, fixture("tree", "1"), { stdout: "piped" }),
    );
    await tree.line();
    assertEquals(tree.child.signalTree("SIGINT", true).method, "CTRL_C");
    assertEquals(await tree.exited, {
      code: 130,
      signal: "SIGINT",
      lost: false,
    });
    assert(await tree.child.watchTree().wait(5_000));
  },
});

Deno.test({
  name:
    "signalTree() leaves this process alive, and later children their CTRL_C",
  ignore,
  async fn() {
    for (let round = 0; round < 3; round++) {
      await using child = start(
        spec(DENO, fixture("handles_sigint"), { stdout: "piped" }),
      );
      await child.line();
      child.child.signalTree("SIGINT", true);
      assertEquals((await child.exited).code, 7);
    }
  },
});

Deno.test({
  name: "signalTree() terminates a process that never started, and says so",
  ignore,
  async fn() {
    await using child = start(
      spec(DENO, fixture("tree", "0"), { suspended: true }),
    );
    const { method } = child.child.signalTree("SIGTERM", true);
    assertEquals(method, "TerminateJobObject");
    assertEquals(await child.exited, {
      code: 143,
      signal: "SIGTERM",
      lost: false,
    });
  },
});

Deno.test({
  name: "kill() of a tree that cannot be asked is told in its status",
  ignore,
  async fn() {
    await using child = new Command(DENO, {
      args: fixture("tree", "0"),
      stdin: "null",
      stdout: "null",
      stderr: "null",
      suspended: true,
    }).spawn();
    child.kill("SIGTERM");
    const { code, signal, killed } = await child.status;
    assertEquals([code, signal, killed], [143, "SIGTERM", true]);
  },
});

Deno.test({
  name: "signalTree() closes the window of a program without a console",
  ignore,
  async fn() {
    await using child = start(
      spec(DENO, fixture("window"), { stdout: "piped", stderr: "inherit" }),
    );
    assertEquals(await child.line(), "window");
    const { method, count } = child.child.signalTree("SIGTERM", true);
    assertEquals([method, count], ["WM_CLOSE", 1]);
    assertEquals(await child.line(), "closed");
    assertEquals((await child.exited).code, 6);
  },
});

/** What came of it when a program with a console of its own asked a child. */
async function askedFromConsole(...args: string[]): Promise<unknown> {
  // Without a console of ours, or a stream of ours, a child gets one.
  await using owner = start(
    spec(DENO, fixture("console_owner", ...args), { stdout: "piped" }),
  );
  const [report, alive] = (await owner.text()).trim().split("\n");
  assertEquals(alive, "alive", `it ended itself: ${report}`);
  return JSON.parse(report!);
}

Deno.test({
  name: "a program with a console sends CTRL_C to a hidden one by a helper",
  ignore,
  async fn() {
    assertEquals(
      await askedFromConsole("hidden", "SIGTERM", "handles_sigint"),
      {
        console: true,
        method: "CTRL_C",
        code: 7,
      },
    );
  },
});

Deno.test({
  name: "a helper that has not sent the event is replaced by the next means",
  ignore,
  async fn() {
    assertEquals(
      await askedFromConsole("helpless", "SIGTERM", "handles_sigint"),
      { console: true, method: "TerminateJobObject", code: 143 },
    );
  },
});

Deno.test({
  name: "CTRL_C arrives although this program was started in a new group",
  ignore,
  async fn() {
    await using group = start(
      spec(DENO, fixture("new_group", "stops_child", "2"), { stdout: "piped" }),
    );
    assertEquals(
      (await group.text()).replaceAll("\r", ""),
      "CTRL_C 7, CTRL_C 7\nalive\n",
    );
  },
});

for (const how of ["protected", "unprotected"]) {
  Deno.test({
    // An event that arrives when the console has been left, and its handlers with it.
    name: `a program without a console, ${how}, asks twice and lives on or not`,
    ignore,
    async fn() {
      await using program = start(
        spec(DENO, fixture("stops_child", "2", how), { stdout: "piped" }),
      );
      const lives = (await program.text()).includes("alive");
      assertEquals(lives, how === "protected");
    },
  });
}

Deno.test({
  name:
    "cmd.exe that asks whether to end a batch job is ended, before the grace",
  ignore,
  async fn() {
    await using child = new Command(DENO, {
      args: fixture("asking_shell"),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await child.stdout.getReader().read();
    const report = await child.stop({ signal: "SIGINT", grace: 60_000 });
    assertEquals([report.signal, report.escalated], ["CTRL_C", 0]);
    assertEquals((await child.status).code, 7);
  },
});

Deno.test({
  name: "a helper that cannot be started is none, and no error",
  ignore,
  fn() {
    assertEquals(startHelper([Deno.pid], 0, "C:\\nowhere\\deno.exe"), null);
  },
});

Deno.test({
  name: "a child on our console without a group is not asked: we would hear it",
  ignore,
  async fn() {
    assertEquals(await askedFromConsole("shared", "SIGTERM", "tree", "0"), {
      console: true,
      method: "TerminateJobObject",
      code: 143,
    });
  },
});

for (
  const [connection, signal] of [["hidden", "SIGBREAK"], ["group", "SIGTERM"]]
) {
  Deno.test({
    name: `a program with a console sends CTRL_BREAK to a ${connection} one`,
    // Wine makes it a Unix signal that ends a thread, or nothing.
    ignore: ignore || isWine(),
    async fn() {
      assertEquals(
        await askedFromConsole(connection!, signal!, "handles_sigbreak"),
        { console: true, method: "CTRL_BREAK", code: 7 },
      );
    },
  });
}
