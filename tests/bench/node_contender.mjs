// Contenders in Node: `node node_contender.mjs child_process|execa|trees`. One
// line `CASE COUNT` on standard input is answered with one line of figures, or
// with `!` and why there are none, as by contender.ts.
// deno-lint-ignore-file no-console -- its answers are lines on stdout
import { createInterface } from "node:readline";
import process from "node:process";

const { cases } = await import(`./node_${process.argv[2]}.mjs`);

for await (const line of createInterface({ input: process.stdin })) {
  const [what, count] = line.split(" ");
  const [name, ...details] = what.split(":");
  try {
    const figures = await cases[name](Number(count), ...details);
    console.log(figures.map((figure) => figure.toFixed(4)).join(" "));
  } catch (error) {
    console.log(`! ${error.message}`);
  }
}
