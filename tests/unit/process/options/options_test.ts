import { assertEquals, assertThrows } from "@std/assert";
import { type Backend, provideBackend } from "../../../../backend/backend.ts";
import {
  toRunControl,
  toSpawnSpec,
} from "../../../../process/options/to_spawn_spec.ts";
import { duration } from "../../../../process/validate.ts";
import { LINUX_SIGNALS, WINDOWS_SIGNALS } from "../../../../backend/signals.ts";

// Both systems' rules are tested on every system. The first use decides which
// backend there is, so this one changes its name.
const fake = { name: "posix", signals: LINUX_SIGNALS } as {
  -readonly [K in keyof Backend]: Backend[K];
};
provideBackend(() => fake);

function as<T>(name: Backend["name"], body: () => T): T {
  fake.name = name;
  fake.signals = name === "windows" ? WINDOWS_SIGNALS : LINUX_SIGNALS;
  return body();
}

const DEFAULTS = {
  stdin: "inherit",
  stdout: "piped",
  stderr: "null",
  terminalInput: "null",
} as const;
const spec = (command: string | URL, options = {}) =>
  toSpawnSpec(command, options, DEFAULTS, "test()");

// File URLs and the paths they stand for.
const URLS: readonly (readonly [string, string, string])[] = [
  ["file:///bin/true", "/bin/true", "\\bin\\true"],
  [
    "file:///C:/Program%20Files/x.exe",
    "/C:/Program Files/x.exe",
    "C:\\Program Files\\x.exe",
  ],
  ["file:///a%25b", "/a%b", "\\a%b"],
  ["file:///100%", "/100%", "\\100%"],
  ["file:///%E2%82%AC", "/€", "\\€"],
  ["file://server/share/x", "/share/x", "\\\\server\\share\\x"],
];

for (const [url, posix, windows] of URLS) {
  Deno.test(`${url} is ${posix}, and ${windows} on Windows`, () => {
    assertEquals(as("posix", () => spec(new URL(url)).command), posix);
    assertEquals(as("windows", () => spec(new URL(url)).command), windows);
    assertEquals(
      as("posix", () => spec("x", { cwd: new URL(url) }).cwd),
      posix,
    );
  });
}

Deno.test("a URL with a NUL in it is refused", () => {
  as(
    "posix",
    () => assertThrows(() => spec(new URL("file:///a%00b")), TypeError, "NUL"),
  );
});

Deno.test("what the caller leaves out has its default", () => {
  const plain = as("posix", () => spec("x"));
  assertEquals(
    [
      plain.args,
      plain.cwd,
      plain.clearEnv,
      plain.envNames,
      plain.uid,
      plain.gid,
    ],
    [[], null, false, [], null, null],
  );
  assertEquals([plain.stdin, plain.stdout, plain.stderr], [
    "inherit",
    "piped",
    "null",
  ]);
  assertEquals(
    [
      plain.detached,
      plain.containment,
      plain.killOnParentExit,
      plain.processGroup,
      plain.suspended,
    ],
    [false, "auto", true, "auto", false],
  );
  const control = toRunControl(plain);
  assertEquals(
    [
      control.timeout,
      control.grace,
      control.stopSignal,
      control.input,
      control.abortSignal,
    ],
    [Infinity, 5000, "SIGTERM", null, null],
  );
  assertEquals([control.maxOutput, control.outputPolicy], [
    256 * 1024 * 1024,
    "error",
  ]);
});

Deno.test("detached switches the guard off, unless it is asked for", () => {
  as("posix", () => {
    assertEquals(spec("x", { detached: true }).killOnParentExit, false);
    assertEquals(
      spec("x", { detached: true, killOnParentExit: true }).killOnParentExit,
      true,
    );
    assertEquals(
      spec("x", { killOnParentExit: false }).killOnParentExit,
      false,
    );
  });
});

Deno.test("input makes stdin a pipe", () => {
  as("posix", () => {
    assertEquals(spec("x", { input: "" }).stdin, "piped");
    assertEquals(spec("x", { input: "a", stdin: "piped" }).stdin, "piped");
  });
});

Deno.test("a later change of the options does not reach what was validated", () => {
  as("posix", () => {
    const args = ["a"];
    const env: Record<string, string> = { A: "1" };
    const made = spec("x", { args, env });
    args.push("b");
    env.B = "2";
    assertEquals([made.args, made.envNames, made.envValues], [["a"], ["A"], [
      "1",
    ]]);
  });
});

Deno.test("only own properties of env count", () => {
  as("posix", () => {
    const env = Object.create({ INHERITED: "x" });
    env.OWN = "y";
    assertEquals(spec("x", { env }).envNames, ["OWN"]);
  });
});

Deno.test("stop signals are those of the system", () => {
  const control = (stopSignal: string) => () =>
    toRunControl(spec("x"), { stopSignal: stopSignal as Deno.Signal });
  as("posix", () => assertEquals(control("SIGUSR1")().stopSignal, "SIGUSR1"));
  as("windows", () => {
    assertThrows(control("SIGUSR1"), TypeError, "SIGUSR1");
    assertEquals(control("SIGBREAK")().stopSignal, "SIGBREAK");
  });
  as("posix", () => assertThrows(control("SIGBREAK"), TypeError, "SIGBREAK"));
});

Deno.test("durations are not negative", () => {
  for (
    const good of [0, 0.5, 1, 2 ** 31, 2 ** 53, Number.MAX_VALUE, Infinity]
  ) {
    assertEquals(duration(good, "x", 7), good);
  }
  assertEquals(duration(undefined, "x", 7), 7);
  assertEquals(duration(-0, "x", 7), -0);
  for (const bad of [-1, -Number.MIN_VALUE, NaN, -Infinity]) {
    assertThrows(() => duration(bad, "x", 7), RangeError, "Invalid x");
  }
  for (const bad of ["1", null, 1n, {}, true]) {
    assertThrows(() => duration(bad, "x", 7), TypeError, "Invalid x");
  }
});
