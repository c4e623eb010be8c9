/**
 * The quick proof that a tree is empty, with numbers that are made up.
 */

import { assertEquals } from "@std/assert";
import { quickEmpty } from "../../../posix/containment/census.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os !== "linux"; // it reads /proc

Deno.test.beforeAll(async () => {
  if (!ignore) await warmUp();
});

Deno.test("numbers of other leaders prove emptiness without a look", {
  ignore,
}, () => {
  const looked: number[] = [];
  const belongs = (pid: number) => {
    looked.push(pid);
    return "no" as const;
  };
  const stranger = (pid: number) => pid > 100 && pid <= 116;
  assertEquals(quickEmpty(100, 1, 116, belongs, stranger), true);
  assertEquals(looked, []);
});

Deno.test("a number that is not known to be a stranger's is looked at", {
  ignore,
}, () => {
  // Ours is alive, whatever else is.
  const leader = Deno.pid - 2;
  const belongs = (pid: number) => pid === Deno.pid ? "yes" : "no";
  const stranger = (pid: number) => pid === Deno.pid - 1;
  assertEquals(quickEmpty(leader, 1, Deno.pid, belongs, stranger), false);
});

Deno.test("too many numbers, and too long a time, prove nothing", {
  ignore,
}, () => {
  const never = () => {
    throw new Error("looked");
  };
  assertEquals(quickEmpty(100, 1, 99, never), null);
  assertEquals(quickEmpty(100, 1, 100_000, never), null);
  assertEquals(quickEmpty(100, 1, 5000, () => "no"), null);
  assertEquals(quickEmpty(100, 1e9, 101, never), null);
});
