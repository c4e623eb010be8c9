// Node's child_process as a contender: one line `CASE COUNT` on standard input
// runs a case that often, and is answered with milliseconds.
// deno-lint-ignore-file no-console -- its answers are lines on stdout
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const quiet = { stdio: "ignore" };
const exit = (child) => new Promise((resolve) => child.on("close", resolve));

async function capture(command, args, keep) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  const pieces = [];
  let size = 0;
  child.stdout.on("data", (piece) => {
    size += piece.length;
    if (keep) pieces.push(piece);
  });
  await exit(child);
  if (keep) Buffer.concat(pieces);
  return size;
}

const cases = {
  spawn: () => exit(spawn("/bin/true", quiet)),
  output: () => capture("/bin/echo", ["x"], true),
  stream: () => capture("/usr/bin/head", ["-c", "1G", "/dev/zero"], false),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, count] = line.split(" ");
  const began = performance.now();
  if (name === "many") {
    const children = [];
    for (let i = 0; i < Number(count); i++) {
      children.push(spawn("/bin/sleep", ["1000"], quiet));
    }
    const exits = children.map(exit);
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(exits);
  } else {
    for (let i = 0; i < Number(count); i++) await cases[name]();
  }
  console.log((performance.now() - began).toFixed(3));
}
