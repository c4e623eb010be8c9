import { assert, assertEquals } from "@std/assert";
import { completionPort } from "../../../windows/wait/completion_port.ts";
import { ignore, openLibraries } from "../support.ts";

Deno.test.beforeAll(openLibraries);

/** The event loop turns: calls that were to be made have been made. */
function turned(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

// With the sanitizer of operations on: a call that is left fails the test.
Deno.test({
  name: "settled() waits for the call that the last release has woken",
  ignore,
  async fn() {
    const port = completionPort();
    assertEquals(port.settled(), null);
    port.hold();
    await turned();
    assertEquals(port.settled(), null, "it is needed");
    port.release();
    const settled = port.settled();
    assert(settled !== null, "it is on its way back");
    await settled;
    assertEquals(port.settled(), null);
  },
});

Deno.test({
  name: "settled() resolves although the port is held again meanwhile",
  ignore,
  async fn() {
    const port = completionPort();
    port.hold();
    await turned();
    port.release();
    const settled = port.settled();
    port.hold();
    assertEquals(port.settled(), null);
    await settled;
    await turned();
    port.release();
    await port.settled();
  },
});

Deno.test({
  name: "what is held and released at once makes no call",
  ignore,
  fn() {
    const port = completionPort();
    port.hold();
    port.release();
    assertEquals(port.settled(), null);
  },
});
