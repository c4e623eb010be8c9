import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { type ChildProcess, Command, NotReadyError } from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoArgs, denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { ENOUGH, WINDOWS } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const STAYS = "setInterval(() => {}, 60_000)";

function start(source: string, ...args: string[]): ChildProcess {
  return new Command(deno, {
    args: evalArgs(source, ...args),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    grace: 0,
  }).spawn();
}

Deno.test("ready() resolves with the line, its match, and where it was written", async () => {
  await using child = start(
    `console.log("starting"); console.error("listening on port 80"); ${STAYS}`,
  );
  const ready = await child.ready({ line: /port (?<port>\d+)$/ });
  assertEquals([ready.line, ready.stream], ["listening on port 80", "stderr"]);
  assertEquals([ready.match?.[1], ready.groups.port], ["80", "80"]);
  assert(ready.elapsed > 0);
});

Deno.test("ready() takes a part of a line as well", async () => {
  await using child = start(`console.log("it is ready now"); ${STAYS}`);
  const ready = await child.ready({ line: "ready", stream: "stdout" });
  assertEquals([ready.line, ready.match], ["it is ready now", null]);
});

Deno.test("a global pattern matches each time, and keeps its position", async () => {
  const line = /ready/g;
  line.lastIndex = 3;
  await using child = start(
    `console.log("ready"); console.log("ready"); ${STAYS}`,
  );
  assertEquals((await child.ready({ line })).line, "ready");
  assertEquals((await child.ready({ line })).line, "ready");
  assertEquals(line.lastIndex, 3);
});

Deno.test("what follows the line can be read: who asks at once misses nothing", async () => {
  const counts =
    "for (let i = 0; i < 5000; i++) console.log('line ' + i); console.error('err')";
  for (const drain of [true, false]) {
    await using child = start(counts);
    await child.ready({ line: /^line 99$/, stream: "stdout", drain });
    const lines = (await child.stdout.text()).split("\n");
    assertEquals([lines[0], lines.length], ["line 100", 4901]);
    if (!drain) assertEquals(await child.stderr.text(), "err\n");
  }
});

Deno.test("what follows can be collected by output()", async () => {
  await using child = start("console.log('a'); console.log('b')");
  await child.ready({ line: "a" });
  const { stdout, code } = await child.output();
  assertEquals([new TextDecoder().decode(stdout), code], ["b\n", 0]);
});

/** After it is ready it writes 4 MiB to both outputs, and reads its stdin. */
const FLOOD = `
console.log("ready");
const piece = new Uint8Array(65536).fill(97);
for (let i = 0; i < 64; i++) { Deno.stdout.writeSync(piece); Deno.stderr.writeSync(piece); }
await Deno.stdin.read(new Uint8Array(1));
console.log("\\nlast line");
Deno.exit(5);`;

async function poke(child: ChildProcess): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(new Uint8Array(1));
  await writer.close();
}

Deno.test("output that nobody wants does not block a child that is ready", async () => {
  await using child = start(FLOOD);
  await child.ready({ line: "ready" });
  await poke(child);
  assertEquals((await within(child.status, "its exit")).code, 5);
});

Deno.test("without drain it does", async () => {
  await using child = start(FLOOD);
  await child.ready({ line: "ready", drain: false });
  let ended = false;
  child.status.then(() => ended = true);
  await poke(child);
  await new Command(deno, { args: ["--version"] }).output();
  assertEquals(ended, false);
  const [stdout] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
  ]);
  assertStringIncludes(stdout.slice(-20), "last line");
  assertEquals((await child.status).code, 5);
});

Deno.test("who asks for a stream later gets what comes from then on", async () => {
  await using child = start(`
    console.log("ready");
    const next = new Uint8Array(1);
    while (await Deno.stdin.read(next) !== null) console.log("said " + next[0]);`);
  await child.ready({ line: "ready" });
  const writer = child.stdin.getWriter();
  await writer.write(Uint8Array.of(1));
  // The drain is at work by now.
  await new Command(deno, { args: ["--version"] }).output();
  const lines = child.lines();
  const next = lines.next();
  await writer.write(Uint8Array.of(2));
  await writer.close();
  assert(["said 1", "said 2"].includes((await next).value as string));
  const rest = await Array.fromAsync(lines);
  assertEquals(rest.at(-1) ?? (await next).value, "said 2");
});

