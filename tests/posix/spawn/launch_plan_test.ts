/**
 * Children that are held back while they are prepared: what is left of them when
 * the parent dies meanwhile, and what they have of it as programs. Looked at from
 * outside, in `/proc`.
 */

import { assert, assertEquals } from "@std/assert";
import {
  type ChildProcess,
  Command,
  type CommandOptions,
} from "../../../mod.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { denoArgs, denoUnderTest } from "../../fixtures/deno.ts";
import {
  newMarker,
  openDescriptors,
  processesWith,
  statOf,
} from "../../fixtures/process_table.ts";
import { settle, warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os !== "linux";
const root = !ignore && Deno.uid() === 0;
const PARENT = import.meta.resolve("../../fixtures/held_parent.ts");
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

Deno.test.beforeAll(async () => {
  await warmUp();
  if (ignore) return;
  // Opens what is kept: with the first limits, and the first list of processes.
  const limits = { processes: 50, openFiles: 50, fileSize: 1 << 20 };
  const fds = { 3: "null" } as const;
  await new Command("true", { limits, priority: 1, fds }).output();
  await settle();
});

/** Every number that a shell knows in a redirection. */
function allDigits(): Record<number, "null"> {
  const fds: Record<number, "null"> = {};
  for (let fd = 3; fd <= 9; fd++) fds[fd] = "null";
  return fds;
}

/** Kills a parent after so many native calls; tells which there were. */
async function killedParent(
  options: CommandOptions,
  after: number,
  marker: string,
): Promise<string[]> {
  const { signal, stdout, stderr } = await within(
    new Deno.Command(denoUnderTest(), {
      args: denoArgs(PARENT, [JSON.stringify(options), String(after), marker]),
      stdin: "null",
    }).output(),
    "the parent's end",
  );
  assertEquals(signal, "SIGKILL", decode(stderr));
  return JSON.parse(decode(stdout));
}

function countOf(name: string, calls: readonly string[]): number {
  return calls.filter((call) => call === name).length;
}

function end(marker: string): void {
  for (const { pid } of processesWith(marker)) Deno.kill(pid, "SIGKILL");
}

const UNGUARDED: readonly (readonly [string, CommandOptions])[] = [
  ["detached", { detached: true }],
  [
    "in a group that no guard ends",
    { containment: "process-group", killOnParentExit: false },
  ],
];

for (const [name, options] of UNGUARDED) {
  Deno.test({
    name: `a parent killed while its child is held back leaves none: ${name}`,
    ignore,
    async fn() {
      const prepared = { ...options, priority: 1 };
      const last = newMarker();
      const calls = await killedParent(prepared, 0, last);
      const spawned = calls.indexOf("posix_spawn") + 1;
      const released = calls.lastIndexOf("write") + 1;
      assert(spawned > 0 && released > spawned, calls.join());
      // Let go, it lives on, as it was asked to.
      await until(
        () => processesWith(last).some(({ state }) => state === "S"),
        "the program",
      );
      end(last);
      const writes = countOf("write", calls.slice(0, released));
      for (let after = spawned; after < released; after++) {
        const marker = newMarker();
        const made = await killedParent(prepared, after, marker);
        const call = made[made.length - 1];
        // On a busy machine some calls fall away, and the last one came sooner.
        if (countOf("write", made) >= writes) {
          end(marker);
          continue;
        }
        await until(
          () => processesWith(marker).length === 0,
          `the end of what was started, after ${call}`,
          10_000,
        );
      }
    },
  });
}

Deno.test({
  name: "a parent killed before the watch on the limits is ready leaves none",
  ignore,
  async fn() {
    const marker = newMarker();
    const options = { detached: true, limits: { processes: 50 } };
    await killedParent(options, 0, marker);
    await until(() => processesWith(marker).length === 0, "its end");
  },
});

// Why children are not held back like this, and what is left where they must be.
Deno.test({
  name: "a child that has stopped itself stays behind",
  ignore,
  async fn() {
    const options = { detached: true, priority: 1, fds: allDigits() };
    const whole = newMarker();
    const calls = await killedParent(options, 0, whole);
    end(whole);
    const marker = newMarker();
    try {
      let made = calls;
      // On a busy machine some calls fall away, and that one comes sooner.
      for (let i = calls.lastIndexOf("kill"); made.includes("kill"); i--) {
        end(marker);
        made = await killedParent(options, i, marker);
      }
      await until(
        () => processesWith(marker).some(({ state }) => state === "T"),
        "the child, stopped",
      );
    } finally {
      end(marker);
    }
  },
});

/** The descriptors from 3 on that a child lists, without that of the list. */
function listed(options: CommandOptions): string[] {
  const { code, stdout, stderr } = new Command("ls", {
    args: ["-l", "/proc/self/fd"],
    stdin: "null",
    ...options,
  }).outputSync();
  assertEquals([code, decode(stderr)], [0, ""]);
  return decode(stdout).split("\n").filter((line) =>
    / ([3-9]|\d\d+) -> /.test(line) && !/\/proc\/\d+\/fd$/.test(line)
  ).map((line) => line.replace(/^.* (\d+ -> )/, "$1"));
}

Deno.test({
  name: "the program does not have the descriptor that it was held back with",
  ignore,
  fn() {
    for (
      const held of [
        { priority: 1 },
        { affinity: [0] },
        { limits: { fileSize: 1 << 20 } },
        { limits: { processes: 50 } },
        // As few as can be: fewer than what runs first may need.
        { priority: 1, limits: { openFiles: 8 } },
      ] as const
    ) {
      // The machine may have given this process more than it should.
      assertEquals(listed(held), listed({}));
      assertEquals(listed({ ...held, fds: {} }), []);
      const fds = { 3: "null", 7: "null" } as const;
      const both = ["3 -> /dev/null", "7 -> /dev/null"];
      assertEquals(listed({ ...held, fds }), both);
    }
    const high = { 9: "null", 40: "null" } as const;
    assertEquals(listed({ priority: 1, fds: high }), [
      "40 -> /dev/null",
      "9 -> /dev/null",
    ]);
  },
});

Deno.test({
  name:
    "with every number of one digit in use a child is prepared all the same",
  ignore,
  async fn() {
    const fds = allDigits();
    const held = { fds, priority: 3 };
    assertEquals(listed(held).length, 7);
    const script = new Command("sh", {
      args: ["-c", "nice; ls /proc/self/fd | wc -l"],
      limits: { processes: 50 },
      ...held,
    });
    // 0 to 9, and that of the list.
    assertEquals(decode((await script.output()).stdout), "3\n11\n");
    assertEquals(decode(script.outputSync().stdout), "3\n11\n");
  },
});

Deno.test({
  name: "what this process was started with is neither used nor closed",
  ignore,
  async fn() {
    const mod = JSON.stringify(import.meta.resolve("../../../mod.ts"));
    const script = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(
      script,
      `import { Command } from ${mod};
      for (const held of [{}, { priority: 1 }]) {
        const { stdout } = new Command("ls", {
          args: ["/proc/self/fd"], stdin: "null", ...held }).outputSync();
        console.log(new TextDecoder().decode(stdout).trim().replaceAll("\\n", " "));
      }`,
    );
    const seen = async (redirections: string): Promise<string[]> => {
      const { stdout, stderr } = await new Deno.Command("bash", {
        args: ["-c", `exec "$@" ${redirections}`, "bash"]
          .concat(denoUnderTest(), denoArgs(new URL(`file://${script}`))),
        stdin: "null",
      }).output();
      assertEquals(decode(stderr), "");
      return decode(stdout).trim().split("\n");
    };
    try {
      const some = "7</dev/null 9</dev/null";
      const all = "3<&0 4<&0 5<&0 6<&0 7<&0 8<&0 9<&0";
      for (const redirections of [some, all]) {
        const [free, held, ...more] = await seen(redirections);
        assertEquals([held, more], [free, []]);
        assert(/ 7.* 9/.test(held ?? ""), held);
      }
    } finally {
      await Deno.remove(script);
    }
  },
});

Deno.test({
  name: "a suspended child that is prepared is stopped, and runs when resumed",
  ignore,
  async fn() {
    const started = (options: CommandOptions): ChildProcess =>
      new Command("sh", {
        args: ["-c", "read line; echo $(nice) $line"],
        stdin: "piped",
        stdout: "piped",
        suspended: true,
        ...options,
      }).spawn();
    for (
      const options of [
        { priority: 2 },
        { priority: 2, limits: { processes: 50 } },
        { priority: 2, fds: allDigits() },
        { priority: 2, umask: 0o27, limits: { openFiles: 8 } },
      ]
    ) {
      await using child = started(options);
      assertEquals(statOf(child.pid)?.state, "T");
      // The watch on the limits begins in the next turn: it does not wake it.
      await new Promise((resolve) => setTimeout(resolve, 20));
      assertEquals(statOf(child.pid)?.state, "T");
      child.resume();
      // What is typed is for the program, not for the shell.
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("typed\n"));
      await writer.close();
      assertEquals(await child.stdout.text(), "2 typed\n");
      assertEquals((await child.status).code, 0);
    }
  },
});

