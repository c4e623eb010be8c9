// execa.
import { expect, feed, GIB, HEAD, late } from "./node_common.mjs";
import { LIMIT, load, repeat, sixteen, timed } from "./node_common.mjs";

const { execa, execaSync } = await load("execa");

const quiet = { stdio: "ignore" };
const bytes = {
  stdin: "ignore",
  stderr: "ignore",
  encoding: "buffer",
  maxBuffer: 2 * GIB,
  stripFinalNewline: false,
};

async function echo() {
  expect((await execa("/bin/echo", ["x"], bytes)).stdout.length, 2);
}

const capture = repeat(async () =>
  expect((await execa("/usr/bin/head", HEAD, bytes)).stdout.length, GIB)
);

export const cases = {
  spawn: repeat(() => execa("/bin/true", quiet)),
  output: repeat(echo),
  sync: repeat(() =>
    expect(execaSync("/bin/echo", ["x"], bytes).stdout.length, 2)
  ),
  parallel: sixteen(echo),
  stream: repeat(async () => {
    const child = execa("/usr/bin/head", HEAD, { ...bytes, buffer: false });
    let size = 0;
    child.stdout.on("data", (piece) => size += piece.length);
    await child;
    expect(size, GIB);
  }),
  async capture(count) {
    const figures = await capture(count);
    globalThis.gc();
    return figures;
  },
  feed: repeat(async () => {
    const child = execa("/bin/cat", { stdio: ["pipe", "ignore", "ignore"] });
    await feed(child.stdin);
    await child;
  }),
  many: (count) =>
    timed(count, async () => {
      const options = { ...quiet, reject: false };
      const children = Array.from(
        { length: count },
        () => execa("/bin/sleep", ["1000"], options),
      );
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children);
    }),
  late: late(() =>
    execa("/bin/sleep", ["1000"], { ...quiet, timeout: LIMIT, reject: false })
  ),
};
