import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Command, type CommandOptions } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import {
  CAN_OBSERVE,
  newMarker,
  processesWith,
} from "../fixtures/process_table.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { WINDOWS } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();

// deno-lint-ignore no-explicit-any -- what a caller without types may pass
type Anything = any;
type Refusal = new (...args: Anything[]) => Error;

const locked = (): ReadableStream<Uint8Array> => {
  const stream = ReadableStream.from([new Uint8Array(1)]);
  stream.getReader();
  return stream;
};

/** Options that are refused: what is wrong, the options, the class, a part of the message. */
const OPTIONS: readonly (readonly [string, () => Anything, Refusal, string])[] =
  [
    ["args that is no array", () => ({ args: "ls -l" }), TypeError, "args"],
    [
      "NUL in an argument",
      () => ({ args: ["a", "b\0c"] }),
      TypeError,
      "argument 1",
    ],
    ["NUL in cwd", () => ({ cwd: "a\0b" }), TypeError, "cwd"],
    ["cwd of the wrong type", () => ({ cwd: 1 }), TypeError, "cwd"],
    ["env that is no object", () => ({ env: "A=b" }), TypeError, "env"],
    [
      "env with a value that is no string",
      () => ({ env: { A: 1 } }),
      TypeError,
      "'A'",
    ],
    ["an empty env name", () => ({ env: { "": "x" } }), TypeError, "empty"],
    ["'=' in an env name", () => ({ env: { "A=B": "x" } }), TypeError, "A=B"],
    ["NUL in an env name", () => ({ env: { "A\0": "x" } }), TypeError, "NUL"],
    ["NUL in an env value", () => ({ env: { A: "x\0" } }), TypeError, "'A'"],
    ["an unknown stdin", () => ({ stdin: "pipe" }), TypeError, "stdin"],
    ["an unknown stdout", () => ({ stdout: "stdout" }), TypeError, "stdout"],
    ["an unknown stderr", () => ({ stderr: null }), TypeError, "stderr"],
    ["stdin that is no target", () => ({ stdin: {} }), TypeError, "stdin"],
    ["a negative descriptor", () => ({ stdin: -1 }), TypeError, "-1"],
    [
      "a descriptor that is a fraction",
      () => ({ stdout: { descriptor: 1.5 } }),
      TypeError,
      "1.5",
    ],
    ["a descriptor that is NaN", () => ({ stderr: NaN }), TypeError, "NaN"],
    [
      "a descriptor that is too large",
      () => ({ stdin: 2 ** 31 }),
      TypeError,
      "2147483648",
    ],
    [
      "a descriptor that is not open",
      () => ({ stdout: { descriptor: 54320 } }),
      TypeError,
      "54320",
    ],
    [
      "a file that is no path",
      () => ({ stdin: { file: 5 } }),
      TypeError,
      "stdin.file",
    ],
    ["an empty file", () => ({ stdout: { file: "" } }), TypeError, "empty"],
    ["NUL in a file", () => ({ stdout: { file: "a\0" } }), TypeError, "NUL"],
    [
      "append that is no boolean",
      () => ({ stdout: { file: "x", append: 1 } }),
      TypeError,
      "append",
    ],
    [
      "a mode that is none",
      () => ({ stderr: { file: "x", mode: 0o10000 } }),
      TypeError,
      "mode",
    ],
    [
      "a stdin stream that is locked",
      () => ({ stdin: locked() }),
      TypeError,
      "locked",
    ],
    [
      "input and a file as stdin",
      () => ({ input: "x", stdin: { file: "x" } }),
      TypeError,
      "stdin",
    ],
    [
      "a negative idleTimeout",
      () => ({ idleTimeout: -1, stdout: "piped" }),
      RangeError,
      "idleTimeout",
    ],
    [
      "an idleTimeout that is no number",
      () => ({ idleTimeout: "1", stdout: "piped" }),
      TypeError,
      "idleTimeout",
    ],
    [
      "an idleTimeout of what cannot be heard",
      () => ({ idleTimeout: 1, stdout: "null", stderr: "inherit" }),
      TypeError,
      "piped",
    ],
    [
      "tee of what cannot be heard",
      () => ({ tee: "inherit", stdout: "null", stderr: "null" }),
      TypeError,
      "piped",
    ],
    [
      "an unknown tee",
      () => ({ tee: "stderr", stdout: "piped" }),
      TypeError,
      "tee",
    ],
    [
      "a tee that is locked",
      () => {
        const tee = new WritableStream();
        tee.getWriter();
        return { tee, stdout: "piped" };
      },
      TypeError,
      "locked",
    ],
    [
      "an unknown stopSignal",
      () => ({ stopSignal: "SIGFOO" }),
      TypeError,
      "SIGFOO",
    ],
    [
      "a stopSignal that is a number",
      () => ({ stopSignal: 15 }),
      TypeError,
      "stopSignal",
    ],
    [
      "a stopSignal of Object.prototype",
      () => ({ stopSignal: "toString" }),
      TypeError,
      "toString",
    ],
    ["a negative timeout", () => ({ timeout: -1 }), RangeError, "timeout"],
    ["a timeout that is NaN", () => ({ timeout: NaN }), RangeError, "timeout"],
    [
      "a timeout that is no number",
      () => ({ timeout: "10" }),
      TypeError,
      "timeout",
    ],
    ["a negative grace", () => ({ grace: -0.5 }), RangeError, "grace"],
    ["a grace that is NaN", () => ({ grace: NaN }), RangeError, "grace"],
    ["a grace that is no number", () => ({ grace: 10n }), TypeError, "grace"],
    [
      "a negative maxOutput",
      () => ({ maxOutput: -1 }),
      RangeError,
      "maxOutput",
    ],
    [
      "a maxOutput that is a fraction",
      () => ({ maxOutput: 1.5 }),
      RangeError,
      "maxOutput",
    ],
    [
      "a maxOutput that is NaN",
      () => ({ maxOutput: NaN }),
      RangeError,
      "maxOutput",
    ],
    [
      "an unknown outputPolicy",
      () => ({ outputPolicy: "middle" }),
      TypeError,
      "outputPolicy",
    ],
    [
      "an unknown containment",
      () => ({ containment: "magic" }),
      TypeError,
      "containment",
    ],
    [
      "an unknown processGroup",
      () => ({ processGroup: "other" }),
      TypeError,
      "processGroup",
    ],
    [
      "a signal that is no AbortSignal",
      () => ({ signal: new AbortController() }),
      TypeError,
      "signal",
    ],
    ["a negative uid", () => ({ uid: -1 }), TypeError, "uid"],
    ["a uid that is a fraction", () => ({ uid: 1.5 }), TypeError, "uid"],
    [
      "a gid that stands for 'keep'",
      () => ({ gid: 0xffff_ffff }),
      TypeError,
      "gid",
    ],
    [
      "clearEnv that is no boolean",
      () => ({ clearEnv: "no" }),
      TypeError,
      "clearEnv",
    ],
    [
      "detached that is no boolean",
      () => ({ detached: 1 }),
      TypeError,
      "detached",
    ],
    [
      "killOnParentExit that is no boolean",
      () => ({ killOnParentExit: 0 }),
      TypeError,
      "killOnParentExit",
    ],
    ["an input of the wrong type", () => ({ input: 5 }), TypeError, "input"],
    [
      "an input stream that is locked",
      () => ({ input: locked() }),
      TypeError,
      "locked",
    ],
    [
      "input and another stdin",
      () => ({ input: "x", stdin: "null" }),
      TypeError,
      "stdin",
    ],
  ];

