/** The guard: what it has, and what can reach it. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Command, type CommandOptions } from "../../../mod.ts";
import { statOf } from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os !== "linux";
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();

const WAYS: readonly CommandOptions[] = [
  {},
  { umask: 0o22, priority: 1 },
  { containment: "process-group" },
  { detached: true },
  { fds: { 3: "null", 9: "null" } },
  { pty: true },
];

// What they need is opened once.
Deno.test.beforeAll(async () => {
  await warmUp();
  if (!ignore) WAYS.forEach(seenByChild);
});

/** Our own guard: the shell among our children that runs its script. */
function guard(): number {
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!(pid > 0) || statOf(pid)?.ppid !== Deno.pid) continue;
    const title = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
    if (title.includes("killable-guard")) return pid;
  }
  throw new Error("There is no guard");
}

// Of a process: descriptor -> what it is.
function descriptors(pid: number | "self"): Map<number, string> {
  const found = new Map<number, string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      found.set(Number(name), Deno.readLinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      // The one that this list is read through.
    }
  }
  return found;
}

function seenByChild(options: CommandOptions): string {
  const run = new Command("sh", {
    args: ["-c", "ls -l /proc/self/fd /proc/$$/fd; cat /proc/self/fdinfo/*"],
    stderr: "null",
    ...options,
  }).outputSync();
  return text(run.stdout);
}

Deno.test({
  name: "the guard has the reading end of a pipe, /dev/null twice, and no more",
  ignore,
  fn() {
    const pid = guard();
    const held = descriptors(pid);
    assertEquals([...held.keys()].sort(), [0, 1, 2]);
    assertEquals([held.get(1), held.get(2)], ["/dev/null", "/dev/null"]);
    const pipe = held.get(0) as string;
    assert(pipe.startsWith("pipe:"), pipe);
    // The only writing end there is: ours, and close-on-exec.
    const ours = [...descriptors("self")].filter(([, what]) => what === pipe);
    assertEquals(ours.length, 1);
    const info = Deno.readTextFileSync(`/proc/self/fdinfo/${ours[0]![0]}`);
    const flags = parseInt(/^flags:\s*(\d+)/m.exec(info)![1]!, 8);
    assertEquals([flags & 3, flags & 0o2000000], [1, 0o2000000]);
  },
});

Deno.test({
  name: "no child has the guard's pipe, however it is started",
  ignore,
  async fn() {
    const pipe = descriptors(guard()).get(0) as string;
    for (const options of WAYS) {
      const seen = seenByChild(options);
      assert(seen.includes("/dev/null") || seen.includes("->"), seen);
      assert(!seen.includes(pipe), `${JSON.stringify(options)}: ${seen}`);
    }
    // Nor has one of Deno's own.
    const { stdout } = await new Deno.Command("ls", {
      args: ["-l", "/proc/self/fd"],
    }).output();
    assert(!text(stdout).includes(pipe));
  },
});

Deno.test({
  name:
    "the guard knows nothing of this process: environment, directory, session",
  ignore,
  fn() {
    const pid = guard();
    const environment = Deno.readTextFileSync(`/proc/${pid}/environ`)
      .split("\0").filter((entry) => entry !== "")
      .map((entry) => entry.slice(0, entry.indexOf("=")));
    const allowed = ["PATH", "LC_ALL", "DENO_DIR", "XDG_CACHE_HOME", "HOME"];
    assertEquals(environment.filter((name) => !allowed.includes(name)), []);
    assertEquals(Deno.readLinkSync(`/proc/${pid}/cwd`), "/");
    assertEquals(statOf(pid)?.session, pid);
    assertNotEquals(statOf(Deno.pid)?.session, pid);
  },
});

Deno.test({
  name: "a child of another user cannot write to the guard through /proc",
  ignore: ignore || Deno.uid() !== 0,
  fn() {
    // It would be told to end a group, were the line to come through.
    const script =
      "n=0; for fd in /proc/$PPID/fd/* /proc/$0/fd/*; do echo '+ 4711' >$fd && n=1; done; echo $n";
    const written = (options: CommandOptions): string =>
      text(
        new Command("sh", {
          args: ["-c", script, String(guard())],
          stdin: "null",
          stderr: "null",
          ...options,
        }).outputSync().stdout,
      );
    assertEquals(written({ uid: 65534, gid: 65534 }), "0");
  },
});
