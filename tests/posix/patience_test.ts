/** When a thread of the pool is used to wait for the output of a captured child. */

import { assert, assertEquals, assertGreater } from "@std/assert";

const ignore = Deno.build.os !== "linux"; // Where the function has this name.
const MOD = JSON.stringify(import.meta.resolve("../../mod.ts"));

/** How often a thread waited during the best of some runs of a shell script. */
async function waits(script: string, runs: number): Promise<number> {
  const code = `
    const original = Deno.dlopen;
    let calls = 0;
    Deno.dlopen = (path, wanted) => {
      const { symbols } = original(path, wanted);
      const wait = symbols.epoll_wait_async;
      if (wait === undefined) return { symbols };
      const epoll_wait_async = (...args) => (calls++, wait(...args));
      return { symbols: { ...symbols, epoll_wait_async } };
    };
    const { Command } = await import(${MOD});
    let best = Infinity;
    for (let i = 0; i < ${runs} && best > 0; i++) {
      calls = 0;
      const { stdout } = await new Command("sh", {
        args: ["-c", ${JSON.stringify(script)}],
      }).output();
      if (stdout.length === 0) throw new Error("no output");
      best = Math.min(best, calls);
    }
    console.log(best);`;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-lock", code],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

Deno.test(
  "none for a short command, not even when it says something before its end",
  {
    ignore,
  },
  async () => {
    // It has 48 ms; on a busy machine one of many runs has them.
    assertEquals(await waits("echo; sleep 0.01; echo", 50), 0);
  },
);

Deno.test("one for a long command, and for one that has much to say", {
  ignore,
}, async () => {
  assertGreater(await waits("sleep 0.2; echo", 1), 0);
  assertGreater(await waits("head -c 30000000 /dev/zero", 1), 0);
});
