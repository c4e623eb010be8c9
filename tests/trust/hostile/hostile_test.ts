import { assert, assertEquals } from "@std/assert";
import { Command } from "../../../mod.ts";
import { denoPath } from "../../fixtures/deno.ts";
import { evalArgs, IDLE, waitForText } from "../../fixtures/eval.ts";
import { warmUp } from "../../fixtures/warm_up.ts";
import { attack } from "./hostile.ts";

Deno.test.beforeAll(warmUp);

Deno.test("hostile commands arrive as they are, or are refused without giving anything away", () => {
  const { findings, tried } = attack({
    seed: 8,
    count: 1000,
    budget: 8000,
    only: null,
  });
  assertEquals(findings, []);
  assert(tried > 0);
});

// Opens what a look at the usage opens: not a leak of the test that looks first.
Deno.test.beforeAll(async () => {
  const version = new Command(denoPath(), { args: ["--version"] });
  Deno.inspect((await version.output()).usage.tree);
});

Deno.test("a running child and its reports give nothing of their command away", async () => {
  const secret = "s3cr3t-of-a-child";
  const hidden = "s3cr3t-of-its-environment";
  const child = new Command(denoPath(), {
    args: evalArgs(IDLE, secret),
    env: { KT_SECRET: hidden },
    stdin: "null",
    stdout: "piped",
    grace: 0,
  }).spawn();
  await waitForText(child.stdout);
  const shown = Deno.inspect(child, { depth: 20, showHidden: true });
  const report = await child.stop();
  await child.stdout.cancel();
  const status = await child.status;
  const reports = [report, status];
  const all = shown + Deno.inspect(reports, { depth: 20 }) +
    JSON.stringify(reports);
  assert(!all.includes(hidden), all);
  // A report names processes with their command lines, as ps does; nothing else does.
  const rest = shown +
    JSON.stringify(reports, (key, value) => key === "command" ? "" : value);
  assert(!rest.includes(secret), rest);
});