for (const [what, options, kind, message] of OPTIONS) {
  Deno.test(`${what} is refused, with nothing spawned`, () => {
    const marker = newMarker();
    const start = (how: "spawn" | "output" | "outputSync") => () =>
      new Command(deno, {
        args: evalArgs(IDLE, marker),
        ...options() as CommandOptions,
      })[how]();
    // At once, not as a rejection: also in output(), as with Deno.
    assertThrows(start("spawn"), kind, message);
    assertThrows(start("output"), kind, message);
    assertThrows(start("outputSync"), kind, message);
    if (CAN_OBSERVE) assertEquals(processesWith(marker), []);
  });
}

/** Programs that are refused. */
const PROGRAMS: readonly (readonly [string, Anything, string])[] = [
  ["an empty program", "", "program is empty"],
  ["NUL in the program", "a\0b", "NUL"],
  ["a program of the wrong type", 5, "command"],
  ["no program", undefined, "command"],
  ["a URL that is no file", new URL("data:,x"), "Must be a file URL"],
];

for (const [what, program, message] of PROGRAMS) {
  Deno.test(`${what} is refused`, () => {
    assertThrows(() => new Command(program).spawn(), TypeError, message);
    assertThrows(() => new Command(program).output(), TypeError, message);
    assertThrows(() => new Command(program).outputSync(), TypeError, message);
  });
}

