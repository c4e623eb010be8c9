// tree-kill and fkill, at the trees of tree.c.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import process from "node:process";
import { load } from "./node_common.mjs";

const treeKill = promisify((await load("tree-kill")).default);
const { default: fkill } = await load("fkill");

const killers = {
  treeKill: (pid) => treeKill(pid, "SIGKILL"),
  fkill: (pid) => fkill(pid, { force: true }),
  fkillGroup: (pid) => fkill(-pid, { force: true }),
};

function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// From the kill until the leader is reaped and nobody holds the pipe.
async function end(name, size, kind) {
  const child = spawn(process.env.BENCH_TREE, [size, kind], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const closed = new Promise((resolve) => child.on("close", resolve));
  const exited = new Promise((resolve) => child.on("exit", resolve));
  let text = "";
  await new Promise((resolve) => {
    child.stdout.on("data", (piece) => {
      text += piece;
      if (text.length === 10 * Number(size)) resolve();
    });
  });
  const members = text.trim().split("\n").map(Number);
  const began = performance.now();
  await killers[name](child.pid);
  await exited;
  // Who has been sent SIGKILL is gone by then; who has not will never be.
  const patience = pause(1000).then(() => "patience");
  if (await Promise.race([closed, patience]) !== "patience") {
    return performance.now() - began;
  }
  const left = members.filter(isAlive);
  for (const pid of left) process.kill(pid, "SIGKILL");
  await closed;
  throw new Error(`leaves ${left.length} of ${size} alive`);
}

export const cases = {
  async tree(count, size, kind, name) {
    const figures = [];
    while (figures.length < count) figures.push(await end(name, size, kind));
    return figures;
  },
};
