/**
 * `examples/prefork.ts` under load. `tests/load/prefork.ts` measures the same
 * with wrk.
 */

import { assert, assertEquals } from "@std/assert";
import { until } from "../fixtures/deadline.ts";
import { startLoad } from "../fixtures/http_load.ts";
import { startPrefork } from "../fixtures/prefork.ts";

const ignore = Deno.build.os === "windows";
const CONNECTIONS = 8;

async function more(load: ReturnType<typeof startLoad>): Promise<void> {
  const enough = load.report.answered + 100;
  await until(() => load.report.answered >= enough, "100 further answers");
}

Deno.test({
  name: "prefork: two rolling restarts fail no request",
  ignore,
  async fn() {
    await using server = await startPrefork(2);
    const first = server.workers();
    assertEquals(first.length, 2);
    const load = startLoad(server.port, CONNECTIONS);
    await more(load);
    for (let i = 1; i <= 2; i++) {
      server.signal("SIGHUP");
      await server.lines("all replaced", i);
      await more(load);
    }
    const { failed, reasons } = await load.end();
    assertEquals([failed, reasons], [0, []]);
    assertEquals(server.workers().length, 2);
    assert(!server.workers().some((pid) => first.includes(pid)));
    assert(!server.text().includes("hard"), server.text());
    server.signal("SIGTERM");
    assertEquals(await server.ended(), 0);
  },
});

Deno.test({
  name: "prefork: a killed worker is replaced, and loses no more than it had",
  ignore,
  async fn() {
    await using server = await startPrefork(2);
    const load = startLoad(server.port, CONNECTIONS);
    await more(load);
    const [victim] = server.workers();
    Deno.kill(victim!, "SIGKILL");
    await server.lines(`worker ${victim} died: SIGKILL`, 1);
    await until(() => server.workers().length === 2, "the replacement");
    await more(load);
    const { failed, reasons } = await load.end();
    // A request that it was answering is lost by nature: one per connection.
    assert(failed <= CONNECTIONS, reasons.join("\n"));
    server.signal("SIGTERM");
    assertEquals(await server.ended(), 0);
  },
});

Deno.test({
  name:
    "prefork: the workers end with a parent that is killed, and the port is free",
  ignore,
  async fn() {
    const server = await startPrefork(2);
    const { port } = server;
    await server[Symbol.asyncDispose]();
    // Whatever still lived would hold the socket.
    await until(() => {
      try {
        Deno.listen({ hostname: "127.0.0.1", port }).close();
        return true;
      } catch {
        return false;
      }
    }, "the port to be free");
  },
});
