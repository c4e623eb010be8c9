import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Command, type CommandOptions } from "../../mod.ts";
import { denoArgs, denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import {
  CAN_OBSERVE,
  newMarker,
  processesWith,
} from "../fixtures/process_table.ts";
import { borrow } from "../fixtures/open_descriptor.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { WINDOWS } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const READS = "await Deno.stdin.readable.pipeTo(Deno.stdout.writable)";
const BOTH = "console.log('out'); console.error('err')";
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A folder for one test, with a separator at the end of its path. */
async function inFolder(
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder + (WINDOWS ? "\\" : "/"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("stdin is a file, by path or URL, for output(), outputSync() and spawn()", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}in put ä.txt`;
    await Deno.writeTextFile(file, "from a file");
    const url = new URL("file:///");
    url.pathname = file.replaceAll("\\", "/");
    for (const one of [file, url]) {
      const command = new Command(deno, {
        args: evalArgs(READS),
        stdin: { file: one },
      });
      assertEquals(text((await command.output()).stdout), "from a file");
      assertEquals(text(command.outputSync().stdout), "from a file");
      const child = new Command(deno, {
        args: evalArgs(READS),
        stdin: { file: one },
        stdout: "piped",
      }).spawn();
      assertThrows(() => child.stdin, TypeError, "not piped");
      assertEquals(await child.stdout.text(), "from a file");
      await child.status;
    }
  });
});

Deno.test("stdout is a file: emptied by default, and created", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}out.txt`;
    for (let run = 0; run < 2; run++) {
      const output = await new Command(deno, {
        args: evalArgs(BOTH),
        stdout: { file },
      }).output();
      assertEquals(await Deno.readTextFile(file), "out\n");
      assertThrows(() => output.stdout, TypeError, "not piped");
      assertEquals(text(output.stderr), "err\n");
      await Deno.writeTextFile(file, "something longer that must go\n");
    }
  });
});

Deno.test("append keeps what is in the file, and what others write", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}log.txt`;
    const write = (what: string) =>
      new Command(deno, {
        args: evalArgs(`console.log('${what}')`),
        stdout: { file, append: true },
      }).output();
    assertEquals((await write("one")).code, 0);
    await Deno.writeTextFile(file, "two\n", { append: true });
    assertEquals((await write("three")).code, 0);
    assertEquals(await Deno.readTextFile(file), "one\ntwo\nthree\n");
  });
});

Deno.test({
  name: "mode is that of a file that is created, before the umask",
  ignore: WINDOWS,
  async fn() {
    await inFolder(async (folder) => {
      const file = `${folder}secret.txt`;
      await new Command(deno, {
        args: evalArgs(BOTH),
        stdout: { file, mode: 0o600 },
      }).output();
      assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    });
  },
});

// Written one by one, unbuffered: the order is that of the writes.
const ALTERNATING = `
const bytes = (text) => new TextEncoder().encode(text);
for (let i = 0; i < 100; i++) {
  Deno.stdout.writeSync(bytes("out " + i + "\\n"));
  Deno.stderr.writeSync(bytes("err " + i + "\\n"));
}`;
const ALTERNATED = Array.from({ length: 100 }, (_, i) => `out ${i}\nerr ${i}\n`)
  .join("");

Deno.test("stderr goes where stdout goes, in order: the same pipe", async () => {
  const command = new Command(deno, {
    args: evalArgs(ALTERNATING),
    stderr: "stdout",
  });
  const output = await command.output();
  assertEquals(text(output.stdout), ALTERNATED);
  assertThrows(() => output.stderr, TypeError, "not piped");
  assertEquals(text(command.outputSync().stdout), ALTERNATED);
});

Deno.test("without that the order is lost, and nothing else", async () => {
  const output = await new Command(deno, { args: evalArgs(ALTERNATING) })
    .output();
  assertEquals(text(output.stdout).split("\n").length, 101);
  assertEquals(text(output.stderr).split("\n").length, 101);
});

Deno.test("stderr goes where stdout goes, in order: the same file", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}both.txt`;
    const { code } = await new Command(deno, {
      args: evalArgs(ALTERNATING),
      stdout: { file },
      stderr: "stdout",
    }).output();
    assertEquals(code, 0);
    assertEquals(await Deno.readTextFile(file), ALTERNATED);
  });
});

Deno.test("stderr goes where stdout goes: nowhere, and where ours goes", async () => {
  const script = import.meta.resolve("../fixtures/merged_inherit.ts");
  const output = await new Command(deno, { args: denoArgs(script) }).output();
  assertEquals([output.code, text(output.stderr)], [0, ""]);
  assertEquals(text(output.stdout), "out\nerr\n");
});

