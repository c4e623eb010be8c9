import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  checkOutput,
  type ChildProcess,
  Command,
  type FdSource,
  listen,
  SystemError,
  type TcpListenOptions,
} from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoArgs, denoPath } from "../fixtures/deno.ts";
import { evalArgs, waitForText } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES, WINDOWS } from "./differences.ts";

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const LOCAL = { hostname: "127.0.0.1", port: 0 } as const;

// What it needs is opened once.
Deno.test.beforeAll(async () => {
  await warmUp();
  listen(LOCAL).close();
  new Command(denoPath(), { args: ["--version"], fds: { 3: "null" } })
    .outputSync();
});

Deno.test("listen() takes a free port, and connections wait to be accepted", async () => {
  using listener = listen(LOCAL);
  const { hostname, port, transport } = listener.address;
  assertEquals([transport, hostname], ["tcp", "127.0.0.1"]);
  assert(port > 0);
  assert(listener.fd > 2);
  const connection = await Deno.connect(listener.address);
  connection.close();
});

Deno.test("a closed listener is closed once, and its port is free", () => {
  const listener = listen(LOCAL);
  const { port } = listener.address;
  listener.close();
  listener.close();
  assertThrows(() => listener.fd, TypeError, "closed");
  listen({ ...LOCAL, port }).close();
});

Deno.test({
  name: "listen() on :: takes IPv4 as well, as Deno.listen does",
  ignore: DIFFERENCES.dualStack.here,
  async fn() {
    using listener = listen({ hostname: "::", port: 0 });
    assertEquals(listener.address.hostname, "::");
    const { port } = listener.address;
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    (await Deno.connect({ hostname: "::1", port })).close();
  },
});

Deno.test("listen() takes IPv6 addresses with and without brackets", () => {
  for (const hostname of ["::1", "[::1]"]) {
    using listener = listen({ hostname, port: 0 });
    assertEquals(listener.address.hostname, "::1");
  }
});

Deno.test("a port in use is AddrInUse, with its code", () => {
  using listener = listen(LOCAL);
  const { port } = listener.address;
  const error = assertThrows(
    () => listen({ ...LOCAL, port }),
    Deno.errors.AddrInUse,
    `127.0.0.1:${port}`,
  );
  assert(error instanceof SystemError);
  const { code, syscall } = error as SystemError;
  assertEquals(code, WINDOWS ? "WSAEADDRINUSE" : "EADDRINUSE");
  // On Linux two sockets with SO_REUSEADDR may be bound, but not both listen.
  assert(["bind", "listen"].includes(syscall), syscall);
  assertThrows(() => Deno.listen({ ...LOCAL, port }), Deno.errors.AddrInUse);
});

Deno.test("an address of no interface is AddrNotAvailable", () => {
  assertThrows(
    () => listen({ hostname: "192.0.2.1", port: 0 }),
    Deno.errors.AddrNotAvailable,
  );
});

Deno.test("an unknown host is an error that names it", () => {
  const error = assertThrows(
    () => listen({ hostname: "no-such-host.invalid", port: 0 }),
    Error,
    "no-such-host.invalid",
  );
  assert(error instanceof SystemError);
});

Deno.test("bad input of listen() is refused", () => {
  const bad: readonly (readonly [unknown, typeof Error])[] = [
    [undefined, TypeError],
    [{}, TypeError],
    [{ port: "80" }, TypeError],
    [{ port: -1 }, RangeError],
    [{ port: 65536 }, RangeError],
    [{ port: 1.5 }, RangeError],
    [{ port: 0, hostname: "" }, TypeError],
    [{ port: 0, hostname: 7 }, TypeError],
    [{ port: 0, hostname: "a\0b" }, TypeError],
    [{ port: 0, backlog: 0 }, RangeError],
    [{ port: 0, backlog: "many" }, TypeError],
    [{ port: 0, reusePort: 1 }, TypeError],
    [{ path: "" }, TypeError],
    [{ path: "relative" }, TypeError],
  ];
  for (const [options, kind] of bad) {
    assertThrows(() => listen(options as TcpListenOptions), kind);
  }
});

Deno.test("bad input of fds is refused", () => {
  const bad: readonly (readonly [unknown, new () => Error, string])[] = [
    [null, TypeError, "fds"],
    ["3", TypeError, "fds"],
    [[1, 2, 3, 4], TypeError, "fds"],
    [{ 0: "null" }, RangeError, "'stdin'"],
    [{ 2: "null" }, RangeError, "'stderr'"],
    [{ "-1": "null" }, RangeError, "-1"],
    [{ "03": "null" }, RangeError, "03"],
    [{ "3.5": "null" }, RangeError, "3.5"],
    [{ three: "null" }, RangeError, "three"],
    [{ 99999999999: "null" }, RangeError, "99999999999"],
    [{ 3: -1 }, RangeError, "fds[3]"],
    [{ 3: 1.5 }, RangeError, "fds[3]"],
    [{ 3: NaN }, RangeError, "fds[3]"],
    [{ 3: "inherit" }, TypeError, "fds[3]"],
    [{ 3: null }, TypeError, "fds[3]"],
    [{ 3: {} }, TypeError, "fds[3]"],
    [{ 3: { pipe: "both" } }, TypeError, "fds[3].pipe"],
    [{ 3: { file: "x" } }, TypeError, "fds[3].access"],
    [{ 3: { file: "", access: "read" } }, TypeError, "fds[3].file"],
    [{ 3: { file: "a\0b", access: "read" } }, TypeError, "fds[3].file"],
    [{ 3: { file: "x", access: "execute" } }, TypeError, "fds[3].access"],
    [{ 3: 2_000_000_000 }, Deno.errors.BadResource, "2000000000"],
  ];
  for (const [fds, kind, part] of bad) {
    assertThrows(
      () =>
        new Command(denoPath(), { fds: fds as Record<number, FdSource> })
          .spawn(),
      kind,
      part,
    );
  }
});

