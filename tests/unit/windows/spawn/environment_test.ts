import { assertEquals, assertThrows } from "@std/assert";
import {
  childEnvironment,
  type Environment,
  environmentBlock,
  foldName,
  parseEnvironment,
  variable,
} from "../../../../windows/spawn/executable.ts";

function set(...pairs: string[]): Environment {
  return parseEnvironment(pairs);
}

Deno.test("environmentBlock() is sorted without regard to case, by units", () => {
  const parent = set("zeta=1", "Path=x", "_a=2", "ALPHA=3", "=C:=C:\\dir");
  const block = environmentBlock(childEnvironment(parent, false, set()));
  assertEquals(block, "=C:=C:\\dir\0ALPHA=3\0Path=x\0zeta=1\0_a=2\0");
});

Deno.test("childEnvironment() takes the later of two spellings of a name", () => {
  const environment = childEnvironment(
    set("Path=old", "A=1"),
    false,
    set("a=2", "PATH=new"),
  );
  assertEquals(environmentBlock(environment), "a=2\0PATH=new\0");
});

Deno.test("childEnvironment() keeps SYSTEMROOT of a cleared environment", () => {
  const parent = set("SystemRoot=C:\\Windows", "SECRET=1");
  assertEquals(
    environmentBlock(childEnvironment(parent, true, set("X=1"))),
    "SystemRoot=C:\\Windows\0X=1\0",
  );
  assertEquals(
    environmentBlock(childEnvironment(parent, true, set("systemroot=D:"))),
    "systemroot=D:\0",
  );
});

Deno.test("environmentBlock() of nothing is one NUL, which a second one ends", () => {
  assertEquals(environmentBlock(set()), "\0");
});

Deno.test("parseEnvironment() keeps drive directories and skips strings without a name", () => {
  const { names, values } = set("=Z:=Z:\\tmp", "A==b", "bad", "E=");
  assertEquals(names, ["=Z:", "A", "E"]);
  assertEquals(values, ["Z:\\tmp", "=b", ""]);
});

Deno.test("variable() finds a name in any case", () => {
  assertEquals(variable(set("Path=x"), "PATH"), "x");
  assertEquals(variable(set("Path=x"), "HOME"), null);
});

Deno.test("foldName() maps unit by unit, as the system's table does", () => {
  assertEquals(foldName("aé"), "AÉ");
  assertEquals(foldName("straße"), "STRAßE");
  assertEquals(foldName("ıµς"), "ıµς");
  assertEquals(foldName("ÉΩ"), "ÉΩ");
  assertEquals(foldName("😅"), "😅");
});

Deno.test("childEnvironment() refuses lone surrogates", () => {
  assertThrows(
    () => childEnvironment(set(), false, set("A=\ud800")),
    TypeError,
    "'A'",
  );
});
