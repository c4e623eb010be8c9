import { assertEquals } from "@std/assert";
import { errorText } from "../../../windows/system/errors.ts";
import { processes, table } from "../../../windows/system/kernel32.ts";
import { ignore, openLibraries } from "../support.ts";

Deno.test.beforeAll(openLibraries);

Deno.test({
  name: "GetLastError right after the call is right under load, 50,000 times",
  ignore,
  async fn() {
    // Another isolate that keeps the process, its heap and its pool busy.
    const busy = URL.createObjectURL(
      new Blob([
        "setInterval(() => { try { Deno.statSync('Z:/no/such'); } catch {} }, 0);" +
        "(async () => { while (true) { try { await Deno.stat('C:/no/such'); } catch {} } })();",
      ], { type: "text/javascript" }),
    );
    const worker = new Worker(busy, { type: "module" });
    const k = table();
    const p = processes();
    let wrong = 0;
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 500; i++) {
        const value = k.OpenProcess(1, 0, 0);
        const code = value === 0n ? k.GetLastError() : 0;
        if (code !== 87) wrong++;
        const ok = p.TerminateProcess(0x12345678n, 1);
        const second = ok ? 0 : p.GetLastError();
        if (second !== 6) wrong++;
        if (i % 100 === 0) new Uint8Array(100_000).fill(i);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    worker.terminate();
    URL.revokeObjectURL(busy);
    assertEquals(wrong, 0);
  },
});

Deno.test({
  name: "errorText() gives the system's words in one line",
  ignore,
  fn() {
    const text = errorText(5);
    assertEquals(text, text.trim());
    assertEquals(text.includes("\n"), false);
    assertEquals(errorText(0x2FFFFFFF), "Unknown error");
  },
});
