/**
 * Writes docs/ends.md: each way in which an owner of trees ends, with each kind of
 * tree. `deno run -A tests/ends/main.ts`; as root on Linux, where sudo is.
 *
 * @module
 */

import { GRACE, type Outcome, tryEnd, VICTIMS, WAYS } from "./ends.ts";

const KINDS: Readonly<Record<string, string>> = {
  server: "a server that cleans up for 0.5 s",
  deaf: "a deaf process",
  daemon: "a daemon that cleans up for 0.5 s",
  sudo: "below sudo, cleans up for 0.5 s",
};

// To a tenth of a second: more would be another figure each time.
function cell({ signalled, cleaned, goneAfter }: Outcome): string {
  if (goneAfter === Infinity) return "**lives on**";
  const gone = `gone after ${(goneAfter / 1000).toFixed(1)} s`;
  if (!signalled) return `killed, ${gone}`;
  return `${cleaned ? "signal, clean-up" : "signal, grace"}, ${gone}`;
}

async function table(asInit: boolean): Promise<string> {
  const heads = VICTIMS.map((victim) => KINDS[victim]);
  const lines = [
    `| end | ${heads.join(" | ")} |`,
    `| --- | ${heads.map(() => "---").join(" | ")} |`,
  ];
  for (const way of WAYS) {
    // Process 1 has no handler of a signal but its own: these do not end it.
    if (asInit && way.startsWith("SIG")) continue;
    const outcomes = await tryEnd({ way, victims: VICTIMS, asInit });
    lines.push(`| ${way} | ${outcomes.map(cell).join(" | ")} |`);
  }
  return lines.join("\n");
}

const text = `<!-- Written by tests/ends/main.ts -->

# How trees end with their owner

Each row was tried, with four trees at a time, each with a grace of ${
  GRACE / 1000
} seconds. Times are from the end of the owner until nothing of the tree lived, with
Deno ${Deno.version.deno} on ${Deno.build.os}. \`grace: 0\` and
\`killOnParentExit: "now"\` leave out the signal and the grace.

## Linux

${await table(false)}

## Linux, the owner as process 1 of a pid namespace

When process 1 ends, the kernel kills all others of the namespace at once, and the
guard with them. What ends without it is as above.

${await table(true)}
`;

const path = new URL("../../docs/ends.md", import.meta.url);
await Deno.writeTextFile(path, text);
await new Deno.Command(Deno.execPath(), {
  args: ["fmt", "--quiet", path.pathname],
})
  .output();
// deno-lint-ignore no-console
console.log("docs/ends.md is written");
