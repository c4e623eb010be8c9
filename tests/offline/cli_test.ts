import { parseArgs } from "@std/cli";
import { assertEquals } from "@std/assert";

/** Fails to type-check unless both types are the same. */
function sameType<A, B>(
  _same: (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
    ? true
    : false,
): void {}

Deno.test("parseArgs() guesses types without options", () => {
  const args = parseArgs(["--a", "--b=c", "--n", "5", "x", "7", "-v"]);
  assertEquals(args, { _: ["x", 7], a: true, b: "c", n: 5, v: true });
  // deno-lint-ignore no-explicit-any -- that it is `any` is what is tested
  sameType<typeof args.a, any>(true);
  sameType<typeof args._, (string | number)[]>(true);
});

Deno.test("parseArgs() boolean options take no value", () => {
  const args = parseArgs(["--a", "x", "--b=false", "-cd"], {
    boolean: ["a", "b", "c", "d", "e"],
  });
  assertEquals(args, {
    _: ["x"],
    a: true,
    b: false,
    c: true,
    d: true,
    e: false,
  });
  sameType<typeof args.a, boolean>(true);
  sameType<typeof args.other, unknown>(true);
  assertEquals(parseArgs(["--a", "false"], { boolean: ["a"] }).a, false);
  assertEquals(parseArgs(["--a", "x"], { boolean: true }), {
    _: ["x"],
    a: true,
  });
});

Deno.test("parseArgs() string options keep their text", () => {
  const args = parseArgs(["--a", "5", "-b", "6", "--empty", "--c="], {
    string: ["a", "b", "c", "empty", "missing"],
  });
  assertEquals(args, { _: [], a: "5", b: "6", empty: "", c: "" });
  sameType<typeof args.a, string | undefined>(true);
  const rest: { _: unknown } = parseArgs(["5", "x"], { string: ["_"] });
  assertEquals(rest, { _: ["5", "x"] });
});

Deno.test("parseArgs() collects options that are given several times", () => {
  const args = parseArgs(["--a", "1", "--a=2", "-b", "--c", "x"], {
    string: ["a", "d"],
    boolean: ["b"],
    collect: ["a", "b", "c", "d"],
  });
  assertEquals(args, { _: [], a: ["1", "2"], b: [true], c: ["x"], d: [] });
  sameType<typeof args.a, string[]>(true);
  sameType<typeof args.b, boolean[]>(true);
  sameType<typeof args.c, unknown[]>(true);
});

Deno.test("parseArgs() takes the last value where it does not collect", () => {
  assertEquals(parseArgs(["--a=1", "--a=2"]).a, 2);
});

Deno.test("parseArgs() negatable options can be set to false", () => {
  const args = parseArgs(["--no-a", "--no-b", "--no-c"], {
    boolean: ["a"],
    string: ["b"],
    negatable: ["a", "b"],
  });
  assertEquals(args, { _: [], a: false, b: false, "no-c": true });
  sameType<typeof args.a, boolean>(true);
  sameType<typeof args.b, string | false | undefined>(true);
});

Deno.test("parseArgs() fills in defaults and aliases", () => {
  const args = parseArgs(["-h", "--grace", "10"], {
    boolean: ["help"],
    string: ["grace", "signal", "cwd"],
    alias: { help: "h", grace: ["g", "wait"] },
    default: { signal: "SIGTERM", cwd: null, jobs: 2 },
  });
  assertEquals(args, {
    _: [],
    help: true,
    h: true,
    grace: "10",
    g: "10",
    wait: "10",
    signal: "SIGTERM",
    cwd: null,
    jobs: 2,
  });
  sameType<typeof args.h, boolean>(true);
  sameType<typeof args.wait, string | undefined>(true);
  sameType<typeof args.signal, string>(true);
  sameType<typeof args.cwd, string | null>(true);
  sameType<typeof args.jobs, unknown>(true);
});

Deno.test("parseArgs() leaves what follows -- alone", () => {
  const argv = ["--a", "--", "--b", "5"];
  assertEquals(parseArgs(argv), { _: ["--b", "5"], a: true });
  const args = parseArgs(argv, { "--": true, boolean: ["a"] });
  assertEquals(args, { _: [], a: true, "--": ["--b", "5"] });
  sameType<(typeof args)["--"], string[]>(true);
});

Deno.test("parseArgs() stops early when asked to", () => {
  assertEquals(
    parseArgs(["--a", "cmd", "--b", "5"], { boolean: ["a"], stopEarly: true }),
    { _: ["cmd", "--b", "5"], a: true },
  );
});

Deno.test("parseArgs() tells of unknown options and may leave them out", () => {
  const seen: unknown[] = [];
  const args = parseArgs(["--a", "--x=1", "-y", "z"], {
    boolean: ["a"],
    unknown: (arg, key, value) => {
      seen.push([arg, key, value]);
      return key === undefined;
    },
  });
  assertEquals(args, { _: [], a: true });
  assertEquals(seen, [["--x=1", "x", "1"], ["-y", "y", "z"]]);
});

Deno.test("parseArgs() reads groups of letters", () => {
  assertEquals(parseArgs(["-abc", "x"]), {
    _: [],
    a: true,
    b: true,
    c: "x",
  });
  assertEquals(parseArgs(["-n5", "-m=x", "-o", "-1", "-p", "-"]), {
    _: [],
    n: 5,
    m: "x",
    o: true,
    1: true,
    p: "-",
  });
  assertEquals(parseArgs(["-"])._, ["-"]);
});