Deno.test("a descriptor is copied to the child, and stays the caller's", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}in.txt`;
    await Deno.writeTextFile(file, "by number");
    using input = borrow(file, "read");
    using output = borrow(`${folder}out.txt`, "write");
    for (const stdin of [input.number, { descriptor: input.number }]) {
      const child = new Command(deno, {
        args: evalArgs(READS),
        stdin,
        stdout: { descriptor: output.number },
        stderr: output.number,
      }).spawn();
      assertEquals((await child.status).code, 0);
    }
    // Both children read on from the same position of the same open file.
    assertEquals(await Deno.readTextFile(`${folder}out.txt`), "by number");
    assert(input.isOpen() && output.isOpen());
  });
});

Deno.test({
  name: "descriptors 1 and 2 may change places",
  // The standard handles of Windows have other numbers each time.
  ignore: WINDOWS,
  async fn() {
    const script = import.meta.resolve("../fixtures/swapped.ts");
    const output = await new Command(deno, { args: denoArgs(script) }).output();
    assertEquals([text(output.stdout), text(output.stderr)], [
      "err\n",
      "out\n",
    ]);
  },
});

// Every stream is opened besides: none of them may be given the number of the one
// that was closed, and make it pass for open.
Deno.test("a descriptor that has been closed is refused by its number", () => {
  const marker = newMarker();
  const closed = borrow(import.meta.filename!, "read");
  closed[Symbol.dispose]();
  for (const stream of ["stdin", "stdout", "stderr"]) {
    for (const others of ["piped", "null"]) {
      const error = assertThrows(
        () =>
          new Command(deno, {
            args: evalArgs(IDLE, marker),
            stdin: others,
            stdout: others,
            stderr: others,
            [stream]: closed.number,
          } as CommandOptions).spawn(),
        TypeError,
      );
      assertStringIncludes(error.message, String(closed.number));
      assertStringIncludes(error.message, stream);
      assertStringIncludes(error.message, "not open");
    }
  }
  if (CAN_OBSERVE) assertEquals(processesWith(marker), []);
});

Deno.test("files that cannot be opened are told apart, with nothing started and nothing leaked", async () => {
  await inFolder((folder) => {
    const marker = newMarker();
    const missing = `${folder}missing${WINDOWS ? "\\" : "/"}file.txt`;
    const cases = [
      [{ stdin: { file: `${folder}none.txt` } }, Deno.errors.NotFound, "stdin"],
      [{ stdout: { file: missing } }, Deno.errors.NotFound, "stdout"],
      [
        { stderr: { file: missing, append: true } },
        Deno.errors.NotFound,
        "stderr",
      ],
      [{ stdin: { file: folder } }, Deno.errors.IsADirectory, "stdin"],
      [{ stdout: { file: folder } }, Deno.errors.IsADirectory, "stdout"],
      [
        { stderr: { file: folder, append: true } },
        Deno.errors.IsADirectory,
        "stderr",
      ],
    ] as const;
    const before = openCount();
    for (let round = 0; round < 3; round++) {
      for (const [options, kind, stream] of cases) {
        const error = assertThrows(
          () =>
            new Command(deno, {
              args: evalArgs(IDLE, marker),
              stdin: "piped",
              stdout: "piped",
              stderr: "piped",
              ...options,
            }).spawn(),
          kind,
          "Failed to spawn",
        );
        assertStringIncludes(error.message, `as ${stream}`);
      }
    }
    assertEquals(openCount(), before);
    if (CAN_OBSERVE) assertEquals(processesWith(marker), []);
    return Promise.resolve();
  });
});

Deno.test("nothing stays open after runs with files, descriptors and merged streams", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}x.txt`;
    await Deno.writeTextFile(file, "x");
    using input = borrow(file, "read");
    const run = (stdin: { file: string } | number) =>
      new Command(deno, {
        args: evalArgs(READS),
        stdin,
        stdout: { file: `${folder}y.txt`, append: true },
        stderr: "stdout",
      }).output();
    await run({ file });
    const before = openCount();
    for (let i = 0; i < 3; i++) {
      await run({ file });
      await run(input.number);
    }
    assertEquals(openCount(), before);
  });
});

/** How many descriptors this process has open; 0 where that cannot be counted. */
function openCount(): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("stdin is another child's output", async () => {
  await using first = new Command(deno, {
    args: evalArgs("for (let i = 0; i < 20000; i++) console.log('line ' + i)"),
    stdout: "piped",
  }).spawn();
  const { stdout, code } = await new Command(deno, {
    args: evalArgs(READS),
    stdin: first.stdout,
  }).output();
  assertEquals(code, 0);
  assertEquals(text(stdout).split("\n").length, 20_001);
  assertEquals((await first.status).code, 0);
});

