/**
 * `peak.ts ours|deno output|outputSync`: captures 256 MiB, and says by how many
 * times that size the peak of the resident memory has grown.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- its answer is a line on stdout

const SIZE = 256 * 2 ** 20;

function resident(name: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(new RegExp(`${name}:\\s*(\\d+) kB`).exec(status)?.[1]) * 1024;
}

const [who, how] = Deno.args;
const Command = who === "deno"
  ? Deno.Command
  : (await import("../../../mod.ts")).Command;

async function capture(size: number): Promise<void> {
  const command = new Command("/usr/bin/head", {
    args: ["-c", String(size), "/dev/zero"],
  });
  const { stdout } = how === "output"
    ? await command.output()
    : command.outputSync();
  if (stdout.length !== size) throw new Error(`got ${stdout.length}`);
}

// What the first run loads is not what the output takes.
await capture(1);
const before = resident("VmRSS");
await capture(SIZE);
console.log((resident("VmHWM") - before) / SIZE);
