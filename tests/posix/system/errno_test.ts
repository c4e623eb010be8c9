/** errno, read right behind a call that goes through libffi. */

import { assertEquals } from "@std/assert";
import { EMULATED_MACOS } from "../../fixtures/deno.ts";
import { denoUnderTest } from "../../fixtures/deno.ts";

const LIBC = JSON.stringify(
  import.meta.resolve("../../../posix/system/libc.ts"),
);
// An emulated processor takes 100 times as long for a call.
const EMULATED = Deno.env.get("KILLABLE_TEST_QEMU") !== undefined;
const ROUNDS = EMULATED ? 20_000 : 250_000;

// Results of 32 bits and pointers, numbers and strings as parameters. A collection
// that runs between a call and its errno may set EAGAIN, as it waits for its threads:
// so nothing is allocated there, and the collections are right before the calls.
const PROGRAM = `
  import { bindErrno, errno, libc, libcWait } from ${LIBC};
  const { gc } = globalThis;
  bindErrno();
  const c = libc();
  const w = libcWait();
  const nowhere = new TextEncoder().encode("/nowhere/at/all\\0");
  const bytes = new Uint8Array(8);
  const EBADF = 9, ENOENT = 2, EINVAL = 22, ERANGE = 34;
  const wrong = {};
  const junk = [];
  function expect(call, failed, code, expected) {
    if (failed && code === expected) return;
    const key = call + " " + failed + " " + code;
    wrong[key] = (wrong[key] ?? 0) + 1;
  }
  let calls = 0;
  for (let i = 0; i < ${ROUNDS}; i++) {
    if (i % 1000 === 0) gc();
    const closed = c.close(-1);
    expect("close", closed === -1, errno(), EBADF);
    junk[i % 100] = new Uint8Array(i % 5000);
    const access = c.access(nowhere, 0);
    expect("access", access === -1, errno(), ENOENT);
    if (i % 1000 === 500) gc({ type: "minor" });
    const read = c.read(-1, bytes, 8n);
    expect("read", read === -1, errno(), EBADF);
    const cwd = w.getcwd(bytes, 1n);
    expect("getcwd", cwd === null, errno(), ERANGE);
    junk[i % 100] = { cwd, more: "x".repeat(i % 100) };
    calls += 4;
  }
  console.log(JSON.stringify({ calls, wrong }));`;

Deno.test({
  name:
    "errno right behind a call is right a million times, collections between",
  // There it is a number of the emulation's own.
  ignore: Deno.build.os === "windows" || EMULATED_MACOS,
  async fn() {
    const file = await Deno.makeTempFile({ suffix: ".js" });
    try {
      await Deno.writeTextFile(file, PROGRAM);
      const { stdout, stderr } = await new Deno.Command(denoUnderTest(), {
        // deno-fmt-ignore
        args: ["run", "-A", "--no-config", "--no-lock", "--v8-flags=--expose-gc", file],
      }).output();
      const decoder = new TextDecoder();
      const text = decoder.decode(stdout) || decoder.decode(stderr);
      assertEquals(
        text.trim(),
        JSON.stringify({ calls: 4 * ROUNDS, wrong: {} }),
      );
    } finally {
      await Deno.remove(file);
    }
  },
});
