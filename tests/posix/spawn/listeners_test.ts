/**
 * Listening sockets by systemd's protocol (sd_listen_fds(3)), given and taken.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkOutput,
  Command,
  type CommandOptions,
  listen,
} from "../../../mod.ts";
import { within } from "../../fixtures/deadline.ts";
import { denoArgs, denoPath } from "../../fixtures/deno.ts";
import { waitForText } from "../../fixtures/eval.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const WINDOWS = Deno.build.os === "windows";
const LOCAL = { hostname: "127.0.0.1", port: 0 } as const;
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

Deno.test.beforeAll(async () => {
  if (WINDOWS) return;
  await warmUp();
  using listener = listen(LOCAL);
  new Command("true", { listeners: [listener] }).outputSync();
});

// What systemd's own library checks, in Perl, which every Debian has; then one
// connection is answered.
const PERL = `
  use Socket;
  $| = 1;
  $ENV{LISTEN_PID} == $$ or die "LISTEN_PID is $ENV{LISTEN_PID}, not $$";
  print "$ENV{LISTEN_FDS} $ENV{LISTEN_FDNAMES} $ENV{MINE}\\n";
  open(my $server, "+<&=", 3) or die "3: $!";
  my $client;
  accept($client, $server) or die "accept: $!";
  syswrite($client, "from $$\\n");
  close($client);`;

async function answerTo(options: CommandOptions): Promise<void> {
  using first = listen(LOCAL);
  using second = listen(LOCAL);
  await using child = new Command("perl", {
    args: ["-e", PERL],
    stdin: "null",
    stdout: "piped",
    listeners: [first, { listener: second, name: "web" }],
    ...options,
  }).spawn();
  if (options.suspended) child.resume();
  const { port } = first.address;
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const answer = await within(
    new Response(connection.readable).text(),
    "the answer",
  );
  assertEquals(answer, `from ${child.pid}\n`);
  const { code, stdout } = await child.output();
  assertEquals([code, decode(stdout)], [0, "2 unknown:web own\n"]);
}

for (const suspended of [false, true]) {
  Deno.test({
    name: `a program finds its own pid in LISTEN_PID and accepts on 3${
      suspended ? ", started suspended" : ""
    }`,
    ignore: WINDOWS,
    async fn() {
      const env = { MINE: "own", LISTEN_PID: "1", LISTEN_FDS: "7" };
      await answerTo({ suspended, env });
    },
  });
}

Deno.test({
  name: "fds and listeners go together, each number once",
  ignore: Deno.build.os !== "linux",
  fn() {
    using listener = listen(LOCAL);
    const { stdout } = new Command("ls", {
      args: ["/proc/self/fd"],
      listeners: [listener],
      fds: { 9: "null" },
    }).outputSync();
    // 4 is that of the listing itself.
    assertEquals(decode(stdout).split("\n"), [
      "0",
      "1",
      "2",
      "3",
      "4",
      "9",
      "",
    ]);
    assertThrows(
      () =>
        new Command("true", { listeners: [listener], fds: { 3: "null" } })
          .spawn(),
      TypeError,
      "twice",
    );
  },
});

Deno.test({
  name: "what exec would refuse is reported although a shell starts it",
  ignore: WINDOWS,
  async fn() {
    using listener = listen(LOCAL);
    const file = await Deno.makeTempFile();
    assertThrows(
      () => new Command(file, { listeners: [listener] }).spawn(),
      Deno.errors.PermissionDenied,
    );
    assertThrows(
      () => new Command("no-such-program", { listeners: [listener] }).spawn(),
      Deno.errors.NotFound,
    );
    await Deno.remove(file);
    // Still ours.
    (await Deno.connect(listener.address)).close();
  },
});

Deno.test({
  name: "bad input of listeners is refused",
  ignore: WINDOWS,
  fn() {
    using listener = listen(LOCAL);
    const closed = listen(LOCAL);
    closed.close();
    const bad: unknown[] = [
      listener,
      [3],
      [null],
      [{ name: "web" }],
      [{ listener: 3, name: "web" }],
      [{ listener, name: "a:b" }],
      [{ listener, name: "" }],
      [{ listener, name: "a\nb" }],
      [{ listener, name: "x".repeat(256) }],
      [{ listener }],
      [closed],
    ];
    for (const listeners of bad) {
      assertThrows(
        () => new Command("true", { listeners: listeners as never }).spawn(),
        TypeError,
      );
    }
  },
});

/** A child that uses this library, as a script. */
async function withScript(
  source: string,
  run: (args: string[]) => Promise<void>,
  permissions: readonly string[] = ["--allow-ffi", "--allow-env"],
): Promise<void> {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  const mod = JSON.stringify(import.meta.resolve("../../../mod.ts"));
  const imported =
    `import { Command, inheritedListeners } from ${mod};\n${source}`;
  await Deno.writeTextFile(script, imported);
  try {
    await run(denoArgs(new URL(`file://${script}`), [], [
      "--no-prompt",
      "--no-check",
      ...permissions,
    ]));
  } finally {
    await Deno.remove(script);
  }
}

const INHERIT = `
  import { createServer } from "node:http";
  const found = inheritedListeners();
  console.log(JSON.stringify(found.map(({ fd, name, address }) => ({ fd, name, address }))));
  console.log(inheritedListeners().length, Deno.env.get("LISTEN_FDS"));
  createServer((_, response) => {
    response.setHeader("connection", "close");
    response.end("hello");
  }).listen({ fd: found[0].fd }, () => console.log("ready"));`;

