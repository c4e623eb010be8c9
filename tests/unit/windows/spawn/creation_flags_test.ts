import { assertEquals } from "@std/assert";
import {
  CREATE_BREAKAWAY_FROM_JOB,
  CREATE_NEW_CONSOLE,
  CREATE_NEW_PROCESS_GROUP,
  CREATE_NO_WINDOW,
  CREATE_SUSPENDED,
  DETACHED_PROCESS,
} from "../../../../windows/system/win32.ts";
import type { WindowsSpec } from "../../../../backend/spec.ts";
import {
  creationFlags,
  startupChoice,
} from "../../../../windows/spawn/launch_plan.ts";

const CHOICE: WindowsSpec = {
  console: "auto",
  window: "default",
  desktop: null,
  breakaway: false,
};
const SPEC: Parameters<typeof creationFlags>[0] = {
  stdin: "null",
  stdout: "piped",
  stderr: "piped",
  detached: false,
  suspended: false,
  processGroup: "auto",
  affinity: null,
  nice: null,
};
const INHERITS = { ...SPEC, stderr: "inherit" } as const;
const TERMINAL = { console: true, helper: true };
const SERVICE = { console: false, helper: true };
const COMPILED = { console: true, helper: false };

Deno.test("a child with no stream of ours has a hidden console", () => {
  assertEquals(creationFlags(SPEC, TERMINAL), CREATE_NO_WINDOW);
});

Deno.test("a child with a stream of ours shares our console, in a group of its own", () => {
  assertEquals(creationFlags(INHERITS, TERMINAL), CREATE_NEW_PROCESS_GROUP);
  const inherit = { ...INHERITS, processGroup: "inherit" } as const;
  assertEquals(creationFlags(inherit, TERMINAL), 0);
});

Deno.test("without a console of ours no child gets a visible one", () => {
  assertEquals(creationFlags(INHERITS, SERVICE), CREATE_NO_WINDOW);
  const compiled = { console: false, helper: false };
  assertEquals(creationFlags(SPEC, compiled), CREATE_NO_WINDOW);
});

Deno.test("a compiled program shares its console, since it has no helper to reach another", () => {
  assertEquals(creationFlags(SPEC, COMPILED), CREATE_NEW_PROCESS_GROUP);
});

Deno.test("a detached child leaves our console and our job", () => {
  const flags = CREATE_NO_WINDOW | CREATE_BREAKAWAY_FROM_JOB;
  const detached = { ...INHERITS, detached: true };
  assertEquals(creationFlags(detached, TERMINAL), flags);
  assertEquals(creationFlags(detached, COMPILED), flags);
});

Deno.test("a suspended child is created suspended", () => {
  const flags = creationFlags({ ...SPEC, suspended: true }, TERMINAL);
  assertEquals(flags, CREATE_NO_WINDOW | CREATE_SUSPENDED);
});

Deno.test("windows.console chooses the console, whatever the streams are", () => {
  const flags = (console: WindowsSpec["console"], situation = TERMINAL) =>
    creationFlags({ ...SPEC, windows: { ...CHOICE, console } }, situation);
  assertEquals(flags("auto"), CREATE_NO_WINDOW);
  assertEquals(flags("hidden"), CREATE_NO_WINDOW);
  assertEquals(flags("own"), CREATE_NEW_CONSOLE);
  assertEquals(flags("none"), DETACHED_PROCESS);
  assertEquals(flags("shared"), CREATE_NEW_PROCESS_GROUP);
  assertEquals(flags("shared", SERVICE), CREATE_NO_WINDOW);
});

Deno.test("windows.window and desktop become fields of the start-up information", () => {
  assertEquals(startupChoice(null), { desktop: null, showWindow: null });
  assertEquals(startupChoice(CHOICE), { desktop: null, showWindow: null });
  assertEquals(
    startupChoice({ ...CHOICE, window: "hidden", desktop: "a\\b" }),
    { desktop: "a\\b", showWindow: 0 },
  );
});
