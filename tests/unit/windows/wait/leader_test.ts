import { assertEquals } from "@std/assert";
import {
  type Deeds,
  exitStatus,
  STATUS_CONTROL_C_EXIT,
} from "../../../../windows/wait/leader.ts";

const NOTHING: Deeds = { ended: [], softSignal: null };

Deno.test("exitStatus() keeps all 32 bits, signed as Deno.Command has them", () => {
  const codes: [number, number][] = [
    [0, 0],
    [1, 1],
    [259, 259],
    [300, 300],
    [137, 137],
    [0xFFFFFFFF, -1],
    [0xC0000005, -1073741819],
    [STATUS_CONTROL_C_EXIT, -1073741510],
  ];
  for (const [raw, code] of codes) {
    assertEquals(exitStatus(raw, NOTHING), { code, signal: null, lost: false });
  }
});

Deno.test("exitStatus() is a signal when we ended it, unless it was faster", () => {
  const deeds: Deeds = { ended: ["SIGKILL"], softSignal: "SIGTERM" };
  assertEquals(exitStatus(137, deeds).signal, "SIGKILL");
  assertEquals(exitStatus(0, deeds), { code: 0, signal: null, lost: false });
});

Deno.test("exitStatus() names the one of two kills that came first", () => {
  const deeds: Deeds = { ended: ["SIGTERM", "SIGKILL"], softSignal: null };
  assertEquals(exitStatus(143, deeds).signal, "SIGTERM");
  assertEquals(exitStatus(137, deeds).signal, "SIGKILL");
});

Deno.test("exitStatus() names the signal that a console event stood for", () => {
  const deeds: Deeds = { ended: [], softSignal: "SIGINT" };
  assertEquals(exitStatus(STATUS_CONTROL_C_EXIT, deeds), {
    code: 130,
    signal: "SIGINT",
    lost: false,
  });
  assertEquals(exitStatus(3, deeds).signal, null);
});
