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
  assertEquals(
    quickEmpty({
      leader: 100,
      ageMs: 1,
      newest: 116,
      belongs: belongs,
      isStranger: stranger,
    }),
    true,
  );
  assertEquals(looked, []);
});

Deno.test("a number that is not known to be a stranger's is looked at", {
  ignore,
}, () => {
  // Ours is alive, whatever else is.
  const leader = Deno.pid - 2;
  const belongs = (pid: number) => pid === Deno.pid ? "yes" : "no";
  const stranger = (pid: number) => pid === Deno.pid - 1;
  assertEquals(
    quickEmpty({
      leader: leader,
      ageMs: 1,
      newest: Deno.pid,
      belongs: belongs,
      isStranger: stranger,
    }),
    false,
  );
});

Deno.test("too many numbers, and too long a time, prove nothing", {
  ignore,
}, () => {
  const never = () => {
    throw new Error("looked");
  };
  assertEquals(
    quickEmpty({ leader: 100, ageMs: 1, newest: 99, belongs: never }),
    null,
  );
  assertEquals(
    quickEmpty({ leader: 100, ageMs: 1, newest: 100_000, belongs: never }),
    null,
  );
  assertEquals(
    quickEmpty({ leader: 100, ageMs: 1, newest: 5000, belongs: () => "no" }),
    null,
  );
  assertEquals(
    quickEmpty({ leader: 100, ageMs: 1e9, newest: 101, belongs: never }),
    null,
  );
});
