import { assertEquals, assertRejects } from "@std/assert";
import { Command } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const COUNT =
  "let n = 0; for await (const piece of Deno.stdin.readable) n += piece.length; console.log(n);";

function counter(input: ReadableStream<Uint8Array>): Command {
  return new Command(denoPath(), { args: evalArgs(COUNT), input });
}

Deno.test("an input stream is fed to its end", async () => {
  const { stdout } = await counter(new Blob(["x".repeat(100_000)]).stream())
    .output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "100000");
});

Deno.test("an input stream that fails is no end of input: the run fails with it", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull(controller): void {
      controller.enqueue(new Uint8Array([65]));
      controller.error(new Error("the source broke"));
    },
  });
  await assertRejects(
    () => counter(broken).output(),
    Error,
    "the source broke",
  );
});

Deno.test("an input stream of something other than bytes is a TypeError", async () => {
  const text = ReadableStream.from(["text"]) as unknown as ReadableStream<
    Uint8Array
  >;
  await assertRejects(
    () => counter(text).output(),
    TypeError,
    "other than a Uint8Array",
  );
});

Deno.test("an input stream that has nothing to give is cancelled and unlocked when the child has ended", async () => {
  let reason: unknown;
  const silent = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull: () => new Promise(() => {}),
      cancel(why): void {
        reason = why;
      },
    });
  const exits = { args: evalArgs("Deno.exit(3)"), stdout: "null" } as const;
  for (const option of ["input", "stdin"] as const) {
    const stream = silent();
    const { code } = await new Command(denoPath(), {
      ...exits,
      [option]: stream,
    }).output();
    assertEquals([code, stream.locked, reason], [
      3,
      false,
      "the child has ended",
    ]);
    reason = undefined;
  }
  const stream = silent();
  await using child = new Command(denoPath(), { ...exits, input: stream })
    .spawn();
  await child.treeExited;
  assertEquals([stream.locked, reason], [false, "the child has ended"]);
});
