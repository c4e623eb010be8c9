// Node's child_process.
import { spawn, spawnSync } from "node:child_process";
import { expect, feed, GIB, HEAD, late } from "./node_common.mjs";
import { LIMIT, repeat, sixteen, timed } from "./node_common.mjs";

const quiet = { stdio: "ignore" };
const exit = (child) => new Promise((resolve) => child.on("close", resolve));

async function read(command, args, keep) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  const pieces = [];
  let size = 0;
  child.stdout.on("data", (piece) => {
    size += piece.length;
    if (keep) pieces.push(piece);
  });
  await exit(child);
  if (keep) expect(Buffer.concat(pieces).length, size);
  return size;
}

async function echo() {
  expect(await read("/bin/echo", ["x"], true), 2);
}

function sleepers(count) {
  return Array.from(
    { length: count },
    () => spawn("/bin/sleep", ["1000"], quiet),
  );
}

async function end(children) {
  const exits = children.map(exit);
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(exits);
}

const once = async () => expect(await exit(spawn("/bin/true", quiet)), 0);
const capture = repeat(async () =>
  expect(await read("/usr/bin/head", HEAD, true), GIB)
);
let resident;
let waiting = [];

export const cases = {
  spawn: repeat(once),
  resident(count) {
    resident ??= Buffer.alloc(GIB, 1);
    return cases.spawn(count);
  },
  output: repeat(echo),
  sync: repeat(() => {
    const { stdout } = spawnSync("/bin/echo", ["x"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    expect(stdout.length, 2);
  }),
  parallel: sixteen(echo),
  stream: repeat(async () =>
    expect(await read("/usr/bin/head", HEAD, false), GIB)
  ),
  async capture(count) {
    const figures = await capture(count);
    globalThis.gc();
    return figures;
  },
  feed: repeat(async () => {
    const stdio = ["pipe", "ignore", "ignore"];
    const child = spawn("/bin/cat", [], { stdio });
    const code = exit(child);
    await feed(child.stdin);
    expect(await code, 0);
  }),
  many: (count) => timed(count, () => end(sleepers(count))),
  late: late(() =>
    exit(spawn("/bin/sleep", ["1000"], { ...quiet, timeout: LIMIT }))
  ),
  idle(count) {
    waiting = sleepers(count);
    return [0];
  },
  async idleEnd() {
    await end(waiting);
    return [0];
  },
};
