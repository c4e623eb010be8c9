import { assertEquals, assertThrows } from "@std/assert";
import {
  parseSignal,
  parseSignalNumber,
  shortSignalName,
} from "../../../cli/arguments/signal_operand.ts";
import { UsageError } from "../../../cli/arguments/operands.ts";

Deno.test("parseSignalNumber() reads names and numbers", () => {
  for (const text of ["TERM", "SIGTERM", "term", "15", "143"]) {
    assertEquals(parseSignalNumber(text), 15, text);
  }
  assertEquals(parseSignalNumber("0"), 0);
  assertEquals(parseSignalNumber("EXIT"), 0);
});

Deno.test({
  name: "parseSignalNumber() reads real-time signals",
  ignore: Deno.build.os !== "linux", // They have no names elsewhere.
  fn() {
    assertEquals(parseSignalNumber("RTMIN+1"), 35);
    assertEquals(parseSignalNumber("SIGRTMAX"), 64);
    assertEquals(shortSignalName(35), "RTMIN+1");
    assertThrows(() => parseSignalNumber("RTMIN+99"), UsageError);
  },
});

Deno.test("parseSignalNumber() refuses what is no signal, in the words of GNU timeout", () => {
  for (const text of ["invalid", "", "-1", "65", "SIG", "toString"]) {
    const error = assertThrows(() => parseSignalNumber(text), UsageError);
    assertEquals(error.message, `'${text}': invalid signal`);
  }
});

Deno.test("parseSignal() wants a name", () => {
  assertEquals(parseSignal("hup"), "SIGHUP");
  assertThrows(
    () => parseSignal("0"),
    UsageError,
    "needs a signal with a name",
  );
});

Deno.test("shortSignalName() names a signal without its prefix", () => {
  assertEquals(shortSignalName(9), "KILL");
  assertEquals(shortSignalName(0), "0");
});
