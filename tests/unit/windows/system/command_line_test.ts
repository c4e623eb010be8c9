import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  commandLine,
  quoteArgument,
  quoteProgram,
} from "../../../../windows/system/command_line.ts";
import { parseCommandLine } from "../../../../windows/system/command_line_parse.ts";
import parseVectors from "../../data/vectors_parse.json" with { type: "json" };
import quoteVectors from "../../data/vectors_quote.json" with { type: "json" };

const RULES = ["CommandLineToArgvW", "crt2008"] as const;

Deno.test("parseCommandLine() agrees with every vector", () => {
  for (const { cmdline, argv, rules } of parseVectors) {
    assertEquals(
      parseCommandLine(cmdline, rules as typeof RULES[number]),
      argv,
      `${rules}: ${cmdline}`,
    );
  }
});

Deno.test("quoteArgument() writes what other projects write", () => {
  let compared = 0;
  for (const { style, argv, cmdline } of quoteVectors) {
    if (style !== "minimal" || typeof cmdline !== "string") continue;
    assertEquals(argv.map(quoteArgument).join(" "), cmdline);
    compared++;
  }
  assert(compared >= 29);
});

Deno.test("commandLine() writes what Rust writes, and round-trips", () => {
  for (const { style, argv, cmdline } of quoteVectors) {
    const [program, ...args] = argv as [string, ...string[]];
    if (style.startsWith("rust (")) {
      assertEquals(commandLine(program, args, false), cmdline);
    }
    for (const rules of RULES) {
      assertEquals(
        parseCommandLine(commandLine("prog", argv, false), rules),
        ["prog", ...argv],
      );
    }
  }
});

Deno.test("commandLine() round-trips by both rule sets for 20,000 random arguments", () => {
  const pieces = ["\\", '"', " ", "\t", "a", "é", "😅", "\\\\", '""', "%", "^"];
  let state = 20060407;
  const next = (limit: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
  for (let round = 0; round < 5_000; round++) {
    const args = Array.from({ length: 4 }, () => {
      let argument = "";
      for (let i = next(8); i > 0; i--) argument += pieces[next(pieces.length)];
      return argument;
    });
    const line = commandLine("C:\\a b\\p.exe", args, false);
    for (const rules of RULES) {
      assertEquals(parseCommandLine(line, rules), ["C:\\a b\\p.exe", ...args]);
    }
  }
});

Deno.test("commandLine() passes raw arguments on as they are", () => {
  assertEquals(
    commandLine("cmd.exe", ["/c", 'echo "a  b"'], true),
    '"cmd.exe" /c echo "a  b"',
  );
});

Deno.test("commandLine() refuses lone surrogates, and quotes in a program's name", () => {
  assertThrows(
    () => commandLine("a", ["\ud800"], false),
    TypeError,
    "argument 0",
  );
  assertThrows(() => commandLine("\udfff", [], false), TypeError, "program");
  assertThrows(() => quoteProgram('a"b'), TypeError, "quote");
});
