// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `deno task build [--compile] [FOLDER]`: what a release carries besides the
 * package. In the folder, `dist` by default:
 *
 * - `killable_process.js` and `.d.ts`: the library, in one file without imports,
 * - `killable.js`: the command line, likewise,
 * - with `--compile`, the command line as a program for each of five targets,
 * - `SHA256SUMS` of all of them.
 *
 * One file loads in a third of the time of the modules. `deno bundle` fetches
 * esbuild from npm, `deno compile` the runtime of each target from dl.deno.land.
 *
 * @module
 */

import { readArguments } from "../runner/arguments.ts";
import { PROJECT } from "../runner/project.ts";
import { chooseStd } from "../runner/std.ts";

const LIBRARY = "killable_process";
const PROGRAM = "killable";

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

async function deno(...args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: PROJECT,
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).spawn().status;
  if (!success) throw new Error(`deno ${args.join(" ")} failed`);
}

/** The modules of the library that types can come from. */
async function modules(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config", "--no-lock", "mod.ts"],
    cwd: PROJECT,
  }).output();
  const info = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string }[];
  };
  return info.modules.map((one) => one.specifier.replace(PROJECT.href, ""))
    .filter((path) => /^(process|backend|ffi)\//.test(path));
}

/**
 * Writes the declarations of the library. `deno bundle --declaration` puts those
 * of the modules that run behind each other and leaves the rest as imports: so
 * every module is exported, and what mod.ts does not export is made private.
 */
async function declare(target: string): Promise<void> {
  const entry = new URL(".types.ts", PROJECT);
  const work = await Deno.makeTempDir();
  try {
    const all = (await modules()).map((path) => `export * from "./${path}";\n`);
    await Deno.writeTextFile(entry, all.join(""));
    // The compiler options of deno.json do not go with Deno's own declarations.
    // deno-fmt-ignore
    await deno("bundle", "--quiet", "--no-lock", "--no-config", "--declaration", "--output", `${work}/types.js`, entry.pathname);
    const text = (await Deno.readTextFile(`${work}/types.d.ts`))
      .replace(/^(import|export) (type )?\{[^}]*\}( from "[^"]*")?;\n/gm, "")
      .replace(/^export (?=declare|interface|type|abstract)/gm, "");
    await Deno.writeTextFile(
      target,
      `${text}export {\n${await exported()}};\n`,
    );
  } finally {
    await Deno.remove(entry);
    await Deno.remove(work, { recursive: true });
  }
}

/** The names that mod.ts exports, a line each. */
async function exported(): Promise<string> {
  const text = await Deno.readTextFile(new URL("mod.ts", PROJECT));
  let names = "";
  for (const [, type, list] of text.matchAll(/^export (type )?\{([^}]*)\}/gm)) {
    for (const name of list!.split(",")) {
      if (name.trim() !== "") names += `  ${type ?? ""}${name.trim()},\n`;
    }
  }
  return names;
}

/** Puts the line that names the types at the head of a file. */
async function nameTypes(file: string): Promise<void> {
  const text = await Deno.readTextFile(file);
  const types = `./${LIBRARY}.d.ts`;
  await Deno.writeTextFile(file, `/* @ts-self-types="${types}" */\n${text}`);
}

/** Throws when a file needs another one. */
async function expectSelfContained(file: string): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config", "--no-lock", file],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string }[];
  };
  const others = modules.map((one) => one.specifier)
    .filter((one) => !one.endsWith(`/${LIBRARY}.d.ts`));
  if (others.length !== 1) {
    throw new Error(`${file} is not whole: it needs ${others.join(", ")}`);
  }
}

async function bundleAll(folder: string, offline: boolean): Promise<string[]> {
  const library = `${folder}/${LIBRARY}.js`;
  const program = `${folder}/${PROGRAM}.js`;
  const { flags } = await chooseStd(offline);
  // Half of the time in which the file loads is for its length. The names of classes
  // are in messages and in what console.log() shows.
  // deno-fmt-ignore
  const bundle = [
    "bundle", "--quiet", "--no-lock", "--minify", "--keep-names", ...flags,
    "--output",
  ];
  await deno(...bundle, library, "mod.ts");
  await deno(...bundle, program, "cli.ts");
  await declare(`${folder}/${LIBRARY}.d.ts`);
  await nameTypes(library);
  for (const file of [library, program]) await expectSelfContained(file);
  return [`${LIBRARY}.js`, `${LIBRARY}.d.ts`, `${PROGRAM}.js`];
}

async function compileAll(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const target of TARGETS) {
    const file = `${PROGRAM}-${target}${
      target.includes("windows") ? ".exe" : ""
    }`;
    // deno-fmt-ignore
    await deno("compile", "--quiet", "--no-config", "--no-lock", "-A", "--target", target, "--output", `${folder}/${file}`, `${folder}/${PROGRAM}.js`);
    files.push(file);
  }
  return files;
}

async function sumOf(file: string): Promise<string> {
  const bytes = await Deno.readFile(file);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (one) => one.toString(16).padStart(2, "0")).join(
    "",
  );
}

const { flags, paths, offline } = readArguments(Deno.args);
const folder = new URL(`${paths[0] ?? "dist"}/`, PROJECT).pathname
  .replace(/\/$/, "");
await Deno.mkdir(folder, { recursive: true });
const files = await bundleAll(folder, offline);
if (flags.includes("--compile")) files.push(...await compileAll(folder));
let sums = "";
for (const file of files) {
  sums += `${await sumOf(`${folder}/${file}`)}  ${file}\n`;
}
await Deno.writeTextFile(`${folder}/SHA256SUMS`, sums);
console.log(sums.trimEnd());
