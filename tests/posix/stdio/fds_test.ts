/**
 * `fds`: the child has exactly these descriptors, and this process keeps none of
 * the child's ends. Looked at from outside: the child lists its own.
 */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  checkCall,
  Command,
  type CommandOptions,
  listen,
  SystemError,
} from "../../../mod.ts";
import { until } from "../../fixtures/deadline.ts";
import { denoArgs, denoUnderTest } from "../../fixtures/deno.ts";

const LINUX = Deno.build.os === "linux";
const root = LINUX && Deno.uid() === 0;
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The open descriptors of this process, with what they are. */
function own(): Map<number, string> {
  const found = new Map<number, string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      found.set(Number(name), Deno.readLinkSync(`/proc/self/fd/${name}`));
    } catch { /* the one that the directory was read with */ }
  }
  return found;
}

/** The number of a file that this process has open. */
function numberOf(path: string): number {
  for (const [fd, what] of own()) if (what === path) return fd;
  throw new Error(`${path} is not open`);
}

/** What a child lists: numbers from 3 on, without that of the listing itself. */
function parseListing(listing: string): Record<number, string> {
  const found: Record<number, string> = {};
  for (const line of listing.split("\n")) {
    const match = / (\d+) -> (.*)$/.exec(line);
    if (match === null || Number(match[1]) < 3) continue;
    if (!/^\/proc\/\d+\/fd$/.test(match[2]!)) found[+match[1]!] = match[2]!;
  }
  return found;
}

const LISTING = { args: ["-l", "/proc/self/fd"], stdin: "null" } as const;

function listed(options: CommandOptions): Record<number, string> {
  const { code, stdout, stderr } = new Command("ls", { ...LISTING, ...options })
    .outputSync();
  assertEquals([code, decode(stderr)], [0, ""]);
  return parseListing(decode(stdout));
}

/** Two files of this process, with their numbers. */
function twoFiles() {
  const folder = Deno.makeTempDirSync();
  const paths = [`${folder}/a`, `${folder}/b`] as const;
  const files = paths.map((path) =>
    Deno.openSync(path, { create: true, write: true, read: true })
  );
  const [a, b] = paths.map(numberOf) as [number, number];
  return {
    a,
    b,
    paths,
    folder,
    [Symbol.dispose]() {
      for (const file of files) file.close();
      Deno.removeSync(folder, { recursive: true });
    },
  };
}

// The first child opens what is kept: the guard, /proc/loadavg.
Deno.test.beforeAll(async () => {
  new Command("true", { fds: { 3: "null" } }).outputSync();
  await new Command("true").spawn().status;
  listen({ hostname: "127.0.0.1", port: 0 }).close();
});

Deno.test({
  name: "a child has exactly the descriptors of fds",
  ignore: !LINUX,
  fn() {
    using files = twoFiles();
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const found = listed({
      fds: {
        3: files.a,
        5: "null",
        9: listener,
        11: { file: files.paths[1], access: "append" },
      },
    });
    assertStringIncludes(found[9]!, "socket:[");
    delete found[9];
    assertEquals(found, {
      3: files.paths[0],
      5: "/dev/null",
      11: files.paths[1],
    });
  },
});

Deno.test({
  name: "descriptors that trade places arrive at the right numbers",
  ignore: !LINUX,
  fn() {
    using files = twoFiles();
    const { a, b, paths } = files;
    const [pathA, pathB] = paths;
    assertEquals(listed({ fds: { [a]: b, [b]: a } }), {
      [a]: pathB,
      [b]: pathA,
    });
    // Onto itself: close-on-exec must not stay.
    assertEquals(listed({ fds: { [a]: a } }), { [a]: pathA });
    // A chain in either order, and one source twice.
    assertEquals(listed({ fds: { 3: a, [a]: b, [b]: "null", 200: a } }), {
      3: pathA,
      [a]: pathB,
      [b]: "/dev/null",
      200: pathA,
    });
    // Every number that a pipe or a copy would get is a target.
    const fds: Record<number, number> = {};
    const expected: Record<number, string> = {};
    for (let fd = 3; fd < 80; fd++) {
      fds[fd] = fd % 2 ? a : b;
      expected[fd] = fd % 2 ? pathA : pathB;
    }
    assertEquals(listed({ fds }), expected);
  },
});

