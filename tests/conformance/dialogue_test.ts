/** Waiting for an answer of a server, for a port that is the child's own, and for prompts. */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { type ChildProcess, Command, NotReadyError } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const WINDOWS = Deno.build.os === "windows";
const STAYS = "setInterval(() => {}, 1000)";

function start(code: string): ChildProcess {
  return new Command(deno, {
    args: evalArgs(code),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

function freePort(): number {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

// Three answers "not yet" before the first good one.
const LATE = (where: string) =>
  `let n = 0; Deno.serve({ ${where}, onListen() {} }, () => new Response("", { status: n++ < 3 ? 503 : 200 }));`;

Deno.test("ready({ url }) waits for an answer with the right status", async () => {
  const port = freePort();
  const url = `http://127.0.0.1:${port}/health`;
  await using child = start(LATE(`port: ${port}, hostname: "127.0.0.1"`));
  const first = await child.ready({ url, status: 503 });
  assertEquals([first.line, first.stream], [null, null]);
  await child.ready({ url: new URL(url), status: (found) => found === 200 });
  await child.ready({ url });
});

Deno.test("ready({ url }): no answer is an error with its cause", async () => {
  const port = freePort();
  await using child = start(STAYS);
  const error = await assertRejects(
    () => child.ready({ url: `http://127.0.0.1:${port}/`, timeout: 300 }),
    NotReadyError,
  );
  assertEquals(error.reason, "timeout");
  assertInstanceOf(error.cause, Error);
});

Deno.test({
  name: "ready({ url }) over a Unix socket, by a client",
  // Deno serves no Unix sockets on Windows.
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    try {
      using client = Deno.createHttpClient({
        proxy: { transport: "unix", path },
      });
      await using child = start(LATE(`path: ${JSON.stringify(path)}`));
      await child.ready({ url: "http://localhost/", client });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function certificate(folder: string): Promise<boolean> {
  // deno-fmt-ignore
  const args = [
    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
    "-keyout", `${folder}/key`, "-out", `${folder}/cert`,
  ];
  try {
    return (await new Deno.Command("openssl", { args }).output()).success;
  } catch {
    return false;
  }
}

Deno.test({
  name:
    "ready({ url }) over TLS: only with a certificate that the client knows",
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      // Nothing else here makes certificates.
      if (!await certificate(folder)) return;
      const cert = await Deno.readTextFile(`${folder}/cert`);
      const key = await Deno.readTextFile(`${folder}/key`);
      const port = freePort();
      await using child = start(
        LATE(
          `port: ${port}, hostname: "127.0.0.1", cert: ${
            JSON.stringify(cert)
          }, key: ${JSON.stringify(key)}`,
        ),
      );
      const url = `https://localhost:${port}/`;
      using client = Deno.createHttpClient({ caCerts: [cert] });
      await child.ready({ url, client });
      await assertRejects(
        () => child.ready({ url, timeout: 500 }),
        NotReadyError,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("ready({ url }): a wrong shape is refused", async () => {
  await using child = start(STAYS);
  // deno-lint-ignore no-explicit-any
  const refused = async (options: any, what: string) => {
    await assertRejects(() => child.ready(options), TypeError, what);
  };
  await refused({ url: "ftp://x/" }, "url");
  await refused({ url: "x" }, "url");
  await refused({ url: "http://user:secret@x/" }, "password");
  await refused({ url: "http://x/", status: 20 }, "status");
  await refused({ url: "http://x/", status: "200" }, "status");
  await refused({ url: "http://x/", port: 80 }, "one of");
});

Deno.test({
  name:
    "ready({ port }) refuses one that was held before the child, and names who",
  // Where the system tells who holds a port.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const port = freePort();
    const serve =
      `Deno.listen({ hostname: "127.0.0.1", port: ${port} }); console.log("up"); ${STAYS}`;
    const before = start(serve);
    await before.ready({ line: "up" });
    await using child = start(STAYS);
    // Its own start is of a later tick of the clock: it was started when the other
    // one, a whole Deno, was up.
    const error = await assertRejects(
      () => child.ready({ port }),
      NotReadyError,
    );
    assertEquals(error.reason, "held");
    assert(error.message.includes(`(${before.pid})`), error.message);
    await child.ready({ port, anyHolder: true });
    await before.stop({ grace: 0 });
    await before.stdout.cancel();
    // One's own counts.
    await using own = start(serve);
    await own.ready({ port });
  },
});

Deno.test({
  name: "ready({ port }): a listener of this process is not the child's",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = listener.addr as Deno.NetAddr;
    await using child = start(STAYS);
    const error = await assertRejects(
      () => child.ready({ port }),
      NotReadyError,
      "this process itself",
    );
    assertEquals(error.reason, "held");
  },
});

const DIALOGUE = `
const encoder = new TextEncoder();
const ask = async (question) => {
  await Deno.stdout.write(encoder.encode(question));
  const bytes = new Uint8Array(100);
  const n = await Deno.stdin.read(bytes);
  return new TextDecoder().decode(bytes.subarray(0, n)).trim();
};
const name = await ask("name? ");
const age = await ask("age? ");
console.log(name + " is " + age);
console.log("last");
`;

Deno.test("expect() drives a dialogue over pipes", async () => {
  await using child = new Command(deno, {
    args: evalArgs(DIALOGUE),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await child.expect("name?", "Ada");
  await child.expect(/age\? $/, new TextEncoder().encode("36\n"));
  const { line, groups } = await child.expect(/(?<who>\w+) is 36/);
  assert(line.endsWith("Ada is 36"), line);
  assertEquals(groups["who"], "Ada");
  // What follows can be read.
  assertEquals((await child.stdout.text()).trim(), "last");
});

Deno.test("expect() fails when the program ends without the prompt", async () => {
  await using child = new Command(deno, {
    args: evalArgs("console.log('bye')"),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const error = await assertRejects(
    () => child.expect("name?", "x"),
    NotReadyError,
  );
  assertEquals(error.lines, ["bye"]);
  // deno-lint-ignore no-explicit-any
  await assertRejects(() => child.expect("x", 5 as any), TypeError, "answer");
  // deno-lint-ignore no-explicit-any
  const options = { tiemout: 1 } as any;
  await assertRejects(
    () => child.expect("x", "y", options),
    TypeError,
    "timeout",
  );
});

Deno.test({
  name: "expect() drives a dialogue on a terminal",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using child = new Command("sh", {
      args: [
        "-c",
        'stty -echo; printf "password: "; read p; echo; echo "got $p"',
      ],
      pty: true,
    }).spawn();
    await child.expect("password:", "secret");
    await child.expect("got secret");
  },
});
