import { assertEquals, assertThrows } from "@std/assert";
import {
  formatSize,
  parseCount,
  parseSize,
  UsageError,
} from "../../../cli/arguments/operands.ts";

Deno.test("sizes are read with powers of 1024", () => {
  const cases: Record<string, number> = {
    "1": 1,
    "100k": 102_400,
    "512M": 536_870_912,
    "512MiB": 536_870_912,
    "1.5G": 1_610_612_736,
    "2gb": 2_147_483_648,
  };
  for (const [text, bytes] of Object.entries(cases)) {
    assertEquals(parseSize(text, "--memory"), bytes, text);
  }
  for (const text of ["", "0", "-1", "1Q", "k", "1e3", "0.1", "9999999999T"]) {
    assertThrows(() => parseSize(text, "--memory"), UsageError, "--memory");
  }
});

Deno.test("numbers are whole and from 1", () => {
  assertEquals(parseCount("12", "--processes"), 12);
  for (const text of ["", "0", "1.5", "-2", "x"]) {
    assertThrows(() => parseCount(text, "--processes"), UsageError);
  }
});

Deno.test("sizes are worded with a unit that fits", () => {
  assertEquals(
    [0, 1023, 1024, 1536 * 1024, 200 * 1024 * 1024, 5 * 2 ** 40].map(
      formatSize,
    ),
    ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "200 MiB", "5.0 TiB"],
  );
});
