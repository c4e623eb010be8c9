import { assert, assertEquals, assertThrows } from "@std/assert";
import { capabilities, type ChildProcess, Command } from "../../../mod.ts";
import { settle, warmUp } from "../../fixtures/warm_up.ts";

// Known only by asking, which needs permissions: so the tests ask at load.
const report = Deno.build.os === "linux"
  ? capabilities().mechanisms.find((one) => one.mechanism === "cgroup")
  : undefined;
const ignore = report?.available !== true;
if (ignore && Deno.build.os === "linux") {
  // deno-lint-ignore no-console -- a skipped test says why
  console.log(`cgroup tests are left out: ${report?.why}`);
}

Deno.test.beforeAll(async () => {
  await warmUp();
  if (ignore) return;
  {
    await using child = start("echo; exec sleep 60");
    await line(child);
  }
  await settle();
});

// A shell with a daemon of its own session and empty environment.
const DAEMON =
  "setsid env -i /bin/sleep 60 & cat /proc/self/cgroup | grep ^0::; exec sleep 60";

function start(script: string): ChildProcess {
  return new Command("sh", {
    args: ["-c", script],
    containment: "cgroup",
    stdout: "piped",
    stdin: "null",
    grace: 2000,
  }).spawn();
}

async function line(child: ChildProcess): Promise<string> {
  const reader = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  await child.stdout.cancel();
  return text.trim();
}

// The directory, found from outside: by what the kernel says of the child.
async function directoryOf(child: ChildProcess): Promise<string> {
  const path = (await line(child)).replace("0::", "");
  const mounts = await Deno.readTextFile("/proc/self/mountinfo");
  const mount = mounts.split("\n").find((one) => one.includes(" - cgroup2 "));
  return (mount?.split(" ")[4] ?? "") + path;
}

async function procs(directory: string): Promise<number[]> {
  const text = await Deno.readTextFile(`${directory}/cgroup.procs`);
  return text.split("\n").filter((one) => one !== "").map(Number);
}

async function until(
  what: string,
  holds: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!await holds()) {
    assert(performance.now() < deadline, `not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test({
  name: "a cgroup holds the child from its first instruction, and its daemons",
  ignore,
  async fn(): Promise<void> {
    const child = start(DAEMON);
    assertEquals(child.containment.mechanism, "cgroup");
    const directory = await directoryOf(child);
    assert(directory.includes("killable-"), directory);
    await until(
      "the daemon is there",
      async () => (await procs(directory)).length === 2,
    );
    assert((await procs(directory)).includes(child.pid));
    const stopped = await child.stop();
    assertEquals(stopped.mechanism, "cgroup");
    assertEquals(stopped.survivors, 0);
    await child.status;
    assertThrows(() => Deno.statSync(directory), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "without it a daemon survives kill(): what Deno.Command leaves",
  ignore,
  async fn(): Promise<void> {
    const child = new Deno.Command("sh", {
      args: ["-c", "setsid sleep 60 & echo $!; exec sleep 60"],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    const daemon = Number(new TextDecoder().decode(value));
    child.kill("SIGKILL");
    await child.status;
    // It can still be signalled: it lives.
    Deno.kill(daemon, "SIGKILL");
    reader.releaseLock();
    await child.stdout.cancel();
  },
});

Deno.test({
  name: "a hard kill of a cgroup leaves nothing, whatever ignores SIGTERM",
  ignore,
  async fn(): Promise<void> {
    const child = start(
      "trap '' TERM; (trap '' TERM; setsid sleep 60) & " + DAEMON,
    );
    const directory = await directoryOf(child);
    const { signal, survivors, escalated } = await child.stop({ grace: 0 });
    assertEquals([signal, survivors], [null, 0]);
    assert(escalated >= 1, String(escalated));
    assertEquals((await child.status).signal, "SIGKILL");
    assertThrows(() => Deno.statSync(directory), Deno.errors.NotFound);
  },
});

Deno.test({
  name:
    "suspend() freezes the cgroup, resume() thaws it, stop() ends it frozen",
  ignore,
  async fn(): Promise<void> {
    const child = start(DAEMON);
    const directory = await directoryOf(child);
    const events = (word: string) => async () =>
      (await Deno.readTextFile(`${directory}/cgroup.events`)).includes(word);
    child.suspend();
    await until("frozen", events("frozen 1"));
    child.resume();
    await until("thawed", events("frozen 0"));
    child.suspend();
    await until("frozen again", events("frozen 1"));
    const { survivors } = await child.stop();
    assertEquals(survivors, 0);
    await child.status;
  },
});

Deno.test({
  name: "a program that is not there leaves no cgroup behind",
  ignore,
  async fn(): Promise<void> {
    const child = start(DAEMON);
    const directory = await directoryOf(child);
    await child.stop();
    await child.status;
    const parent = directory.slice(0, directory.lastIndexOf("/"));
    const count = async (): Promise<number> => {
      let n = 0;
      for await (const entry of Deno.readDir(parent)) {
        if (entry.name.startsWith(`killable-${Deno.pid}-`)) n++;
      }
      return n;
    };
    const before = await count();
    assertThrows(
      () => new Command("/no/such/program", { containment: "cgroup" }).spawn(),
      Deno.errors.NotFound,
    );
    assertEquals(await count(), before);
  },
});
