/** The processes that listen on a port. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  listeningInodes,
  parseNetstat,
  topmost,
} from "../../../cli/processes/listeners.ts";
import { within } from "../../fixtures/deadline.ts";
import { denoPath } from "../../fixtures/deno.ts";
import { evalArgs, waitForText } from "../../fixtures/eval.ts";
import { cli } from "../program.ts";

Deno.test("inodes of sockets that listen, not of connections", () => {
  const table = `  sl  local_address rem_address   st tx_queue …
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0        0 111 1 0
   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000  0        0 222 1 0
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0        0 333 1 0`;
  assertEquals(listeningInodes(table, 8080), ["111"]);
  assertEquals(listeningInodes(table, 80), ["333"]);
  assertEquals(listeningInodes(table, 1), []);
});

Deno.test("lines of netstat, in any language", () => {
  const text = `
  Proto  Lokale Adresse  Remoteadresse  Status      PID
  TCP    0.0.0.0:8080    0.0.0.0:0      ABHÖREN     44
  TCP    [::]:8080       [::]:0         ABHÖREN     44
  TCP    1.2.3.4:8080    5.6.7.8:999    HERGESTELLT 55`;
  assertEquals(parseNetstat(text, 8080), [44]);
});

Deno.test("of processes that share a socket, the one they descend from", () => {
  assertEquals(topmost(new Map([[5, 1], [6, 5], [7, 6], [9, 2]])), [5, 9]);
});

Deno.test({
  name: "kill and tree take a port",
  ignore: Deno.build.os === "windows", // Wine's netstat has no -o.
  async fn() {
    const server = new Deno.Command(denoPath(), {
      args: evalArgs(
        "const { addr } = Deno.listen({ port: 0 }); console.log(`on ${addr.port}.`); setInterval(() => {}, 1000)",
      ),
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const [, port] = /on (\d+)\./.exec(await waitForText(server.stdout, "."))!;
    const drawn = await cli(["tree", "--json", `:${port}`]);
    assertEquals(JSON.parse(drawn.stdout)[0].pid, server.pid);
    const killed = await cli(["kill", `:${port}`]);
    assertEquals(killed.code, 0);
    assertStringIncludes(killed.stdout, `${server.pid}: SIGTERM to 1 process`);
    await within(server.status, "the server");
    await server.stdout.cancel();
    const nothing = await cli(["kill", `:${port}`]);
    assertEquals(nothing.code, 2);
    assertStringIncludes(nothing.stderr, `listens on port ${port}`);
    assertEquals((await cli(["kill", ":0"])).code, 2);
  },
});
