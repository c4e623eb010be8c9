/** The package type-checks in the projects of others, whatever their settings. */

import { assert, assertEquals } from "@std/assert";
import { denoPath } from "../fixtures/deno.ts";
import { PROJECT } from "./project.ts";

// What a project can ask for beyond `strict`: it holds for what is imported by path.
const STRICTEST = {
  strict: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  erasableSyntaxOnly: true,
  exactOptionalPropertyTypes: true,
  isolatedDeclarations: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
};

// As an older project has it.
const PLAIN = {
  exactOptionalPropertyTypes: false,
  noUncheckedIndexedAccess: false,
};

// Every assignment is one that code for Deno.Command makes when its import is changed,
// or that shares options between both.
const BOTH_WAYS = `
import {
  ChildProcess,
  Command,
  type CommandOptions,
  type CommandOutput,
  type CommandStatus,
  spawn,
} from ${JSON.stringify(new URL("mod.ts", PROJECT).href)};

export const ours = (options: Deno.CommandOptions): CommandOptions => options;
// What both have, with what only one of them has left to it.
export const shared: CommandOptions & Deno.CommandOptions = {
  args: ["--version"],
  stdin: "null",
  stdout: "piped",
  stderr: "inherit",
  env: { A: "1" },
  timeout: 1000,
};
export const forDeno: Deno.CommandOptions = shared;
export const forUs: CommandOptions = shared;
export const classes: typeof Deno.Command = Command;
export const command: Deno.Command = new Command("a", shared);
export const denos: Deno.Command = new Deno.Command("a", shared);
export const child = (one: ChildProcess): Deno.ChildProcess => one;
export const status = (one: CommandStatus): Deno.CommandStatus => one;
export const output = (one: CommandOutput): Deno.CommandOutput => one;
export const started = (): Deno.ChildProcess => spawn("a", shared);
// A function that takes Deno's options can be given one that takes ours.
export const taker: (options: Deno.CommandOptions) => unknown = (
  options: CommandOptions,
): unknown => options;
`;

async function check(
  source: string,
  compilerOptions: Readonly<Record<string, boolean>>,
): Promise<{ code: number; said: string }> {
  const folder = await Deno.makeTempDir({ prefix: "killable-consumer-" });
  try {
    const config = JSON.stringify({ compilerOptions });
    await Deno.writeTextFile(`${folder}/deno.json`, config);
    await Deno.writeTextFile(`${folder}/consumer.ts`, source);
    const { code, stderr } = await new Deno.Command(denoPath(), {
      args: ["check", "--no-lock", "consumer.ts"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    return { code, said: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("types go both ways, in the strictest project and in a plain one", async () => {
  for (const options of [STRICTEST, PLAIN]) {
    const { code, said } = await check(BOTH_WAYS, options);
    assertEquals(code, 0, said);
    assert(!said.includes("ignored"), said);
  }
});

Deno.test("the halves of both systems type-check in the strictest project", async () => {
  const halves = ["posix/mod.ts", "windows/mod.ts"].map((path) =>
    `import ${JSON.stringify(new URL(path, PROJECT).href)};\n`
  ).join("");
  const { code, said } = await check(halves, STRICTEST);
  assertEquals(code, 0, said);
});

Deno.test("the strictest project refuses what it should", async () => {
  const { code, said } = await check(
    `export enum A { B }
const words: Record<string, string> = {};
export const c = Math.max(1);
export const d: string | undefined = words.e;
`,
    STRICTEST,
  );
  assertEquals(code, 1);
  for (const mistake of ["TS1294", "TS4111", "TS9010"]) {
    assert(said.includes(mistake), `${mistake} is not in: ${said}`);
  }
});
