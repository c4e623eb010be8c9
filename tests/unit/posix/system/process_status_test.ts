import { assertEquals } from "@std/assert";
import { parseStatus } from "../../../../posix/system/process_table.ts";

const STATUS = `Name:\tsh SigIgn: 1
State:\tT (stopped)
TracerPid:\t42
Uid:\t1000\t0\t0\t0
SigQ:\t0/63692
SigPnd:\t0000000000000100
ShdPnd:\t0000000000004000
SigBlk:\t0000000000000002
SigIgn:\t0000000000001001
SigCgt:\t8000000100010000
`;

Deno.test("the masks of /proc/<pid>/status become names", () => {
  assertEquals(parseStatus(STATUS), {
    uid: 1000,
    tracer: 42,
    ignored: ["SIGHUP", "SIGPIPE"],
    blocked: ["SIGINT"],
    // Bits 32 and 63 are real-time signals.
    caught: ["SIGCHLD"],
    pending: ["SIGKILL", "SIGTERM"],
  });
});

Deno.test("a status without the fields has nothing", () => {
  assertEquals(parseStatus(""), {
    uid: null,
    tracer: 0,
    ignored: [],
    blocked: [],
    caught: [],
    pending: [],
  });
});
