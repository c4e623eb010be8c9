import { assertEquals, assertThrows } from "@std/assert";
import { closest } from "../../../process/validate.ts";
import type {
  CommandSpec,
  OptionSpec,
} from "../../../cli/arguments/command_spec.ts";
import { normalizeArguments } from "../../../cli/arguments/normalize_arguments.ts";
import { readOptions } from "../../../cli/arguments/read_options.ts";
import { UsageError } from "../../../cli/arguments/operands.ts";

const OPTIONS: readonly OptionSpec[] = [
  { name: "signal", short: "s", value: "SIGNAL", help: "" },
  { name: "kill-after", short: "k", alias: "grace", value: "D", help: "" },
  { name: "verbose", short: "v", help: "" },
  { name: "foreground", short: "f", help: "" },
  { name: "force", help: "" },
  { name: "env", short: "e", value: "N=V", repeated: true, help: "" },
];

function normalized(...args: string[]): [string[], string[]] {
  const { options, operands } = normalizeArguments(OPTIONS, args, true);
  return [[...options], [...operands]];
}

Deno.test("normalizeArguments() reads the forms of getopt_long", () => {
  const one = ["--signal=USR1"];
  assertEquals(normalized("-s", "USR1"), [one, []]);
  assertEquals(normalized("-sUSR1"), [one, []]);
  assertEquals(normalized("--signal", "USR1"), [one, []]);
  assertEquals(normalized("--signal=USR1"), [one, []]);
  assertEquals(normalized("--sig=USR1"), [one, []]);
  assertEquals(normalized("-vfs", "0", "-k.1"), [
    ["--verbose", "--foreground", "--signal=0", "--kill-after=.1"],
    [],
  ]);
  assertEquals(normalized("--grace", "-1"), [["--kill-after=-1"], []]);
});

Deno.test("normalizeArguments() leaves what follows the first operand alone", () => {
  assertEquals(normalized("-v", "5", "git", "checkout", "--", "-s"), [
    ["--verbose"],
    ["5", "git", "checkout", "--", "-s"],
  ]);
  assertEquals(normalized("--", "-v", "--"), [[], ["-v", "--"]]);
  assertEquals(normalized("-", "-v"), [[], ["-", "-v"]]);
});

Deno.test("normalizeArguments() mixes options and operands where no other program begins", () => {
  const { options, operands } = normalizeArguments(
    OPTIONS,
    ["1", "-v", "2", "--", "-3"],
    false,
  );
  assertEquals([...options], ["--verbose"]);
  assertEquals([...operands], ["1", "2", "-3"]);
});

Deno.test("normalizeArguments() stops at the help", () => {
  assertEquals(
    normalizeArguments(OPTIONS, ["-h", "--nonsense"], true).help,
    true,
  );
  assertEquals(normalizeArguments(OPTIONS, ["5", "--help"], true).help, false);
});

Deno.test("normalizeArguments() words mistakes as getopt does", () => {
  for (
    const [args, message] of [
      [["-x"], "invalid option -- 'x'"],
      [["-k"], "option requires an argument -- 'k'"],
      [["--kill-after"], "option '--kill-after' requires an argument"],
      [["--signal="], "option '--signal' requires an argument, got ''"],
      [["--verbose=1"], "option '--verbose' doesn't allow an argument"],
      [
        ["--fo"],
        "option '--fo' is ambiguous; possibilities: '--foreground' '--force'",
      ],
      [
        ["--sginal=1"],
        "unrecognized option '--sginal'; did you mean '--signal'?",
      ],
      [["--nonsense-all"], "unrecognized option '--nonsense-all'"],
    ] as const
  ) {
    const error = assertThrows(() => normalized(...args), UsageError);
    assertEquals(error.message, message);
  }
});

Deno.test("readOptions() gives values, the last one or all", () => {
  const spec = { options: OPTIONS, stopsAtOperand: true } as CommandSpec;
  const given = readOptions(spec, [
    "-sINT",
    "-s",
    "15",
    "-e",
    "A=1=2",
    "--env=B=--x",
    "-v",
    "prog",
    "--force",
  ]);
  assertEquals(given.value("signal"), "15");
  assertEquals([...given.values("env")], ["A=1=2", "B=--x"]);
  assertEquals(given.value("kill-after"), undefined);
  assertEquals([given.has("verbose"), given.has("force")], [true, false]);
  assertEquals([...given.operands], ["prog", "--force"]);
});

Deno.test("closest() finds what was probably meant, and nothing far away", () => {
  const names = ["run", "timeout", "tree", "kill"];
  assertEquals(closest("tiemout", names), "timeout");
  assertEquals(closest("rnu", names), "run");
  assertEquals(closest("completely", names), null);
  // Two letters of three are another word; two swapped are one mistake.
  const options = ["args", "cwd", "env", "fds", "gid", "uid"];
  assertEquals(closest("foo", options), null);
  assertEquals(closest("x", options), null);
  assertEquals(closest("evn", options), "env");
  assertEquals(closest("agrs", options), "args");
  assertEquals(closest("wd", options), "cwd");
});
