import { assert, assertEquals } from "@std/assert";
import { completionPort } from "../../../windows/wait/completion_port.ts";
import {
  alive,
  fixture,
  ignore,
  openLibraries,
  spec,
  start,
  until,
} from "../support.ts";

Deno.test.beforeAll(openLibraries);

/** The messages of the job that was connected last come to nothing from now on. */
function loseMessages(): void {
  const port = completionPort();
  port.forget(port.register(() => {}) - 1n);
}

Deno.test({
  name: "an exit is seen although no message of its job arrives",
  ignore,
  async fn() {
    await using child = start(spec("cmd", ["/c", "pause"], { stdin: "piped" }));
    loseMessages();
    await child.child.stdin!.write(new TextEncoder().encode("\r\n"));
    child.child.stdin!.close();
    assertEquals((await child.exited).code, 0);
    assert(await child.child.watchTree().wait(5_000));
  },
});

Deno.test({
  name: "the end of a tree is seen although no message of its job arrives",
  ignore,
  async fn() {
    await using tree = start(
      spec(Deno.execPath(), fixture("tree", "1", "detached"), {
        stdout: "piped",
      }),
    );
    loseMessages();
    const [, below] = (await tree.line()).split(" ").map(Number);
    tree.child.signalLeader("SIGKILL");
    assertEquals((await tree.exited).signal, "SIGKILL");
    tree.child.release();
    const empty = tree.child.watchTree().wait(15_000);
    assert(alive(below!));
    Deno.kill(below!, "SIGKILL");
    assert(await empty);
    await until("it is gone", () => !alive(below!));
  },
});
