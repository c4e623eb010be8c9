import { assertEquals, assertThrows } from "@std/assert";
import {
  type Errand,
  launcherImage,
  shellArguments,
} from "../../../../posix/spawn/launcher.ts";

const NOTHING: Errand = {
  hold: -1,
  stops: false,
  umask: null,
  openFiles: null,
  ulimits: "",
  listenPid: false,
  files: [],
};

Deno.test("the shell sets the mask, waits, stops, limits itself, and becomes the program, in this order", () => {
  const script = (
    stops: boolean,
    umask: number | null,
    more: Partial<Errand> = {},
  ) => shellArguments("/p", ["a"], { ...NOTHING, stops, umask, ...more }, []);
  assertEquals(script(false, 0o27), [
    "/bin/sh",
    "-c",
    'umask 027; exec "$0" "$@"',
    "/p",
    "a",
  ]);
  assertEquals(script(true, 0)[2], 'umask 00; kill -STOP $$; exec "$0" "$@"');
  assertEquals(script(true, null)[2], 'kill -STOP $$; exec "$0" "$@"');
  assertEquals(
    script(false, 0, { ulimits: "ulimit -S -n 9; " })[2],
    'umask 00; ulimit -S -n 9; exec "$0" "$@"',
  );
  assertEquals(
    script(true, 0o22, { listenPid: true })[2],
    'umask 022; kill -STOP $$; LISTEN_PID=$$; export LISTEN_PID; exec "$0" "$@"',
  );
  const wait = "{ exec 9<&-; read -r killable_hold; } <&9 || exit 125; ";
  assertEquals(
    script(false, null, { hold: 9 })[2],
    wait + 'exec "$0" "$@"',
  );
  assertEquals(
    script(true, 0, { hold: 9, openFiles: 8n })[2],
    `umask 00; ${wait}kill -STOP $$; ulimit -n 8 || exit 125; exec "$0" "$@"`,
  );
});

Deno.test("the shell opens files after it has been let go, and quotes their paths", () => {
  const path = "/a 'b'";
  const script = shellArguments("/p", [], {
    ...NOTHING,
    stops: true,
    files: [
      { target: 0, copy: -1, path, access: "read" },
      { target: 1, copy: 2, path: "/log", access: "append" },
    ],
  }, [])[2];
  assertEquals(
    script,
    `kill -STOP $$; exec 0<'/a '\\''b'\\''' || exit 126; ` +
      `exec 1>>'/log' || exit 126; exec 2>&1; exec "$0" "$@"`,
  );
  const high = { target: 10, copy: -1, path, access: "read" } as const;
  assertThrows(
    () => shellArguments("/p", [], { ...NOTHING, files: [high] }, []),
    Deno.errors.NotSupported,
    "one digit",
  );
});

Deno.test("a name that the program is told is a quoted word for exec -a", () => {
  assertEquals(
    shellArguments("/p", ["a"], NOTHING, [], "it's").slice(2),
    ["exec -a 'it'\\''s' \"$0\" \"$@\"", "/p", "a"],
  );
});

Deno.test("variables that the shell drops go through env(1)", () => {
  assertEquals(shellArguments("/p", ["a"], NOTHING, ["a.b=1"]).slice(2), [
    'exec /usr/bin/env "$@"',
    "/p",
    "a.b=1",
    "/p",
    "a",
  ]);
  // env would take such a path for a variable.
  assertEquals(
    shellArguments("/x=y/p", [], NOTHING, ["a.b=1"])[2],
    'exec "$0" "$@"',
  );
});

/** Numbers of the system calls in a launcher's list, up to the end of the list. */
function calls(image: Uint8Array<ArrayBuffer>): number[] {
  const view = new DataView(image.buffer);
  const numbers: number[] = [];
  for (let at = 0x400; view.getBigInt64(at, true) >= 0n; at += 64) {
    numbers.push(Number(view.getBigInt64(at, true)));
  }
  return numbers;
}

Deno.test("the launcher's list has the calls of the errand in the order of the shell's", () => {
  const errand: Errand = {
    hold: 9,
    stops: true,
    umask: 0o22,
    openFiles: 8n,
    ulimits: "",
    listenPid: true,
    files: [{ target: 0, copy: -1, path: "/f", access: "read" }],
  };
  // prctl, umask, read, close, getpid, kill, openat, dup3, readlinkat, prlimit64
  assertEquals(
    calls(launcherImage("/p", errand, false)),
    [157, 95, 0, 3, 39, 62, 257, 292, 267, 302],
  );
  assertEquals(
    calls(launcherImage("/p", errand, true)),
    [167, 166, 63, 57, 172, 129, 56, 24, 78, 261],
  );
  assertEquals(calls(launcherImage("/p", NOTHING, false)), [157]);
});

Deno.test("the launcher is a static executable whose code is read-only", () => {
  for (const arm64 of [false, true]) {
    const view = new DataView(launcherImage("/p", NOTHING, arm64).buffer);
    assertEquals(view.getUint32(0), 0x7f454c46);
    assertEquals(view.getUint16(16, true), 2);
    assertEquals(view.getUint16(18, true), arm64 ? 183 : 62);
    const flags = [64, 120, 176].map((at) => view.getUint32(at + 4, true));
    assertEquals(flags, [5, 6, 6]);
  }
});