Deno.test({
  name: "targets with the numbers of the standard pipes do not harm these",
  ignore: !LINUX,
  async fn() {
    using files = twoFiles();
    const fds: Record<number, number> = {};
    for (let fd = 3; fd < 60; fd++) fds[fd] = files.a;
    const child = new Command("cat", {
      fds,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("through"));
    await writer.close();
    const { stdout, stderr } = await child.output();
    assertEquals([decode(stdout), decode(stderr)], ["through", ""]);
  },
});

Deno.test({
  name: "what this process was started with reaches no child that is given fds",
  ignore: !LINUX,
  async fn() {
    const script = await Deno.makeTempFile({ suffix: ".ts" });
    const mod = JSON.stringify(import.meta.resolve("../../../mod.ts"));
    const run = async (fds: string): Promise<Record<number, string>> => {
      await Deno.writeTextFile(
        script,
        `import { Command } from ${mod};
        const args = ["-l", "/proc/self/fd"];
        new Command("ls", { args, ${fds} stdout: "inherit" }).outputSync();`,
      );
      const { stdout, stderr } = await new Deno.Command("bash", {
        // 40 and 200 are open in Deno, and not close-on-exec.
        args: ["-c", 'exec "$@" 40</dev/null 200</dev/null', "bash"]
          .concat(denoUnderTest(), denoArgs(new URL(`file://${script}`))),
        stdin: "null",
      }).output();
      assertEquals(decode(stderr), "");
      return parseListing(decode(stdout));
    };
    try {
      assertEquals(await run("fds: {},"), {});
      assertEquals(await run("fds: { 90: 'null' },"), { 90: "/dev/null" });
      // As with Deno.Command, when nothing is said.
      const all = await run("");
      assertEquals([all[40], all[200]], ["/dev/null", "/dev/null"]);
    } finally {
      await Deno.remove(script);
    }
  },
});

Deno.test({
  name: "pipes of fds work in both directions",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using child = new Command("sh", {
      args: ["-c", "cat <&3 >&4; echo done >&5"],
      stdin: "null",
      fds: { 3: { pipe: "read" }, 4: { pipe: "write" }, 5: { pipe: "write" } },
    }).spawn();
    const text = child.fds[4]!.readable.text();
    const writer = child.fds[3]!.writable.getWriter();
    const big = "x".repeat(300_000);
    await writer.write(new TextEncoder().encode(big));
    await writer.close();
    const last = child.fds[5]!.readable.text();
    assertEquals((await child.status).code, 0);
    assertEquals(await last, "done\n");
    assertEquals(Object.keys(child.fds), ["3", "4", "5"]);
    assertEquals(child.fds[3]!.handle, 3);
    assertThrows(() => child.fds[3]!.readable, TypeError, "write");
    assertThrows(() => child.fds[4]!.writable, TypeError, "read");
    // The shell's cat has ended with its input; nothing holds the pipe.
    assertEquals((await text).length, big.length);
  },
});

Deno.test({
  name: "nothing of the child's ends stays in this process",
  ignore: !LINUX,
  async fn() {
    using files = twoFiles();
    const before = own();
    for (let i = 0; i < 5; i++) {
      listed({
        fds: {
          3: files.a,
          4: "null",
          5: { file: files.paths[1], access: "read" },
        },
      });
    }
    assertEquals(own(), before);
    {
      await using child = new Command("sleep", {
        args: ["60"],
        fds: { 3: { pipe: "write" }, 4: { pipe: "read" }, 5: files.a },
      }).spawn();
      // Our two ends, and no other pipe that was not there.
      const more = [...own()].filter(([fd]) => !before.has(fd))
        .filter(([, what]) => what.startsWith("pipe:"));
      assertEquals(more.length, 2);
      assert(child.pid > 1);
    }
    await until(() => own().size === before.size, "the pipes to be closed");
    assertEquals(own(), before);
  },
});

Deno.test({
  name: "100 children at once have exactly their own pipe each",
  ignore: !LINUX,
  async fn() {
    using files = twoFiles();
    const before = own();
    const children = Array.from({ length: 100 }, (_, i) =>
      new Command("sh", {
        args: ["-c", "ls -l /proc/self/fd; echo $0 >&7", String(i)],
        stdin: "null",
        stdout: "piped",
        fds: { 3: files.b, 7: { pipe: "write" } },
      }).spawn());
    const seen = new Set<string>();
    await Promise.all(children.map(async (child, i) => {
      const told = child.fds[7]!.readable.text();
      const { stdout } = await child.output();
      assertEquals(await told, `${i}\n`);
      const found = parseListing(decode(stdout));
      assertEquals(Object.keys(found), ["3", "7"]);
      assertEquals(found[3], files.paths[1]);
      seen.add(found[7]!);
    }));
    assertEquals(seen.size, 100);
    await until(() => own().size === before.size, "all pipes to be closed");
  },
});

Deno.test({
  name: "a spawn that fails leaks nothing",
  ignore: !LINUX,
  async fn() {
    using files = twoFiles();
    const script = `${files.folder}/script`;
    await Deno.writeTextFile(script, "#!/no/such/interpreter\n", {
      mode: 0o755,
    });
    const before = own();
    const fds = {
      3: files.a,
      4: { pipe: "read" },
      5: { pipe: "write" },
      6: { file: files.paths[1], access: "write" },
    } as const;
    assertThrows(
      () => new Command("no-such-program", { fds }).spawn(),
      Deno.errors.NotFound,
    );
    for (let i = 0; i < 10; i++) {
      assertThrows(
        () => new Command(script, { fds, stdout: "piped" }).spawn(),
        Deno.errors.NotFound,
      );
    }
    const missing = { file: "/no/such/file", access: "read" } as const;
    assertThrows(
      () => new Command("true", { fds: { ...fds, 9: missing } }).spawn(),
      Deno.errors.NotFound,
    );
    assertEquals(own(), before);
  },
});