Deno.test({
  name: "a child that is suspended before it was let go runs when resumed",
  ignore,
  async fn() {
    await using child = new Command("sh", {
      args: ["-c", "exit 7"],
      limits: { processes: 50 },
    }).spawn();
    child.suspend();
    await until(() => statOf(child.pid)?.state === "T", "the stop");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(statOf(child.pid)?.state, "T");
    child.resume();
    assertEquals((await child.status).code, 7);
  },
});

Deno.test({
  name: "however a child ends before it is let go, the pipe is closed",
  ignore,
  async fn() {
    const before = openDescriptors();
    const start = (): ChildProcess =>
      new Command("sleep", {
        args: ["60"],
        stdin: "null",
        stdout: "null",
        stderr: "null",
        limits: { processes: 50 },
      }).spawn();
    const ends: ((child: ChildProcess) => unknown)[] = [
      (child) => child.kill("SIGKILL"),
      (child) => Deno.kill(child.pid, "SIGKILL"),
      (child) => child.kill("SIGTERM"),
      (child) => child.stop({ grace: 0 }),
      (child) => child[Symbol.asyncDispose](),
    ];
    for (const finish of ends) {
      const child = start();
      assertEquals(openDescriptors(), before + 1);
      await finish(child);
      await child.status;
      await child.treeExited;
      await until(() => openDescriptors() === before, "the pipe to be closed");
    }
    // Signals that continue do not let it go: that is the watch's.
    const child = start();
    child.kill("SIGCONT");
    Deno.kill(child.pid, "SIGCONT");
    // posix_spawn returns a moment before the new arguments can be read. The event
    // loop must not turn meanwhile: the watch would let it go.
    let command = "";
    for (let tries = 0; command === "" && tries < 100_000; tries++) {
      command = Deno.readTextFileSync(`/proc/${child.pid}/cmdline`);
    }
    assert(command.startsWith("launcher\0"), command);
    await child.stop({ grace: 0 });
    await child.status;
    await until(() => openDescriptors() === before, "the pipe to be closed");
  },
});

Deno.test({
  name: "who may not signal the child can let it go, and be rid of it",
  ignore: !root,
  async fn() {
    const marker = newMarker();
    const mod = JSON.stringify(import.meta.resolve("../../../mod.ts"));
    const script = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(
      script,
      `import { Command } from ${mod};
      const command = (options) =>
        new Command("sh", { args: ["-c", "exit 6", "${marker}"], uid: 65534, ...options });
      const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
      console.log(command({ limits: { processes: 50 } }).outputSync().code);
      const before = open();
      try {
        command({ priority: 5 }).spawn();
      } catch (error) {
        console.log(error.syscall, open() - before);
      }`,
    );
    try {
      const { stdout, stderr } = await within(
        new Deno.Command("setpriv", {
          args: ["--bounding-set=-kill,-sys_nice"]
            .concat(denoUnderTest(), denoArgs(new URL(`file://${script}`))),
          stdin: "null",
        }).output(),
        "the end of a parent without privileges",
      );
      assertEquals([decode(stdout), decode(stderr)], [
        "6\nsetpriority 0\n",
        "",
      ]);
      assertEquals(processesWith(marker), []);
    } finally {
      await Deno.remove(script);
    }
  },
});