Deno.test("a stream that the caller has is left to the caller", async () => {
  await using child = start("console.log('ready'); console.log('mine')");
  const { stdout } = child;
  await child.ready({ line: "ready" });
  await new Command(deno, { args: ["--version"] }).output();
  assertEquals(await stdout.text(), "mine\n");
});

Deno.test("a child that exits before it is ready is an error with code and last lines", async () => {
  await using child = start(`
    for (let i = 0; i < 100; i++) console.error("line " + i);
    console.error("error: port in use");
    Deno.exit(7);`);
  const error = await assertRejects(
    () => child.ready({ line: "listening" }),
    NotReadyError,
    "exited with code 7 before it was ready (line listening)",
  );
  assertEquals([error.reason, error.code, error.signal], ["exited", 7, null]);
  assertEquals(error.lines.length, 20);
  assert(error.lines.includes("error: port in use"), error.lines.join());
  assertStringIncludes(error.message, "line 99");
});

Deno.test("a line that is said with the last breath counts", async () => {
  for (let i = 0; i < 5; i++) {
    await using child = start("console.log('ready')");
    assertEquals((await child.ready({ line: /ready/ })).line, "ready");
  }
});

Deno.test({
  name: "a child that closes its outputs before it is ready is not waited for",
  // No program at hand closes its outputs and goes on there: Deno keeps copies.
  ignore: WINDOWS,
  async fn() {
    await using child = new Command("sh", {
      args: ["-c", "echo bye; exec >&- 2>&-; exec sleep 600"],
      stdout: "piped",
      stderr: "piped",
      grace: 0,
    }).spawn();
    const error = await assertRejects(
      () => within(child.ready({ line: "ready", timeout: 600_000 }), "that"),
      NotReadyError,
      "closed its output",
    );
    assertEquals([error.reason, error.code, error.lines], ["closed", null, [
      "bye",
    ]]);
  },
});

Deno.test("when the time is up the child is left running, and can become ready later", async () => {
  await using child = start(`
    console.log("starting");
    await Deno.stdin.read(new Uint8Array(1));
    console.log("ready");
    ${STAYS}`);
  const error = await assertRejects(
    () => child.ready({ line: "ready", timeout: ENOUGH }),
    NotReadyError,
    `within ${ENOUGH} ms`,
  );
  assertEquals([error.reason, error.timeout, error.code], [
    "timeout",
    ENOUGH,
    null,
  ]);
  assertEquals(error.lines, ["starting"]);
  await poke(child);
  assertEquals((await child.ready({ line: "ready" })).line, "ready");
});

const SERVER = `
Deno.serve({
  port: Number(Deno.args[0]), hostname: "127.0.0.1", onListen() {},
}, () => new Response("hello"));
console.log("x".repeat(2_000_000));`;