Deno.test("a child that ends without reading its stdin lets the other one go on", async () => {
  await using first = new Command(deno, {
    args: evalArgs("for (;;) console.log('y')"),
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const { stdout } = await new Command(deno, {
    args: evalArgs("console.log('enough')"),
    stdin: first.stdout,
  }).output();
  assertEquals(text(stdout), "enough\n");
});

const PROBE = import.meta.resolve("../fixtures/file_access_probe.ts");

Deno.test("files need the permissions that Deno.open needs", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}data.txt`;
    await Deno.writeTextFile(file, "data");
    const attempts: readonly (readonly [string, string[], boolean])[] = [
      ["read", [`--allow-read=${file}`], true],
      ["read", ["--allow-read"], true],
      ["read", [], false],
      ["read", [`--allow-read=${folder}other.txt`], false],
      ["read", [`--allow-write=${file}`], false],
      ["read", ["--allow-read", `--deny-read=${file}`], false],
      ["write", [`--allow-write=${file}`], true],
      ["write", [`--allow-write=${folder}`], true],
      ["write", [], false],
      ["write", ["--allow-read"], false],
      ["append", [`--allow-write=${file}`], true],
      ["append", [`--allow-read=${file}`], false],
    ];
    for (const [how, flags, allowed] of attempts) {
      const { stdout, stderr } = await new Deno.Command(deno, {
        args: denoArgs(PROBE, [how, file], [
          "--no-prompt",
          "--allow-ffi",
          "--allow-run",
          ...flags,
        ]),
        stdin: "null",
      }).output();
      const [theirs, ours] = text(stdout).trim().split("\n");
      const what = `${how} ${flags.join(" ")}: ${text(stderr)}`;
      assertEquals(theirs, allowed ? "done" : "NotCapable", what);
      assertEquals(ours, theirs, what);
      if (!allowed) assertEquals(await Deno.readTextFile(file), "data", what);
      await Deno.writeTextFile(file, "data");
    }
  });
});

// What is no file of a disk, and whether it can be had without all permissions.
const SPECIAL: readonly (readonly [string, string, boolean])[] =
  Deno.build.os === "windows"
    ? [
      ["read", "\\\\.\\pipe\\no-such-pipe", false],
      ["write", "\\\\.\\CON", false],
    ]
    : [
      ["read", "/dev/null", true],
      ["append", "/dev/null", true],
      ["read", "/dev/stdin", false],
      ["write", "/dev/tty", false],
      ["write", "/dev/no-such-device", false],
      ["read", "/dev/../dev/stdin", false],
      ...(Deno.build.os === "linux"
        ? [
          ["read", "/proc/self/environ", false],
          ["append", "/proc/self/mem", false],
          ["read", "/sys/kernel/notes", false],
        ] as const
        : []),
    ];

Deno.test("devices and the kernel's files need all permissions, as with Deno.open", async () => {
  await inFolder(async (folder) => {
    const attempts = [...SPECIAL];
    if (Deno.build.os !== "windows") {
      await Deno.symlink("/dev/ptmx", `${folder}link`);
      await Deno.symlink("/dev", `${folder}devices`);
      attempts.push(
        ["read", `${folder}link`, false],
        ["write", `${folder}devices/no-such-device`, false],
        ["read", `${folder}devices/null`, true],
      );
    }
    for (const [how, file, allowed] of attempts) {
      const [theirs, ours] = await probeFile(how, file, [
        "--allow-ffi",
        "--allow-run",
        "--allow-read",
        "--allow-write",
      ]);
      const what = `${how} ${file}`;
      assertEquals(theirs, allowed ? "done" : "NotCapable", what);
      assertEquals(ours, theirs, what);
    }
  });
});

Deno.test({
  name: "who may do everything reads them",
  ignore: Deno.build.os === "windows",
  async fn() {
    const all = ["--allow-all"];
    assertEquals(await probeFile("read", "/dev/stdin", all), ["done", "done"]);
    const partly = ["--allow-all", "--deny-net=example.com"];
    assertEquals(await probeFile("read", "/dev/stdin", partly), [
      "NotCapable",
      "NotCapable",
    ]);
  },
});

Deno.test({
  name: "a pipe that a shell has passed is none of them, by either name",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const flags = ["--no-prompt", "--allow-ffi", "--allow-run", "--allow-read"];
    for (const file of ["/dev/fd/3", "/proc/self/fd/3"]) {
      const { stdout } = await new Deno.Command("sh", {
        args: [
          "-c",
          'echo data | { exec 3<&0; "$@"; }',
          "sh",
          deno,
          ...denoArgs(PROBE, ["read", file], flags),
        ],
      }).output();
      assertEquals(text(stdout), "done\ndone\n", file);
    }
  },
});

async function probeFile(
  how: string,
  file: string,
  flags: readonly string[],
): Promise<string[]> {
  const { stdout } = await new Deno.Command(deno, {
    args: denoArgs(PROBE, [how, file], ["--no-prompt", ...flags]),
    stdin: "null",
  }).output();
  return text(stdout).trim().split(/\r?\n/);
}

Deno.test("a stream as stdin that fails, fails the run", async () => {
  const stdin = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error("no more of it")),
  });
  await assertRejects(
    () => new Command(deno, { args: evalArgs(READS), stdin }).output(),
    Error,
    "no more of it",
  );
});
