import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Command } from "../../mod.ts";
import { denoArgs, denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE, waitForText } from "../fixtures/eval.ts";
import { DIFFERENCES } from "./differences.ts";

const deno = denoPath();
const MOD = import.meta.resolve("../../mod.ts");
const PROBE = import.meta.resolve("../fixtures/permission_probe.ts");

interface Attempt {
  readonly program: string;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly clearEnv?: boolean;
}

interface Outcome {
  readonly kind: string;
  readonly message: string;
}

/** What Deno.Command and Command make of the same attempt. */
async function probe(
  attempt: Attempt,
  permissions: readonly string[],
): Promise<{ theirs: Outcome; ours: Outcome }> {
  const { code, stdout, stderr } = await new Deno.Command(deno, {
    args: denoArgs(PROBE, [JSON.stringify(attempt)], [
      "--no-prompt",
      ...permissions,
    ]),
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals([code, text(stderr)], [0, ""]);
  const [theirs, ours] = JSON.parse(text(stdout)) as [string, string][];
  return {
    theirs: { kind: theirs![0], message: theirs![1] },
    ours: { kind: ours![0], message: ours![1] },
  };
}

const VERSION: Attempt = { program: deno, args: ["--version"] };

const ALIKE: readonly (readonly [string, Attempt, string[], string])[] = [
  ["--allow-run allows every program", VERSION, ["--allow-run"], "started"],
  [
    "a scoped --allow-run allows its program",
    VERSION,
    [`--allow-run=${deno}`],
    "started",
  ],
  ["without --allow-run nothing is started", VERSION, [], "NotCapable"],
  ["a scoped --allow-run allows no other program", VERSION, [
    "--allow-run=/bin/other",
  ], "NotCapable"],
  ["--deny-run of the program denies it", VERSION, [
    "--allow-run",
    `--deny-run=${deno}`,
  ], "NotCapable"],
  ["--deny-run denies everything", VERSION, ["--deny-run"], "NotCapable"],
  [
    "LD_PRELOAD needs the unscoped permission",
    { ...VERSION, env: { LD_PRELOAD: "/nowhere.so" } },
    [`--allow-run=${deno}`],
    "NotCapable",
  ],
  [
    "DYLD_INSERT_LIBRARIES needs the unscoped permission",
    { ...VERSION, env: { DYLD_INSERT_LIBRARIES: "/nowhere.dylib" } },
    [`--allow-run=${deno}`],
    "NotCapable",
  ],
  [
    "lower case does not get round that",
    { ...VERSION, env: { ld_library_path: "/nowhere" } },
    [`--allow-run=${deno}`],
    "NotCapable",
  ],
  ["an empty LD_PRELOAD is none", { ...VERSION, env: { LD_PRELOAD: "" } }, [
    `--allow-run=${deno}`,
  ], "started"],
  [
    "LD_* is allowed with the unscoped permission",
    { ...VERSION, env: { LD_LIBRARY_PATH: "/nowhere" } },
    ["--allow-run"],
    "started",
  ],
  [
    "a missing program is told apart from a forbidden one",
    { program: "no-such-program-anywhere" },
    ["--allow-run"],
    "NotFound",
  ],
];

for (const [name, attempt, flags, expected] of ALIKE) {
  Deno.test(`run permission as with Deno.Command: ${name}`, async () => {
    const { theirs, ours } = await probe(attempt, ["--allow-ffi", ...flags]);
    assertEquals(
      [theirs.kind, ours.kind],
      [expected, expected],
      `Deno: ${theirs.message}; we: ${ours.message}`,
    );
    if (expected === "started") assertEquals(ours.message, theirs.message);
    if (expected === "NotCapable") {
      assertStringIncludes(ours.message, "--allow-run");
    }
  });
}

Deno.test("a missing program is not told to who may not run it", async () => {
  const { theirs, ours } = await probe(
    { program: "no-such-program-anywhere" },
    ["--allow-ffi", `--allow-run=${deno}`],
  );
  assertEquals(ours.kind, theirs.kind, `${ours.message}; ${theirs.message}`);
});

Deno.test("without --allow-ffi nothing is started, and the message names the flag", async () => {
  const { theirs, ours } = await probe(VERSION, ["--allow-run"]);
  assertEquals([theirs.kind, ours.kind], ["started", "NotCapable"]);
  assertStringIncludes(ours.message, "ffi");
});

Deno.test("--allow-ffi and --allow-run are all that is needed", async () => {
  const { ours } = await probe(VERSION, ["--allow-ffi", "--allow-run"]);
  assertEquals(ours, { kind: "started", message: "0" });
});

Deno.test({
  name: "a scoped --allow-ffi is not enough, and says so",
  ignore: DIFFERENCES.scopedFfi.here,
  async fn() {
    const { ours } = await probe(VERSION, [
      "--allow-ffi=/nowhere",
      "--allow-run",
    ]);
    assertEquals(ours.kind, "NotCapable");
    assertStringIncludes(ours.message, "ffi");
  },
});

Deno.test("processes of others are shown and ended only with --allow-run for every program", async () => {
  const code = `
    import { killTree, processTree } from ${JSON.stringify(MOD)};
    const pid = Number(Deno.args[0]);
    const attempts = [
      () => processTree(pid),
      () => Deno.kill(pid, "SIGKILL"),
      () => killTree(pid, { grace: 0 }),
    ];
    for (const attempt of attempts) {
      try {
        await attempt();
        console.log("done");
      } catch (error) {
        console.log(error.name);
      }
    }`;
  const url = `data:application/typescript,${encodeURIComponent(code)}`;
  const attempts: readonly (readonly [string[], RegExp])[] = [
    [[], /^NotCapable NotCapable NotCapable$/],
    [["--allow-run=other"], /^NotCapable NotCapable NotCapable$/],
    // Nothing is left to be found once Deno has killed it and it has been reaped.
    [["--allow-run", "--deny-run=other"], /^done done (?:done|NotFound)$/],
  ];
  for (const [flags, expected] of attempts) {
    const victim = new Command(deno, { args: evalArgs(IDLE), stdout: "piped" })
      .spawn();
    await waitForText(victim.stdout, "ready");
    const { stdout } = await new Deno.Command(deno, {
      args: denoArgs(url, [String(victim.pid)], [
        "--no-prompt",
        "--allow-ffi",
        ...flags,
      ]),
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stdout).trim().split(/\r?\n/);
    assertMatch(said.join(" "), expected, flags.join(" "));
    const died = (await victim.wait({ timeout: 1, grace: 0 })).killed;
    assertEquals(died, flags.length < 2, "whether it was still there");
    await victim.stdout.cancel();
  }
});

Deno.test("a permission that is revoked while the program runs is gone at once", async () => {
  const code = `
    import { Command } from ${JSON.stringify(MOD)};
    const run = () => new Command(Deno.execPath(), { args: ["--version"] }).outputSync().success;
    const said = [run(), run()];
    Deno.permissions.revokeSync({ name: "run" });
    try {
      run();
    } catch (error) {
      said.push(error instanceof Deno.errors.NotCapable);
    }
    console.log(said.join());`;
  const url = `data:application/typescript,${encodeURIComponent(code)}`;
  const { stdout, stderr } = await new Deno.Command(deno, {
    args: denoArgs(url, [], ["--no-prompt", "--allow-all"]),
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  assertEquals([text(stdout), text(stderr)], ["true,true,true", ""]);
});

const version = new Command(deno, { args: ["--version"] });

// With all permissions: whatever this library keeps of that must not outlive them.
Deno.test.beforeAll(() => void version.outputSync());

Deno.test({
  name: "a test without --allow-run starts nothing, whatever came before it",
  permissions: { ffi: true, run: false },
  fn() {
    assertThrows(() => version.outputSync(), Deno.errors.NotCapable, "run");
    assertThrows(() => version.spawn(), Deno.errors.NotCapable, "run");
  },
});

Deno.test({
  name: "nor one with a scoped --allow-run what is not in it",
  permissions: { ffi: true, run: [deno] },
  fn() {
    assertEquals(version.outputSync().success, true);
    const other = new Command(Deno.build.os === "windows" ? "cmd" : "sh");
    assertThrows(() => other.outputSync(), Deno.errors.NotCapable, "run");
  },
});
