// What the contenders in Node share.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import process from "node:process";

export const GIB = 2 ** 30;
export const HEAD = ["-c", "1G", "/dev/zero"];
export const LIMIT = 30;

// A package of npm, from the cache of the benchmark.
export function load(name) {
  const folder = pathToFileURL(`${process.env.BENCH_NPM}/`);
  return import(pathToFileURL(createRequire(folder).resolve(name)).href);
}

export function expect(actual, wanted) {
  if (actual !== wanted) throw new Error(`got ${actual}, wanted ${wanted}`);
}

export async function timed(count, run) {
  const began = performance.now();
  await run();
  return [(performance.now() - began) / count];
}

export const repeat = (once) => (count) =>
  timed(count, async () => {
    for (let i = 0; i < count; i++) await once();
  });

// How late each of `count` runs with a time limit ended.
export const late = (once) => async (count) => {
  const figures = [];
  while (figures.length < count) {
    const began = performance.now();
    await once();
    figures.push(performance.now() - began - LIMIT);
  }
  return figures;
};

// So many commands, 16 at a time.
export const sixteen = (once) => (count) =>
  timed(count, async () => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await once();
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  });

// Writes 1 GiB to a stream, as fast as it takes it.
export async function feed(stdin) {
  const piece = Buffer.alloc(1 << 20);
  for (let i = 0; i < 1024; i++) {
    if (!stdin.write(piece)) {
      await new Promise((resolve) => stdin.once("drain", resolve));
    }
  }
  stdin.end();
}
