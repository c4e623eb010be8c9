import { assert, assertEquals } from "@std/assert";
import { hasConsole } from "../../windows/console.ts";
import {
  fixture,
  ignore,
  isWine,
  openLibraries,
  spec,
  start,
} from "./support.ts";

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
  name: "signalTree() sends CTRL_BREAK to a group on our own console",
  // Wine ends the group at once with exit code 1, and calls no handler.
  ignore: ignore || isWine() || !hasConsole(),
  async fn() {
    await using child = start(
      spec(DENO, fixture("tree", "0"), { stdout: "piped", stderr: "inherit" }),
    );
    await child.line();
    assertEquals(child.child.signalTree("SIGTERM", true).method, "CTRL_BREAK");
    assertEquals((await child.exited).signal, "SIGTERM");
  },
});
