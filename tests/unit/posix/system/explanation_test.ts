import { assertEquals } from "@std/assert";
import type { Explanation } from "../../../../backend/containment.ts";
import { reasonsOf } from "../../../../posix/system/process_table.ts";

const QUIET: Omit<Explanation, "reasons"> = {
  pid: 7,
  name: "sleep",
  state: "sleeping",
  parent: { pid: 3, name: "sh" },
  uid: 1000,
  maySignal: true,
  ignored: ["SIGPIPE"],
  blocked: [],
  caught: ["SIGCHLD"],
  pending: [],
  tracer: null,
  frozen: null,
  waitsIn: "do_wait",
};

const CASES: readonly (readonly [Partial<Explanation>, readonly string[]])[] = [
  [{}, []],
  // macOS: nothing of it is known.
  [
    { uid: null, ignored: null, blocked: null, caught: null, pending: null },
    [],
  ],
  [{ ignored: ["SIGTERM", "SIGPIPE", "SIGINT"] }, [
    "it ignores SIGTERM, SIGINT",
  ]],
  [{ blocked: ["SIGTERM"], pending: ["SIGTERM"] }, ["it blocks SIGTERM"]],
  [{ caught: ["SIGQUIT"] }, ["it handles SIGQUIT itself"]],
  [{ state: "stopped" }, [
    "it is stopped, and handles no signal before SIGCONT",
  ]],
  [{ state: "traced", tracer: { pid: 9, name: "gdb" } }, ["gdb (9) traces it"]],
  [{ frozen: "/a/b" }, ["its cgroup /a/b is frozen"]],
  [{ state: "uninterruptible", pending: ["SIGKILL"] }, [
    "it is in an uninterruptible wait (in do_wait), in which no signal has an effect",
    "its SIGKILL is pending",
  ]],
  [{ maySignal: false, uid: 0 }, [
    "it belongs to user 0, and this process may not signal it",
  ]],
  [{ maySignal: false, uid: null }, [
    "it belongs to another user, and this process may not signal it",
  ]],
  // A zombie has no other reason, whatever its signals were.
  [{ state: "zombie", ignored: ["SIGTERM"] }, [
    "it has ended and runs no more; sh (3) has not reaped it",
  ]],
  [{ state: "zombie", parent: null }, [
    "it has ended and runs no more; its parent has not reaped it",
  ]],
];

Deno.test("reasons follow from the facts, the weightiest first", () => {
  for (const [facts, reasons] of CASES) {
    assertEquals(reasonsOf({ ...QUIET, ...facts }), reasons);
  }
});