/** A port that nothing listens on. */
function freePort(): number {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

Deno.test("ready() waits until a port is listened on, whatever is written", async () => {
  const port = freePort();
  await using child = start(SERVER, String(port));
  const ready = await child.ready({ port });
  assertEquals([ready.line, ready.match, ready.stream], [null, null, null]);
  const answer = await fetch(`http://127.0.0.1:${port}`);
  assertEquals(await answer.text(), "hello");
});

Deno.test("a port that stays shut is an error, with its cause", async () => {
  await using child = start(IDLE);
  const error = await assertRejects(
    () => child.ready({ port: freePort(), timeout: ENOUGH / 3 }),
    NotReadyError,
  );
  assertEquals(error.reason, "timeout");
  assert(error.cause instanceof Error);
});

Deno.test("a child that exits before it listens is an error at once", async () => {
  await using child = start("console.error('no config'); Deno.exit(2)");
  const error = await assertRejects(
    () => child.ready({ port: freePort() }),
    NotReadyError,
  );
  assertEquals([error.reason, error.code, error.lines], ["exited", 2, [
    "no config",
  ]]);
});

Deno.test("ready() waits until a file is there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/ready`;
    await using child = start(
      `
      await Deno.stdin.read(new Uint8Array(1));
      Deno.writeTextFileSync(Deno.args[0], "");
      ${STAYS}`,
      file,
    );
    const ready = child.ready({ file });
    await poke(child);
    assertEquals((await ready).line, null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("port and file need their permissions, line needs none", async () => {
  const script = import.meta.resolve("../fixtures/ready_probe.ts");
  const { stdout, stderr } = await new Deno.Command(deno, {
    args: denoArgs(script, [], ["--no-prompt", "--allow-ffi", "--allow-run"]),
    stdin: "null",
  }).output();
  assertEquals(
    new TextDecoder().decode(stdout),
    "line: ready\nport: NotCapable net\nfile: NotCapable read\n",
    new TextDecoder().decode(stderr),
  );
});

Deno.test("bad arguments of ready() are refused, and lock nothing", async () => {
  await using child = new Command(deno, {
    args: evalArgs(IDLE),
    stdout: "piped",
    stderr: "null",
    grace: 0,
  }).spawn();
  // deno-lint-ignore no-explicit-any -- what a caller without types may pass
  const ready = child.ready.bind(child) as any;
  for (
    const bad of [
      undefined,
      {},
      { line: "a", port: 1 },
      { line: 5 },
      { line: "a", stream: "stdin" },
      { line: "a", stream: "stderr" },
      { line: "a", timeout: "1" },
      { line: "a", drain: 1 },
      { port: 1, hostname: 5 },
      { file: 5 },
    ]
  ) await assertRejects(() => ready(bad), TypeError);
  for (
    const bad of [
      { port: 0 },
      { port: 65536 },
      { port: 1.5 },
      { port: "80" },
      { line: "a", timeout: -1 },
      { line: "a", timeout: NaN },
      { line: "a", maxLineLength: 1 },
    ]
  ) await assertRejects(() => ready(bad), RangeError);
  const reader = child.stdout.getReader();
  await assertRejects(() => ready({ line: "ready" }), TypeError);
  reader.releaseLock();
  assertEquals((await child.ready({ line: "ready" })).line, "ready");
});

Deno.test("a child without pipes has no line to wait for", async () => {
  await using child = new Command(deno, {
    args: evalArgs(IDLE),
    stdout: "null",
    stderr: "null",
    grace: 0,
  }).spawn();
  await assertRejects(() => child.ready({ line: "a" }), TypeError, "piped");
});

// Writes the parts of its arguments, each when it is told to.
const PARTS =
  "for (const part of Deno.args) { await Deno.stdout.write(new TextEncoder().encode(part)); await Deno.stdin.read(new Uint8Array(1)); }";

Deno.test("a prompt without an end of line is found, and what follows it can be read", async () => {
  await using child = new Command(deno, {
    args: evalArgs(PARTS, "login: ", "password for root: ", "welcome\n"),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const first = await child.ready({ line: "login:" });
  assertEquals([first.line, first.stream], ["login: ", "stdout"]);
  await writer.write(new Uint8Array(1));
  const second = await child.ready({ line: /password for (?<user>\w+):/ });
  assertEquals(second.groups.user, "root");
  await writer.write(new Uint8Array(1));
  assertEquals((await child.ready({ line: "welcome" })).line, "welcome");
  await writer.close();
});

Deno.test("the beginning of a line stands in the error", async () => {
  await using child = new Command(deno, {
    args: evalArgs(PARTS, "Password: "),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await child.ready({ line: "never: ", timeout: 1 }).catch(() => {});
  const error = await assertRejects(
    () => child.ready({ line: "login: ", timeout: 3000 }),
    NotReadyError,
  );
  assertEquals(error.lines.at(-1), "Password: ");
  assertStringIncludes(error.message, "Password: ");
});

Deno.test("a port is looked for at both loopback addresses", async () => {
  const LISTENS =
    "const l = Deno.listen({ hostname: Deno.args[0], port: 0 }); console.log(l.addr.port); setInterval(() => {}, 60_000)";
  for (const hostname of ["127.0.0.1", "::1"]) {
    await using child = new Command(deno, {
      args: evalArgs(LISTENS, hostname),
      stdout: "piped",
    }).spawn();
    const { line } = await child.ready({ line: /\d+/ });
    await child.ready({ port: Number(line) });
  }
});