Deno.test({
  name: "inheritedListeners() takes what listeners has given, once",
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    using web = listen(LOCAL);
    using unix = listen({ path });
    await withScript(INHERIT, async (args) => {
      await using child = new Command(denoPath(), {
        args,
        stdin: "null",
        stdout: "piped",
        listeners: [{ listener: web, name: "web" }, unix],
      }).spawn();
      const text = await within(waitForText(child.stdout), "the server");
      const [first, second] = text.split("\n");
      assertEquals(JSON.parse(first!), [
        { fd: 3, name: "web", address: web.address },
        { fd: 4, name: "unknown", address: { transport: "unix", path } },
      ]);
      assertEquals(second, "0 undefined");
      const url = `http://127.0.0.1:${web.address.port}`;
      assertEquals(await (await fetch(url)).text(), "hello");
      await child.stop({ grace: 0 });
    });
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "inheritedListeners() leaves alone what is meant for another process",
  ignore: WINDOWS,
  async fn() {
    const source = "console.log(inheritedListeners().length);";
    await withScript(source, async (args) => {
      for (const LISTEN_PID of ["1", ""]) {
        const env = { LISTEN_PID, LISTEN_FDS: "1" };
        const out = await checkOutput([denoPath(), ...args], { env });
        assertEquals(decode(out), "0\n");
      }
    });
  },
});

Deno.test({
  name: "inheritedListeners() refuses a descriptor that does not listen",
  ignore: WINDOWS,
  async fn() {
    const source = `
      Deno.env.set("LISTEN_PID", String(Deno.pid));
      Deno.env.set("LISTEN_FDS", "1");
      try { inheritedListeners(); } catch (error) { console.log(error.name, error.message); }`;
    await withScript(source, async (args) => {
      const out = await checkOutput([denoPath(), ...args], {
        fds: { 3: "null" },
      });
      assertEquals(
        decode(out),
        "SystemError Cannot take over descriptor 3: it is not a listening socket\n",
      );
    });
  },
});

Deno.test({
  name: "inheritedListeners() needs the permission to read the environment",
  ignore: WINDOWS,
  async fn() {
    const source =
      "try { inheritedListeners() } catch (error) { console.log(error.name) }";
    await withScript(source, async (args) => {
      const out = await checkOutput([denoPath(), ...args]);
      assertEquals(decode(out), "NotCapable\n");
    }, ["--allow-ffi"]);
  },
});

Deno.test({
  name: "inheritedListeners() understands systemd-socket-activate",
  // Part of Debian's systemd; the protocol is tested above without it.
  ignore: Deno.build.os !== "linux" ||
    !(await installed("systemd-socket-activate")),
  async fn() {
    const probe = listen(LOCAL);
    const { port } = probe.address;
    probe.close();
    await withScript(INHERIT, async (args) => {
      await using child = new Command("systemd-socket-activate", {
        args: [
          `--listen=127.0.0.1:${port}`,
          "--fdname=web",
          denoPath(),
          ...args,
        ],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      await within(waitForText(child.stderr, "Listening"), "the socket");
      // It starts the program at the first connection.
      const answer = await fetch(`http://127.0.0.1:${port}`);
      assertEquals(await answer.text(), "hello");
      assert((await waitForText(child.stdout)).includes('"name":"web"'));
      await child.stop({ grace: 0 });
    });
  },
});

async function installed(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"] }).output();
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name: "reusePort lets a second socket listen on the same port, and only then",
  ignore: WINDOWS,
  fn() {
    using first = listen({ ...LOCAL, reusePort: true });
    const { port } = first.address;
    using second = listen({ ...LOCAL, port, reusePort: true });
    assertEquals(second.address.port, port);
    assertThrows(() => listen({ ...LOCAL, port }), Deno.errors.AddrInUse);
  },
});

Deno.test({
  name: "a path that exists, or is too long, is refused",
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    using listener = listen({ path });
    assertEquals(listener.address, { transport: "unix", path });
    assertThrows(() => listen({ path }), Deno.errors.AddrInUse);
    assertThrows(
      () => listen({ path: `${path}/x` }),
      Deno.errors.NotADirectory,
    );
    assertThrows(
      () => listen({ path: `/tmp/${"x".repeat(110)}` }),
      RangeError,
      "bytes",
    );
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "a Node child serves HTTP on a listener",
  // Not every machine has Node.
  ignore: WINDOWS || !(await installed("node")),
  async fn() {
    using listener = listen(LOCAL);
    const worker = import.meta.resolve("../../../examples/prefork/worker.mjs");
    await using child = new Command("node", {
      args: [new URL(worker).pathname],
      stdin: "null",
      stdout: "piped",
      fds: { 3: listener },
    }).spawn();
    await within(waitForText(child.stdout), "the server");
    const url = `http://127.0.0.1:${listener.address.port}`;
    const answer = await fetch(url, { headers: { connection: "close" } });
    assertEquals(await answer.text(), `hello from ${child.pid}\n`);
    // SIGTERM ends it by itself: nothing has to be ended hard.
    assertEquals((await child.stop({ grace: 30_000 })).escalated, 0);
  },
});