/** What listen() does under these permissions, and what Deno.listen() does. */
async function permitted(
  options: TcpListenOptions | { path: string },
  permissions: readonly string[],
): Promise<{ ours: string; theirs: string }> {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  const mod = JSON.stringify(import.meta.resolve("../../mod.ts"));
  await Deno.writeTextFile(
    script,
    `import { listen } from ${mod};
    const options = ${JSON.stringify(options)};
    const unix = "path" in options ? { transport: "unix" } : {};
    const outcome = [];
    for (const f of [listen, (o) => Deno.listen({ ...unix, ...o })]) {
      try { f(options).close(); outcome.push("listens"); }
      catch (error) { outcome.push(error.name + ": " + error.message); }
      if ("path" in options) try { Deno.removeSync(options.path); } catch { /* none */ }
    }
    console.log(JSON.stringify(outcome));`,
  );
  try {
    const out = await checkOutput([
      denoPath(),
      ...denoArgs(new URL(`file://${script.replaceAll("\\", "/")}`), [], [
        "--no-prompt",
        "--no-check",
        ...permissions,
      ]),
    ], { stdin: "null" });
    const [ours, theirs] = JSON.parse(decode(out)) as [string, string];
    return { ours, theirs };
  } finally {
    await Deno.remove(script);
  }
}

const PERMISSIONS: readonly (readonly [TcpListenOptions, string, string])[] = [
  [LOCAL, "--allow-net", "listens"],
  [LOCAL, "--allow-net=127.0.0.1", "listens"],
  [LOCAL, "--allow-net=127.0.0.1:0", "listens"],
  [{ hostname: "::1", port: 0 }, "--allow-net=[::1]", "listens"],
  [LOCAL, "", "NotCapable"],
  [{ port: 0 }, "", "NotCapable"],
  [{ hostname: "::1", port: 0 }, "", "NotCapable"],
  [LOCAL, "--allow-net=127.0.0.1:9", "NotCapable"],
  [LOCAL, "--allow-net=localhost", "NotCapable"],
  [LOCAL, "--deny-net", "NotCapable"],
  [LOCAL, "--allow-net --deny-net=127.0.0.1", "NotCapable"],
  // The name is allowed, and what it stands for is denied.
  [
    { hostname: "localhost", port: 0 },
    "--allow-net --deny-net=127.0.0.1,[::1]",
    "NotCapable",
  ],
];

for (const [options, flags, expected] of PERMISSIONS) {
  const place = `${options.hostname ?? "every address"}`;
  Deno.test(`net permission as with Deno.listen: ${place} with '${flags}'`, async () => {
    const all = ["--allow-ffi", ...flags.split(" ").filter((one) => one)];
    const { ours, theirs } = await permitted(options, all);
    assertStringIncludes(ours, expected);
    assertEquals(ours, theirs);
  });
}

