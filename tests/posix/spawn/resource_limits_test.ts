/**
 * Limits hit by ten programs, each with the right status; and the same programs
 * without the limit, or with one just above what they need.
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { capabilities, Command, type Limits } from "../../../mod.ts";
import { ulimitCommands } from "../../../posix/spawn/resource_limits.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { waitForText } from "../../fixtures/eval.ts";
import {
  newMarker,
  processesWith,
  statOf,
} from "../../fixtures/process_table.ts";
import { settle, warmUp } from "../../fixtures/warm_up.ts";
import { findProgram, run } from "../../real/place.ts";

const LINUX = Deno.build.os === "linux";
const MB = 1 << 20;

Deno.test.beforeAll(async () => {
  await warmUp();
  // Opens what a look at the use of processes needs.
  const limits: Limits = { memory: 1e12, processes: 1e6, openFiles: 1000 };
  const run = await new Command("true", { limits }).output();
  assertEquals(run.limit, null);
  await settle();
});

/** The program that a shim in PATH stands for: it would count as processes. */
function real(name: string, ask: string[]): string | null {
  try {
    const { stdout, success } = new Deno.Command(name, { args: ask })
      .outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch {
    return null;
  }
}

const PYTHON = real("python3", ["-c", "import sys; print(sys.executable)"]);
const NODE = real("node", ["-p", "process.execPath"]);
const PERL = real("perl", ["-e", "print $^X"]);
const DENO = Deno.execPath();
const EATER = await compiled(
  "#include <stdlib.h>\n#include <string.h>\n" +
    "int main(void) { for (;;) memset(malloc(1 << 20), 1, 1 << 20); }",
);

/** A C program, where there is a compiler. */
async function compiled(
  source: string,
): Promise<{ dir: string; file: string } | null> {
  const compiler = findProgram("cc", "gcc", "clang");
  if (compiler === null) return null;
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/program.c`, source);
  // Unoptimized: what is never read need not be written otherwise.
  const args = ["-O0", "-o", `${dir}/program`, `${dir}/program.c`];
  await run([compiler, ...args]);
  return { dir, file: `${dir}/program` };
}

Deno.test.afterAll(async () => {
  if (EATER !== null) await Deno.remove(EATER.dir, { recursive: true });
});

interface Case {
  readonly name: string;
  readonly program: string | null;
  readonly args: readonly string[];
  readonly limits: Limits;
  readonly limit: string | null;
  readonly signal?: string;
}

// Whatever goes wrong, nothing runs for longer than this.
const SAFE = { wallTime: 60_000 };

const EAT_PYTHON = `
a = []
while True: a.append(bytearray(b"x") * (1 << 20))`;
const EAT_PERL = `my @a; while (1) { push @a, "x" x (1 << 20) }`;
const EAT_NODE =
  `const a = []; const f = () => { for (let i = 0; i < 4; i++) a.push(Buffer.alloc(1 << 20, 1)); setImmediate(f); }; f();`;
const SPAWN_NODE =
  `for (let i = 0; i < 8; i++) require("node:child_process").spawn("sleep", ["60"]);`;
const THREADS = `
import hashlib, threading
def burn():
    data = b"x" * (1 << 20)
    while True: hashlib.sha256(data).digest()
for _ in range(4): threading.Thread(target=burn).start()`;

// deno-fmt-ignore
const HIT: readonly Case[] = [
  { name: "python3 eats memory", program: PYTHON, args: ["-c", EAT_PYTHON], limits: { memory: 100 * MB }, limit: "memory", signal: "SIGKILL" },
  { name: "perl eats memory", program: PERL, args: ["-e", EAT_PERL], limits: { memory: 100 * MB }, limit: "memory", signal: "SIGKILL" },
  { name: "node eats memory", program: NODE, args: ["-e", EAT_NODE], limits: { memory: 200 * MB }, limit: "memory", signal: "SIGKILL" },
  { name: "awk burns CPU time", program: "awk", args: ["BEGIN { while (1) i++ }"], limits: { cpuTime: 300 }, limit: "cpuTime" },
  { name: "threads of python3 burn CPU time", program: PYTHON, args: ["-c", THREADS], limits: { cpuTime: 600 }, limit: "cpuTime" },
  { name: "sh that ignores SIGXCPU burns CPU time", program: "sh", args: ["-c", "trap '' XCPU; while :; do :; done"], limits: { cpuTime: 1000 }, limit: "cpuTime", signal: "SIGKILL" },
  { name: "children of sh burn CPU time together", program: "sh", args: ["-c", "for i in 1 2 3 4; do sh -c 'while :; do :; done' & done; wait"], limits: { cpuTime: 600 }, limit: "cpuTime" },
  { name: "deno burns CPU time", program: DENO, args: ["eval", "--no-config", "for (;;);"], limits: { cpuTime: 1500 }, limit: "cpuTime" },
  { name: "dd writes a large file", program: "dd", args: ["if=/dev/zero", "of=FILE", "bs=1k", "count=1000"], limits: { fileSize: 10_240 }, limit: "fileSize", signal: "SIGXFSZ" },
  { name: "a child of sh writes a large file", program: "sh", args: ["-c", "head -c 1000000 /dev/zero > FILE"], limits: { fileSize: 10_240 }, limit: "fileSize" },
  { name: "yes writes without end", program: "yes", args: [], limits: { output: 100_000 }, limit: "output", signal: "SIGKILL" },
  { name: "seq counts without end", program: "seq", args: ["1000000000000"], limits: { output: 100_000 }, limit: "output", signal: "SIGKILL" },
  { name: "a C program eats memory", program: EATER?.file ?? null, args: [], limits: { memory: 60 * MB }, limit: "memory", signal: "SIGKILL" },
  { name: "tail waits for too long", program: "tail", args: ["-f", "/dev/null"], limits: { wallTime: 300 }, limit: "wallTime", signal: "SIGKILL" },
  { name: "node starts too many processes", program: NODE, args: ["-e", SPAWN_NODE], limits: { processes: 4 }, limit: "processes" },
  { name: "sh sleeps for too long", program: "sh", args: ["-c", "sleep 60; :"], limits: { wallTime: 300 }, limit: "wallTime", signal: "SIGKILL" },
  { name: "sh starts too many processes", program: "sh", args: ["-c", "for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; wait"], limits: { processes: 4 }, limit: "processes" },
];

// deno-fmt-ignore
const BELOW: readonly Case[] = [
  { name: "python3 with memory for what it needs", program: PYTHON, args: ["-c", "import time; a = bytearray(b'x') * (40 << 20); time.sleep(0.3)"], limits: { memory: 100 * MB }, limit: null },
  { name: "forks that share their memory", program: PYTHON, args: ["-c", "import os, time\na = bytearray(b'x') * (40 << 20)\nfor _ in range(5):\n  if os.fork() == 0: time.sleep(0.5); os._exit(0)\nfor _ in range(5): os.wait()"], limits: LINUX ? { memory: 150 * MB } : {}, limit: null },
  { name: "awk with time for what it needs", program: "awk", args: ["BEGIN { while (i < 100000) i++ }"], limits: { cpuTime: 20_000 }, limit: null },
  { name: "sh with just as many processes as it starts", program: "sh", args: ["-c", "for i in 1 2 3; do sleep 0.3 & done; wait"], limits: { processes: 4 }, limit: null },
  { name: "dd with a file just as large", program: "dd", args: ["if=/dev/zero", "of=FILE", "bs=1k", "count=10"], limits: { fileSize: 10_240 }, limit: null },
  { name: "seq with just as much output", program: "seq", args: ["10"], limits: { output: 21 }, limit: null },
  { name: "sh with descriptors enough", program: "sh", args: ["-c", "exec 3</dev/null; ls / >/dev/null"], limits: { openFiles: 32 }, limit: null },
];

for (const one of HIT.concat(BELOW)) {
  Deno.test({
    name: `limits: ${one.name}: ${one.limit ?? "none is hit"}`,
    // A program that is not installed here.
    ignore: one.program === null,
    async fn() {
      const file = await Deno.makeTempFile();
      const marker = newMarker();
      try {
        const args = one.args.map((arg) => arg.replace("FILE", file));
        const command = new Command(one.program!, {
          args,
          env: { MARKER: marker },
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
          limits: { ...SAFE, ...one.limits },
        });
        const run = await within(command.output(), one.name);
        const err = new TextDecoder().decode(run.stderr);
        assertEquals(run.limit, one.limit, err);
        assertEquals(run.success, one.limit === null, err);
        if (one.signal) assertEquals(run.signal, one.signal);
        assertEquals(processesWith(marker), []);
        const blocking = command.outputSync();
        assertEquals(blocking.limit, one.limit, "outputSync()");
        assertEquals(blocking.success, one.limit === null);
        assertEquals(processesWith(marker), []);
      } finally {
        await Deno.remove(file);
      }
    },
  });
}

Deno.test("the same program without a limit is not ended", async () => {
  const script = "for i in 1 2 3 4 5 6 7 8; do sleep 0.2 & done; wait";
  const run = await new Command("sh", { args: ["-c", script] }).output();
  assertEquals([run.success, run.limit], [true, null]);
});

Deno.test(
  "a program that ignores SIGXFSZ fails by itself, and no limit is named",
  {
    ignore: PYTHON === null,
  },
  async () => {
    const file = await Deno.makeTempFile();
    const run = await new Command(PYTHON!, {
      args: [
        "-c",
        `open("${file}", "wb", 0).write(b"x" * 100000)\nraise SystemExit(3)`,
      ],
      limits: { fileSize: 1000, ...SAFE },
    }).output();
    assertEquals(run.limit, null);
    // In blocks, where a shell sets it.
    const size = Deno.build.os === "darwin" ? 1024 : 1000;
    assertEquals((await Deno.stat(file)).size, size);
    await Deno.remove(file);
  },
);

Deno.test("descriptors run out for the program, and a look tells", {
  ignore: PYTHON === null || !LINUX,
}, async () => {
  const source = `
import sys
files = []
try:
    while True: files.append(open("/dev/null"))
except OSError as error:
    print(error.errno, flush=True)
    sys.stdin.read()
    sys.exit(1)`;
  const child = new Command(PYTHON!, {
    args: ["-c", source],
    stdin: "piped",
    stdout: "piped",
    limits: { openFiles: 30, ...SAFE },
  }).spawn();
  assertEquals(await waitForText(child.stdout, "\n"), "24\n");
  // The look that notes it, before the program may end.
  child.usage();
  await child.stdin.close();
  const status = await child.status;
  assertEquals([status.code, status.limit], [1, "openFiles"]);
  await child.stdout.cancel();
  await child.treeExited;
});

Deno.test("limits are in force before the first instruction, and inherited", {
  ignore: !LINUX,
}, async () => {
  const run = await new Command("sh", {
    args: [
      "-c",
      "ulimit -n; ulimit -f; ulimit -c; ulimit -t; sh -c 'ulimit -n'",
    ],
    limits: { openFiles: 77, fileSize: 512, coreSize: 0, cpuTime: 2500 },
  }).output();
  const lines = new TextDecoder().decode(run.stdout).trim().split("\n");
  assertEquals(lines, ["77", "1", "0", "3", "77"]);
});

Deno.test("a program that cannot be started is reported as without limits", () => {
  const limits = { openFiles: 64 };
  for (const program of ["/no/such/program", "no-such-program"]) {
    let error: unknown;
    try {
      new Command(program, { limits }).spawn();
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof Deno.errors.NotFound, String(error));
  }
});

// A fork bomb, `:(){ :|:& };:`, whose links end at once and leave their successors
// to init. It counts: 400 processes at most, whatever becomes of the limit.
const BOMB =
  "b() { [ $1 = 0 ] && exec sleep 60; b $(($1 - 1)) | b $(($1 - 1)) & }; b 7";

Deno.test("a fork bomb is ended at its limit of processes", async () => {
  const marker = newMarker();
  const command = new Command("sh", {
    args: ["-c", `${BOMB}; sleep 60`],
    env: { MARKER: marker },
    stdin: "null",
    stderr: "null",
    limits: { processes: 30, ...SAFE },
  });
  const run = await within(command.output(), "the end of the bomb");
  assertEquals([run.limit, run.killed], ["processes", true]);
  assertEquals(processesWith(marker), []);
  assertEquals(command.outputSync().limit, "processes");
  assertEquals(processesWith(marker), []);
});

Deno.test("a tree that grows like a bomb is ended, whoever may start it", async () => {
  const marker = newMarker();
  // Two of each, and the last ones sleep: 200 at most.
  const source =
    `grow() { [ $1 -gt 0 ] && { grow $(($1 - 1)) & grow $(($1 - 1)) & }; wait; sleep 60; }; grow 6`;
  const run = await within(
    new Command("sh", {
      args: ["-c", source],
      env: { MARKER: marker },
      stdin: "null",
      limits: { processes: 25, ...SAFE },
    }).output(),
    "the end of the tree",
  );
  assertEquals([run.limit, run.signal], ["processes", "SIGKILL"]);
  assertEquals(processesWith(marker), []);
});

// Bash 3.2 is /bin/sh on macOS: its blocks are those of bash that is not POSIX's.
for (
  const [name, command, first] of [
    ["sh", ["sh"], ""],
    ["bash as POSIX has it", ["bash", "--posix"], ""],
    ["bash 3.2", ["bash"], "BASH_VERSION=3.2.57; "],
  ] as const
) {
  Deno.test(`a limit in blocks is the same number of bytes for ${name}`, {
    ignore: !LINUX,
  }, () => {
    const script = ulimitCommands({ fileSize: 5000, coreSize: 0 });
    const [program, ...flags] = command;
    const run = new Command(program, {
      args: [...flags, "-c", `${first}${script}cat /proc/self/limits`],
    }).outputSync();
    const limits = new TextDecoder().decode(run.stdout);
    const of = (what: string) =>
      new RegExp(`^${what} +(\\d+) +(\\d+)`, "m").exec(limits)?.slice(1);
    assertEquals(of("Max file size"), ["5120", "5120"]);
    assertEquals(of("Max core file size"), ["0", "0"]);
  });
}

Deno.test("a child that starts suspended stays so, with a limit of processes", async () => {
  await using child = new Command("sh", {
    args: ["-c", "echo ran"],
    suspended: true,
    stdin: "null",
    stdout: "piped",
    limits: { processes: 5, ...SAFE },
  }).spawn();
  // The watch begins, and does not let it run.
  await until(() => child.usage().elapsed > 100, "some turns");
  assertEquals(statOf(child.pid)?.state, "T");
  child.resume();
  assertEquals(await child.stdout.text(), "ran\n");
  assertEquals((await child.status).limit, null);
});

Deno.test("what the leader leaves behind stays limited", async () => {
  const marker = newMarker();
  const child = new Command("sh", {
    args: ["-c", "sleep 60 & exit 0"],
    env: { MARKER: marker },
    stdin: "null",
    limits: { wallTime: 800 },
  }).spawn();
  const status = await child.status;
  assertEquals([status.code, status.limit], [0, null]);
  await within(child.treeExited, "the end of what was left");
  assertEquals(processesWith(marker), []);
});

Deno.test("limits say what holds them", async () => {
  await using child = new Command("sleep", {
    args: ["60"],
    stdin: "null",
    limits: { memory: MB * 100, cpuTime: 5000, openFiles: 50 },
  }).spawn();
  assertEquals(child.limits, [
    { limit: "memory", value: MB * 100, by: "watched", of: "tree" },
    { limit: "cpuTime", value: 5000, by: "both", of: "tree" },
    { limit: "openFiles", value: 50, by: "kernel", of: "process" },
  ]);
  await using plain = new Command("sleep", { args: ["60"], stdin: "null" })
    .spawn();
  assertEquals(plain.limits, []);
});

Deno.test({
  name: "a cgroup tells the CPU time of its tree",
  // Only where a cgroup can be made; its CPU time needs no controller.
  ignore: !LINUX ||
    capabilities().mechanisms.find((one) => one.mechanism === "cgroup")
        ?.available !== true,
  async fn() {
    const run = await new Command("sh", {
      args: ["-c", "awk 'BEGIN { while (i < 2000000) i++ }'"],
      containment: "cgroup",
      limits: { memory: 1000 * MB, processes: 20, ...SAFE },
    }).output();
    assertEquals([run.success, run.limit], [true, null]);
    const { source, userTime } = run.usage.tree;
    assertEquals(source, "cgroup");
    assertGreater(userTime!, 0);
    assertLess(userTime!, 60_000);
  },
});
