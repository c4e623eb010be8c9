/** When a thread of the pool is used to wait for the output of a child. */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";

const ignore = Deno.build.os !== "linux"; // Where the function has this name.
const MOD = JSON.stringify(import.meta.resolve("../../../mod.ts"));

/** How often a thread waited during the best of some runs of a shell script, or one that is good enough. */
async function waits(
  script: string,
  runs: number,
  enough = 0,
): Promise<number> {
  const code = `
    // A function for the pool is bound by its address.
    const Original = Deno.UnsafeFnPointer;
    let calls = 0;
    Deno.UnsafeFnPointer = class extends Original {
      call(...args) {
        if (this.definition.name === "epoll_wait") calls++;
        return super.call(...args);
      }
    };
    const { Command } = await import(${MOD});
    let best = Infinity;
    for (let i = 0; i < ${runs} && best > ${enough}; i++) {
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

Deno.test("one for a long command, also after it has had much to say", {
  ignore,
}, async () => {
  assertGreater(await waits("sleep 0.2; echo", 1), 0);
  const much = "head -c 30000000 /dev/zero; sleep 0.2; echo";
  assertGreater(await waits(much, 1), 0);
});

Deno.test("few for a writer that keeps up with its reader", {
  // With one processor, it does not write while it is looked at.
  ignore: ignore || navigator.hardwareConcurrency < 2,
}, async () => {
  // One for each 4 MiB are 48, so that other events have their turn. With one for each
  // time that the pipe is found empty, there are 200 to 500.
  assertLess(await waits("head -c 200000000 /dev/zero", 20, 119), 120);
});