Deno.test({
  name: "a Unix socket needs the permissions that Deno asks for",
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const options = { path: `${folder}/socket` };
    const some = [[], ["read"], ["write"], ["read", "write"], ["net"]];
    for (const names of some) {
      const flags = names.map((name) => `--allow-${name}`);
      const { ours, theirs } = await permitted(options, [
        "--allow-ffi",
        ...flags,
      ]);
      assertStringIncludes(ours, "NotCapable");
      assertEquals(ours, theirs);
    }
    const all = await permitted(options, [
      "--allow-ffi",
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      `--allow-net=unix:${options.path}`,
    ]);
    assertEquals(all, { ours: "listens", theirs: "listens" });
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("a file for a child needs the permission that Deno.open needs", async () => {
  const folder = await Deno.makeTempDir();
  const script = `${folder}/probe.ts`;
  const file = `${folder}/file`;
  await Deno.writeTextFile(file, "kept");
  const mod = JSON.stringify(import.meta.resolve("../../mod.ts"));
  await Deno.writeTextFile(
    script,
    `import { Command } from ${mod};
    const [program, file] = Deno.args;
    const outcome = [];
    for (const access of ["read", "append", "write"]) {
      try {
        new Command(program, { args: ["--version"], fds: { 3: { file, access } } }).outputSync();
        outcome.push("started");
      } catch (error) { outcome.push(error.name); }
    }
    console.log(outcome.join());`,
  );
  const run = async (...flags: string[]): Promise<string> =>
    decode(
      await checkOutput([
        denoPath(),
        ...denoArgs(
          new URL(`file:///${script.replaceAll("\\", "/").replace(/^\//, "")}`),
          [denoPath(), file],
          ["--no-prompt", "--no-check", "--allow-ffi", "--allow-run", ...flags],
        ),
      ], { stdin: "null" }),
    ).trim();
  assertEquals(await run(), "NotCapable,NotCapable,NotCapable");
  assertEquals(
    await run(`--allow-read=${file}`),
    "started,NotCapable,NotCapable",
  );
  assertEquals(await Deno.readTextFile(file), "kept");
  assertEquals(
    await run(`--allow-write=${file}`),
    "NotCapable,started,started",
  );
  assertEquals(await Deno.readTextFile(file), "");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("pipes of fds reach a child, and what it writes comes back", async () => {
  // On Windows a program without a C runtime is told the handles.
  const read = WINDOWS ? READ_BY_HANDLE : READ_BY_PATH;
  await using child = new Command(denoPath(), {
    args: evalArgs(read),
    stdin: "piped",
    stdout: "null",
    fds: { 3: { pipe: "read" }, 4: { pipe: "write" } },
  }).spawn();
  const { fds } = child;
  const handles = child.stdin.getWriter();
  await handles.write(
    new TextEncoder().encode(`${fds[3]!.handle} ${fds[4]!.handle}`),
  );
  await handles.close();
  const writer = fds[3]!.writable.getWriter();
  await writer.write(new TextEncoder().encode("abc"));
  await writer.close();
  const text = await within(fds[4]!.readable.text(), "the child's answer");
  assertEquals(text, "ABC");
  assertEquals((await child.status).code, 0);
});

const READ_BY_PATH = `
  const text = Deno.readTextFileSync("/dev/fd/3");
  Deno.writeTextFileSync("/dev/fd/4", text.toUpperCase());`;

const READ_BY_HANDLE = `
  const [read, write] = (await new Response(Deno.stdin.readable).text()).split(" ").map(BigInt);
  const k = Deno.dlopen("kernel32.dll", {
    ReadFile: { parameters: ["usize", "buffer", "u32", "buffer", "usize"], result: "i32" },
    WriteFile: { parameters: ["usize", "buffer", "u32", "buffer", "usize"], result: "i32" },
  }).symbols;
  const bytes = new Uint8Array(100), n = new Uint32Array(1);
  if (!k.ReadFile(read, bytes, 100, n, 0n)) Deno.exit(3);
  const text = new TextDecoder().decode(bytes.subarray(0, n[0]));
  const out = new TextEncoder().encode(text.toUpperCase());
  if (!k.WriteFile(write, out, out.length, n, 0n)) Deno.exit(4);`;

const SERVE = `
  import { createServer } from "node:http";
  import process from "node:process";
  const server = createServer((_, response) => {
    response.setHeader("connection", "close");
    response.end("from " + process.pid);
  });
  server.listen({ fd: 3 }, () => console.log("ready"));`;

Deno.test({
  name: "two Deno children serve HTTP on one listener, without --allow-net",
  ignore: DIFFERENCES.listenOnFd.here,
  async fn() {
    using listener = listen(LOCAL);
    const script = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(script, SERVE);
    const start = async (): Promise<ChildProcess> => {
      const child = new Command(denoPath(), {
        args: denoArgs(new URL(`file://${script}`), [], [
          "--no-prompt",
          "--no-check",
        ]),
        stdin: "null",
        stdout: "piped",
        stderr: "null",
        fds: { 3: listener },
      }).spawn();
      await within(waitForText(child.stdout), "the server to be ready");
      return child;
    };
    const url = `http://127.0.0.1:${listener.address.port}`;
    const ask = async (): Promise<string> => await (await fetch(url)).text();
    const one = await start();
    const two = await start();
    try {
      const pids = [one, two].map(({ pid }) => `from ${pid}`);
      assert(pids.includes(await ask()));
      await one.stop({ grace: 0 });
      for (let i = 0; i < 5; i++) assertEquals(await ask(), pids[1]);
    } finally {
      await one.stop({ grace: 0 });
      await two.stop({ grace: 0 });
      await Deno.remove(script);
    }
  },
});

Deno.test("a listener given to a child that never starts is still the caller's", async () => {
  using listener = listen(LOCAL);
  assertThrows(
    () =>
      new Command("no-such-program-anywhere", { fds: { 3: listener } }).spawn(),
    Deno.errors.NotFound,
  );
  assert(listener.fd > 2);
  (await Deno.connect(listener.address)).close();
});

Deno.test("a child that is not given the listener does not hold its port", async () => {
  const listener = listen(LOCAL);
  const { port } = listener.address;
  await using child = new Command(denoPath(), {
    args: evalArgs("console.log('ready'); setInterval(() => {}, 1000)"),
    stdin: "null",
    stdout: "piped",
  }).spawn();
  await waitForText(child.stdout);
  listener.close();
  // Were it inherited, the port would still be in use.
  listen({ ...LOCAL, port }).close();
  await child.stop({ grace: 0 });
});
