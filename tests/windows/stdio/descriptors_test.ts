/**
 * `fds` on Windows: the child has exactly these handles, a C runtime knows their
 * numbers, and nothing stays here.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Command, listen } from "../../../mod.ts";
import { Handle } from "../../../windows/system/handle.ts";
import { createPipe } from "../../../windows/stdio/pipe.ts";
import { adoptSocket, duplicateSocket } from "../../../windows/share_socket.ts";
import { handleCount } from "../handle_count.ts";
import { fixture, ignore, openLibraries } from "../support.ts";

Deno.test.beforeAll(async () => {
  if (ignore) return;
  openLibraries();
  handleCount();
  await new Command("cmd", { args: ["/c", "exit"] }).output();
});

const DENO = Deno.execPath();

async function lineFrom(port: number): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  return (await new Response(connection.readable).text()).trim();
}

Deno.test({
  name: "a C runtime in the child knows the descriptors by their numbers",
  ignore,
  async fn() {
    await using child = new Command(DENO, {
      args: fixture("runtime_write"),
      stdin: "null",
      fds: { 3: { pipe: "read" }, 4: { pipe: "write" }, 7: "null" },
    }).spawn();
    const writer = child.fds[3]!.writable.getWriter();
    await writer.write(new TextEncoder().encode("by number"));
    await writer.close();
    assertEquals(await child.fds[4]!.readable.text(), "by number");
    assertEquals((await child.status).code, 0);
  },
});

Deno.test({
  name:
    "a handle is inherited under its own value, and is not inheritable afterwards",
  ignore,
  async fn() {
    const { ours, theirs } = createPipe("in");
    const reader = new Handle(ours.value);
    const source = `
      const [pipe] = Deno.args.map(BigInt);
      const k = Deno.dlopen("kernel32.dll", {
        WriteFile: { parameters: ["usize", "buffer", "u32", "buffer", "usize"], result: "i32" },
      }).symbols;
      const out = new TextEncoder().encode("mine");
      Deno.exit(k.WriteFile(pipe, out, out.length, new Uint32Array(1), 0n) ? 0 : 3);`;
    const run = async (fds: Record<number, number>): Promise<number> => {
      const { code } = await new Command(DENO, {
        args: ["eval", "--no-config", source, String(theirs.value)],
        stdin: "null",
        fds,
      }).output();
      return code;
    };
    assertEquals(await run({ 3: Number(theirs.value) }), 0);
    // Given to one child, it is no longer there for the next.
    assertEquals(await run({}), 3);
    theirs.close();
    reader.close();
  },
});

Deno.test({
  name: "a child accepts on a listener that it inherited",
  ignore,
  async fn() {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    await using child = new Command(DENO, {
      args: fixture("accept_socket", String(listener.fd)),
      stdin: "null",
      stdout: "piped",
      fds: { 3: listener },
    }).spawn();
    assertEquals(child.fds[3]!.handle, listener.fd);
    const answer = await lineFrom(listener.address.port);
    assertEquals(answer, `accepted by ${child.pid}`);
    assertEquals((await child.status).code, 0);
  },
});

for (const suspended of [false, true]) {
  Deno.test({
    name: `a ${
      suspended ? "suspended" : "running"
    } process is given the listening socket by duplicateSocket()`,
    ignore,
    async fn() {
      const listener = listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.address;
      await using child = new Command(DENO, {
        args: fixture("accept_socket"),
        stdin: "piped",
        stdout: "piped",
        suspended,
      }).spawn();
      const info = duplicateSocket(listener.fd, child.pid);
      assertEquals(info.byteLength, 628);
      if (suspended) child.resume();
      const writer = child.stdin.getWriter();
      await writer.write(info);
      await writer.close();
      const reader = child.stdout.getReader();
      const { value } = await reader.read();
      assert(new TextDecoder().decode(value).startsWith("ready"));
      reader.releaseLock();
      // The child's is a socket of its own: the port stays open without ours.
      listener.close();
      assertEquals(await lineFrom(port), `accepted by ${child.pid}`);
      assertEquals((await child.status).code, 0);
    },
  });
}

Deno.test({
  name: "what is no socket, or no protocol information, is refused",
  ignore,
  fn() {
    assertThrows(
      () => duplicateSocket(4, Deno.pid),
      Error,
      "WSADuplicateSocketW",
    );
    assertThrows(() => adoptSocket(new Uint8Array(627)), RangeError, "628");
  },
});

Deno.test({
  name: "what Windows cannot do is NotSupported, with the alternative",
  ignore,
  fn() {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    assertThrows(
      () => new Command("cmd", { listeners: [listener] }).spawn(),
      Deno.errors.NotSupported,
      "fds",
    );
    assertThrows(
      () => listen({ port: 0, reusePort: true }),
      Deno.errors.NotSupported,
    );
  },
});

Deno.test({
  name: "neither a child nor a spawn that fails leaves a handle here",
  ignore,
  async fn() {
    const file = await Deno.makeTempFile();
    const fds = {
      3: "null",
      4: { file, access: "read" },
      5: { file, access: "append" },
    } as const;
    const run = async (): Promise<void> => {
      await new Command("cmd", { args: ["/c", "exit"], fds }).output();
      const pipes = {
        ...fds,
        6: { pipe: "read" },
        7: { pipe: "write" },
      } as const;
      assertThrows(
        () => new Command("cmd", { fds: { ...pipes, 9: 0xFFFC } }).spawn(),
        Deno.errors.BadResource,
      );
      assertThrows(
        () => new Command("cmd", { fds: { ...pipes, 2048: "null" } }).spawn(),
        RangeError,
      );
    };
    // Deno and Wine open some things of their own in the first rounds.
    for (let i = 0; i < 10; i++) await run();
    const before = handleCount();
    for (let i = 0; i < 30; i++) await run();
    // One handle left by each round would be 30.
    assert(handleCount() - before < 15, `${before} -> ${handleCount()}`);
    await Deno.remove(file);
  },
});
