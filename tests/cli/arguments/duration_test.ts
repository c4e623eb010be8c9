import { assertEquals, assertThrows } from "@std/assert";
import {
  formatDuration,
  parseDuration,
  parseGnuDuration,
  UsageError,
} from "../../../cli/arguments/operands.ts";

Deno.test("parseDuration() reads numbers with units, in any number", () => {
  for (
    const [text, ms] of [
      ["30s", 30_000],
      ["1m30s", 90_000],
      ["500ms", 500],
      ["1.5h", 5_400_000],
      ["2d", 172_800_000],
      ["1h0m.5s", 3_600_500],
      ["10", 10_000],
      [".5", 500],
      ["0", 0],
    ] as const
  ) assertEquals(parseDuration(text, "--timeout"), ms, text);
});

Deno.test("parseDuration() refuses everything else, and says how it is written", () => {
  for (
    const text of [
      "",
      "5x",
      "-5s",
      "1m 30s",
      "s",
      "5S",
      "1e3",
      "NaN",
      "5s5",
      "∞",
    ]
  ) {
    const error = assertThrows(
      () => parseDuration(text, "--grace"),
      UsageError,
    );
    assertEquals(
      error.message,
      `invalid --grace '${text}': write it like 30s, 1m30s, 500ms or 2h`,
    );
  }
});

Deno.test("formatDuration() is short, and never shows 60 of something", () => {
  for (
    const [ms, text] of [
      [0, "0ms"],
      [999, "999ms"],
      [999.6, "1.0s"],
      [4_240, "4.2s"],
      [59_949, "59.9s"],
      [59_960, "1m00s"],
      [65_000, "1m05s"],
      [3_599_700, "1h00m"],
      [11_220_000, "3h07m"],
      [187_200_000, "2d04h"],
    ] as const
  ) assertEquals(formatDuration(ms), text, String(ms));
});

Deno.test("parseGnuDuration() reads what GNU timeout reads", () => {
  for (
    const [text, ms] of [
      ["10", 10_000],
      [".5", 500],
      ["10.", 10_000],
      ["+1", 1000],
      [" 2", 2000],
      ["1.5m", 90_000],
      ["2e3s", 2_000_000],
      ["1d", 86_400_000],
      ["0", 0],
      ["0.0h", 0],
      ["-0", 0],
      ["inf", Infinity],
      ["1.18973149535723176502e+4932", Infinity],
    ] as const
  ) assertEquals(parseGnuDuration(text), ms, text);
});

Deno.test("parseGnuDuration() makes no 'never' out of something very short", () => {
  const ms = parseGnuDuration("1e-10000");
  assertEquals(ms > 0 && ms < 1, true);
});

Deno.test("parseGnuDuration() refuses what GNU timeout refuses, in its words", () => {
  for (
    const text of [
      "",
      "invalid",
      "-1",
      " -0.1",
      " -1e-10000",
      "42D",
      "1 s",
      "1ss",
      "nan",
    ]
  ) {
    const error = assertThrows(() => parseGnuDuration(text), UsageError);
    assertEquals(error.message, `invalid time interval '${text}'`);
  }
});