Deno.test({
  name:
    "a descriptor that is not open, or above the limit, is refused before anything starts",
  ignore: !LINUX,
  fn() {
    const before = own();
    const closed = assertThrows(
      () =>
        new Command("true", { fds: { 3: { pipe: "read" }, 4: 19_999 } })
          .spawn(),
      Deno.errors.BadResource,
      "19999",
    );
    assert(closed instanceof SystemError);
    assertEquals((closed as SystemError).code, "EBADF");
    assertThrows(
      () => new Command("true", { fds: { 2000000000: "null" } }).spawn(),
      RangeError,
      "ulimit -n",
    );
    const listener = listen({ hostname: "127.0.0.1", port: 0 });
    listener.close();
    assertThrows(
      () => new Command("true", { fds: { 3: listener } }).spawn(),
      TypeError,
      "closed",
    );
    assertEquals(own(), before);
  },
});

Deno.test({
  name:
    "a closed descriptor does not pass for open by what is opened for the child",
  ignore: !LINUX,
  fn() {
    using files = twoFiles();
    const path = `${files.folder}/closed`;
    const file = Deno.openSync(path, { create: true, write: true });
    const closed = numberOf(path);
    file.close();
    const before = own();
    for (
      const fds of [
        { 3: { pipe: "read" }, 4: closed },
        { 3: files.a, 4: closed },
        { 3: { file: files.paths[1], access: "read" }, 4: closed },
      ] as const
    ) {
      for (const stdout of ["piped", files.a] as const) {
        assertThrows(
          () => new Command("true", { stdout, fds }).spawn(),
          Deno.errors.BadResource,
          String(closed),
        );
      }
    }
    assertEquals(own(), before);
  },
});

Deno.test({
  name: "the last number below the limit is given",
  ignore: !LINUX,
  fn() {
    const limits = Deno.readTextFileSync("/proc/self/limits");
    const last = Number(/Max open files +(\d+)/.exec(limits)![1]) - 1;
    // One close for every number below: not where the limit is in the millions.
    if (last > 100_000) return;
    assertEquals(listed({ fds: { [last]: "null" } }), { [last]: "/dev/null" });
  },
});

Deno.test({
  name: "a file is emptied for write, added to for append, and read for read",
  ignore: Deno.build.os === "windows",
  async fn() {
    const path = await Deno.makeTempFile();
    const run = async (
      access: "read" | "write" | "append",
      script: string,
    ): Promise<string> => {
      const { stdout } = await new Command("sh", {
        args: ["-c", script],
        fds: { 5: { file: new URL(`file://${path}`), access } },
      }).output();
      return decode(stdout);
    };
    await Deno.writeTextFile(path, "old old\n");
    await run("write", "echo one >&5");
    await run("append", "echo two >&5");
    assertEquals(await run("read", "cat <&5"), "one\ntwo\n");
    await Deno.remove(path);
  },
});

Deno.test({
  name: "fds go with a suspended start",
  ignore: !LINUX,
  async fn() {
    using files = twoFiles();
    await using child = new Command("ls", {
      ...LISTING,
      stdout: "piped",
      suspended: true,
      fds: { 3: files.a, [files.a]: "null" },
    }).spawn();
    child.resume();
    const { stdout } = await child.output();
    assertEquals(parseListing(decode(stdout)), {
      3: files.paths[0],
      [files.a]: "/dev/null",
    });
  },
});

Deno.test({
  name: "fds go with another user: what this process opened can be read",
  ignore: !root,
  async fn() {
    using files = twoFiles();
    await Deno.writeTextFile(files.paths[0], "secret");
    await Deno.chmod(files.paths[0], 0o600);
    const { stdout } = await new Command("sh", {
      args: ["-c", "id -u; cat <&4"],
      uid: 65534,
      gid: 65534,
      cwd: "/",
      fds: { 4: { file: files.paths[0], access: "read" } },
    }).output();
    assertEquals(decode(stdout), "65534\nsecret");
  },
});

Deno.test({
  name: "output() and its kin refuse pipes of fds",
  ignore: Deno.build.os === "windows",
  async fn() {
    const options = { fds: { 3: { pipe: "write" } } } as const;
    const command = new Command("true", options);
    assertThrows(() => command.output(), TypeError, "spawn()");
    assertThrows(() => command.outputSync(), TypeError, "spawn()");
    await assertRejects(
      () => checkCall(["true"], options),
      TypeError,
      "spawn()",
    );
  },
});
