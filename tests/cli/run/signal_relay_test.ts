/** What becomes of a signal that comes when the command has just ended. */

import { assertEquals } from "@std/assert";
import { denoPath } from "../../fixtures/deno.ts";

const RELAY = JSON.stringify(
  import.meta.resolve("../../../cli/run/signal_relay.ts"),
);
const RUNS = 40;

// A program that is told to end by a signal right before it exits.
async function exits(ending: string): Promise<Set<number>> {
  const code = `
    import { SignalRelay } from ${RELAY};
    const relay = new SignalRelay(["SIGTERM"], () => {});
    // Nothing waits for this: Deno's thread for signals falls asleep, and is late.
    await new Promise((resolve) => setTimeout(resolve, 5));
    Deno.kill(Deno.pid, "SIGTERM");
    ${ending};
    Deno.exit(4);`;
  const codes = new Set<number>();
  for (let run = 0; run < RUNS; run++) {
    const { code: status } = await new Deno.Command(denoPath(), {
      args: ["eval", "--no-config", "--no-lock", code],
      stderr: "null",
    }).output();
    codes.add(status);
  }
  return codes;
}

Deno.test({
  name:
    "a signal that comes with the end of the command is none to this program",
  ignore: Deno.build.os === "windows", // Deno.kill() ends the process there.
  async fn() {
    assertEquals(await exits("relay[Symbol.dispose]()"), new Set([4]));
  },
});