Deno.test("an env name that begins with '=' is refused where it means nothing", () => {
  const start = () =>
    new Command(deno, { args: evalArgs(""), env: { "=C:": "C:\\" } })
      .outputSync();
  if (WINDOWS) assertEquals(start().code, 0);
  else assertThrows(start, TypeError, "'=C:'");
});

Deno.test("a value of the environment never stands in a message", () => {
  const error = assertThrows(
    () => new Command(deno, { env: { TOKEN: "s3cret\0" } }).spawn(),
    TypeError,
  );
  assertEquals(error.message.includes("s3cret"), false);
});

Deno.test("a stream as input of outputSync() is refused, and left unlocked", () => {
  const input = ReadableStream.from([new Uint8Array(1)]);
  assertThrows(
    () => new Command(deno, { args: evalArgs(""), input }).outputSync(),
    TypeError,
    "stream",
  );
  assertEquals(input.locked, false);
});

Deno.test("bad arguments of kill(), stop() and wait() are refused, and harm nobody", async () => {
  await using child = new Command(deno, {
    args: evalArgs(IDLE),
    stdout: "null",
    grace: 0,
  }).spawn();
  const kill = child.kill.bind(child) as Anything;
  for (
    const signal of [
      "SIGFOO",
      "",
      "9",
      "sigterm",
      "__proto__",
      {},
      65,
      -1,
      1.5,
      NaN,
      null,
    ]
  ) {
    assertThrows(() => kill(signal), TypeError, "Invalid signal");
  }
  const stop = child.stop.bind(child) as Anything;
  await assertRejects(() => stop({ grace: -1 }), RangeError, "grace");
  await assertRejects(() => stop({ grace: NaN }), RangeError, "grace");
  await assertRejects(() => stop({ grace: "1" }), TypeError, "grace");
  await assertRejects(() => stop({ signal: "SIGFOO" }), TypeError, "SIGFOO");
  const wait = child.wait.bind(child) as Anything;
  await assertRejects(() => wait({ timeout: -1 }), RangeError, "timeout");
  await assertRejects(() => wait({ timeout: NaN }), RangeError, "timeout");
  await assertRejects(() => wait({ grace: -1 }), RangeError, "grace");
  assertEquals(child.descendants(), []);
  let ended = false;
  child.status.then(() => ended = true);
  await new Command(deno, { args: ["--version"] }).output();
  assertEquals(ended, false);
});

Deno.test("a containment of another system is an error, not a downgrade", () => {
  const marker = newMarker();
  assertThrows(
    () =>
      new Command(deno, {
        args: evalArgs(IDLE, marker),
        containment: WINDOWS ? "lineage" : "job-object",
      }).spawn(),
    Deno.errors.NotSupported,
    WINDOWS ? "lineage" : "job-object",
  );
  if (CAN_OBSERVE) assertEquals(processesWith(marker), []);
});
