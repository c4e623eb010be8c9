/** What a child starts with: nothing of ours that it was not given. */

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Command, type CommandOptions } from "../../mod.ts";
import { until, within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { readableDeno } from "../fixtures/other_user.ts";
import {
  newMarker,
  processesWith,
  statusField,
} from "../fixtures/process_table.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const notLinux = Deno.build.os !== "linux";
const root = Deno.build.os !== "windows" && Deno.uid() === 0;
const MOD = import.meta.resolve("../../mod.ts");
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();

/** The child's /proc/self/status, by field. */
function childStatus(
  fields: readonly string[],
  options: CommandOptions = {},
): Record<string, string> {
  const run = new Command("cat", { args: ["/proc/self/status"], ...options })
    .outputSync();
  const all = Object.fromEntries(
    text(run.stdout).split("\n").map((line) => {
      const [name, ...rest] = line.split(":");
      return [name!, rest.join(":").trim().replaceAll(/\s+/g, " ")];
    }),
  );
  return Object.fromEntries(fields.map((name) => [name, all[name] ?? ""]));
}

Deno.test({
  name: "the child's signals have their default actions, and none is blocked",
  ignore: notLinux,
  fn() {
    // Deno ignores SIGPIPE: the negative of this test.
    const sigpipe = 1n << 12n;
    assert((BigInt(`0x${statusField("self", "SigIgn")}`) & sigpipe) !== 0n);
    const none = "0".repeat(16);
    assertEquals(childStatus(["SigIgn", "SigBlk", "SigCgt"]), {
      SigIgn: none,
      SigBlk: none,
      SigCgt: none,
    });
  },
});

Deno.test({
  name:
    "signals that this process was started with as ignored are not handed on",
  ignore: notLinux,
  async fn() {
    const source = `import { Command } from ${JSON.stringify(MOD)};
      const run = new Command("grep", { args: ["SigIgn", "/proc/self/status"] }).outputSync();
      console.log(new TextDecoder().decode(run.stdout).split(/\\s+/)[1]);`;
    const run = await new Deno.Command("sh", {
      args: [
        "-c",
        `trap '' INT QUIT HUP TERM USR1; exec "$0" "$@"`,
        Deno.execPath(),
        ...evalArgs(source),
      ],
    }).output();
    assertEquals(text(run.stdout), "0".repeat(16), text(run.stderr));
  },
});

Deno.test("a child ends by SIGPIPE as it would from a shell", () => {
  const run = new Command("sh", { args: ["-c", "kill -PIPE $$; echo deaf"] })
    .outputSync();
  assertEquals([run.signal, text(run.stdout)], ["SIGPIPE", ""]);
});

Deno.test({
  name: "no descriptor of ours but 0, 1 and 2 reaches the child",
  ignore: notLinux,
  async fn() {
    // Plenty of our own are open, those of running children included.
    using _file = await Deno.open(import.meta.filename!);
    using _listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await using other = new Command("cat", {
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      grace: 0,
    }).spawn();
    assert(other.pid > 1);
    const list = { args: ["-c", "ls /proc/self/fd"] };
    // 3 is the folder that ls reads; what this process was itself started with
    // (by a shell, by make) is handed on, as by Deno.Command.
    const open = text(new Deno.Command("sh", list).outputSync().stdout);
    for (const fd of ["0", "1", "2", "3"]) {
      assert(open.split("\n").includes(fd));
    }
    assertEquals(text(new Command("sh", list).outputSync().stdout), open);
    assertEquals(text((await new Command("sh", list).output()).stdout), open);
    const child = new Command("sh", {
      ...list,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    assertEquals((await child.stdout.text()).trim(), open);
    await child.stdin.close();
  },
});

Deno.test({
  name: "the child's stdio works when this process's own is closed",
  ignore: notLinux,
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      const source = `import { Command } from ${JSON.stringify(MOD)};
        const run = await new Command("sh", { args: ["-c", "cat; echo out; echo err >&2"], input: "in " }).output();
        const text = (bytes) => new TextDecoder().decode(bytes);
        Deno.writeTextFileSync(${
        JSON.stringify(file)
      }, text(run.stdout) + text(run.stderr));`;
      const { code } = await new Deno.Command("sh", {
        args: [
          "-c",
          `exec "$0" "$@" <&- >&- 2>&-`,
          Deno.execPath(),
          ...evalArgs(source),
        ],
      }).output();
      assertEquals([code, await Deno.readTextFile(file)], [0, "in out\nerr\n"]);
    } finally {
      await Deno.remove(file);
    }
  },
});

Deno.test("a child leads a process group of its own", async () => {
  const run = await new Command("sh", {
    args: ["-c", "echo $$; ps -o pgid= -p $$"],
  })
    .output();
  const [pid, pgid] = text(run.stdout).split(/\s+/);
  assertEquals(pgid, pid);
});

Deno.test("processGroup and detached choose group and session", async () => {
  const ids = async (options: object) => {
    const run = await new Command("sh", {
      args: ["-c", "echo $$; ps -o pgid=,sess= -p $$ || ps -o pgid= -p $$"],
      ...options,
    }).output();
    const [pid, pgid, sid] = text(run.stdout).split(/\s+/);
    return { leads: pid === pgid, session: pid === sid };
  };
  assertEquals(await ids({ processGroup: "own" }), {
    leads: true,
    session: false,
  });
  // Where the group is the containment, it cannot be shared with ours.
  const own = new Command("true").spawn();
  const shares = own.containment.mechanism !== "process-group";
  await own.status;
  assertEquals((await ids({ processGroup: "inherit" })).leads, !shares);
  if (notLinux) return;
  assertEquals(await ids({ processGroup: "session" }), {
    leads: true,
    session: true,
  });
  assertEquals(await ids({ detached: true }), { leads: true, session: true });
});

Deno.test({
  name: "the tag is on the child, and not left on this process",
  ignore: notLinux,
  fn() {
    const line = (limits: string) =>
      limits.split("\n").find((one) => one.startsWith("Max file locks"))!;
    const before = line(Deno.readTextFileSync("/proc/self/limits"));
    const run = new Command("cat", { args: ["/proc/self/limits"] })
      .outputSync();
    assert(line(text(run.stdout)) !== before, line(text(run.stdout)));
    assertEquals(line(Deno.readTextFileSync("/proc/self/limits")), before);
    assertThrows(() => new Command("/none").spawn());
    assertEquals(line(Deno.readTextFileSync("/proc/self/limits")), before);
    const theirs = new Deno.Command("cat", { args: ["/proc/self/limits"] })
      .outputSync();
    assertEquals(line(text(theirs.stdout)), before);
  },
});

/** What a shell child prints, by words. */
function shell(script: string, options: CommandOptions): string[] {
  const run = new Command("sh", { args: ["-c", script], ...options })
    .outputSync();
  return text(run.stdout).split(/\s+/);
}

Deno.test({
  name:
    "umask, priority and affinity are the child's, and this process keeps its own",
  ignore: notLinux,
  async fn() {
    const own = () => [
      statusField("self", "Umask"),
      statusField("self", "Cpus_allowed_list"),
      Deno.readTextFileSync("/proc/self/stat").split(") ")[1]!.split(" ")[16],
    ];
    const before = own();
    const script = "umask; nice; grep Cpus_allowed_list /proc/self/status";
    const wanted = ["0027", "7", "Cpus_allowed_list:", "0"];
    const options = { umask: 0o27, priority: 7, affinity: [0] };
    assertEquals(shell(script, options), wanted);
    const child = new Command("sh", {
      args: ["-c", script],
      stdout: "piped",
      ...options,
    }).spawn();
    assertEquals((await child.stdout.text()).trim().split(/\s+/), wanted);
    await child.status;
    assertEquals(own(), before);
    // Each alone, and with a start that stays stopped.
    assertEquals(shell("umask", { umask: 0 }), ["0000"]);
    assertEquals(shell("umask", { umask: 0o777 }), ["0777"]);
    assertEquals(shell("nice", { priority: "idle" }), ["19"]);
    const held = new Command("sh", {
      args: ["-c", "umask; nice"],
      stdout: "piped",
      suspended: true,
      umask: 0o77,
      priority: 3,
    }).spawn();
    held.resume();
    assertEquals(await held.stdout.text(), "0077\n3\n");
    await held.status;
    assertEquals(own(), before);
  },
});

Deno.test({
  name: "a file that the child makes has the mode that its umask leaves",
  ignore: notLinux,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      shell(": > file", { umask: 0o137, cwd: folder });
      const { mode } = await Deno.stat(`${folder}/file`);
      assertEquals((mode ?? 0) & 0o777, 0o640);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name:
    "through a shell: what exec would refuse is an error, and arguments are untouched",
  ignore: notLinux,
  fn() {
    assertThrows(
      () => new Command("/none", { umask: 0 }).spawn(),
      Deno.errors.NotFound,
    );
    assertThrows(
      () => new Command("/etc/passwd", { priority: 1 }).spawn(),
      Deno.errors.PermissionDenied,
    );
    const args = ["%s|", "$HOME", "-x", "", "a b", "`id`"];
    const run = new Command("printf", { args, umask: 0, priority: 1 })
      .outputSync();
    assertEquals(text(run.stdout), "$HOME|-x||a b|`id`|");
  },
});

Deno.test({
  name: "affinity with a CPU that is not there leaves nothing running",
  ignore: notLinux,
  fn() {
    const marker = newMarker();
    for (const affinity of [[8191], [0, 8191]]) {
      const command = new Command("sleep", { args: [marker], affinity });
      assertThrows(() => command.spawn(), RangeError, "CPU 8191");
      assertThrows(() => command.outputSync(), RangeError, "CPU 8191");
    }
    assertEquals(processesWith(marker), []);
  },
});

Deno.test({
  name: "groups: exactly those, with and without another user",
  ignore: notLinux || !root,
  fn() {
    const before = statusField("self", "Groups");
    const groups = (options: CommandOptions) =>
      childStatus(["Uid", "Gid", "Groups"], options);
    assertEquals(groups({ groups: [7, 9], uid: 65534, gid: 65533 }), {
      Uid: "65534 65534 65534 65534",
      Gid: "65533 65533 65533 65533",
      Groups: "7 9",
    });
    assertEquals(groups({ groups: [4] }).Groups, "4");
    assertEquals(groups({ groups: [] }).Groups, "");
    assertEquals(groups({ groups: [4], umask: 0, priority: 1 }).Groups, "4");
    assertEquals(statusField("self", "Groups"), before);
  },
});

// Real, effective, saved and file system id.
const IDENTITY = ["Uid", "Gid", "Groups"] as const;
const CAPABILITIES = ["CapEff", "CapPrm", "CapInh", "CapAmb"] as const;

Deno.test({
  name: "uid and gid: nothing of root is left in the child",
  ignore: notLinux || !root,
  fn() {
    assertEquals(
      childStatus([...IDENTITY, ...CAPABILITIES], {
        uid: 65534,
        gid: 65533,
      }),
      {
        Uid: "65534 65534 65534 65534",
        Gid: "65533 65533 65533 65533",
        Groups: "",
        CapEff: "0".repeat(16),
        CapPrm: "0".repeat(16),
        CapInh: "0".repeat(16),
        CapAmb: "0".repeat(16),
      },
    );
    assertEquals(childStatus(["Gid"], { gid: 65533 }), {
      Gid: "65533 65533 65533 65533",
    });
    assertEquals(childStatus(["Uid"], { uid: 65534 }), {
      Uid: "65534 65534 65534 65534",
    });
  },
});

Deno.test({
  name:
    "uid: ambient capabilities of this process are not the child's, and stay",
  ignore: notLinux || !root,
  async fn() {
    const source = `import { Command } from ${JSON.stringify(MOD)};
      const caps = (status) => status.match(/^Cap(Prm|Eff|Amb).*/gm).join();
      const own = () => caps(Deno.readTextFileSync("/proc/thread-self/status"));
      const before = own();
      const child = new Command("cat", { args: ["/proc/self/status"], uid: 65534, gid: 65533 });
      const seen = caps(new TextDecoder().decode(child.outputSync().stdout));
      console.log(JSON.stringify([seen.replace(/\\s/g, ""), /CapAmb:\\s*0+$/.test(before), own() === before]));`;
    const run = await new Deno.Command("setpriv", {
      args: [
        "--inh-caps=+net_admin",
        "--ambient-caps=+net_admin",
        denoPath(),
        ...evalArgs(source),
      ],
    }).output();
    const none = "0".repeat(16);
    assertEquals(
      [text(run.stdout), text(run.stderr)],
      [
        JSON.stringify([
          `CapPrm:${none},CapEff:${none},CapAmb:${none}`,
          false,
          true,
        ]),
        "",
      ],
    );
  },
});

Deno.test({
  name: "uid and gid: there is no way back to root",
  ignore: notLinux || !root,
  fn() {
    for (const id of ["--reuid=0", "--euid=0", "--ruid=0", "--regid=0"]) {
      const back = new Command("setpriv", {
        args: [id, "--keep-groups", "true"],
        uid: 65534,
        gid: 65533,
        stderr: "piped",
      }).outputSync();
      assertEquals(back.success, false, id);
      assertStringIncludes(text(back.stderr), "not permitted", id);
    }
  },
});

Deno.test({
  name:
    "uid and gid: this process keeps its own identity, also after a failed start",
  ignore: notLinux || !root,
  async fn() {
    const own = () =>
      [...IDENTITY, "CapEff", "CapPrm", "CapInh"].map((name) =>
        statusField("self", name)
      );
    const before = own();
    childStatus(["Uid"], { uid: 65534, gid: 65533 });
    assertEquals(own(), before);
    assertThrows(
      () => new Command("/none", { uid: 65534, gid: 65533 }).spawn(),
      Deno.errors.NotFound,
    );
    assertEquals(own(), before);
    // /proc/self is still ours to read, and the thread's real self too.
    await Deno.readTextFile("/proc/self/environ");
    const run = await new Deno.Command("id", { args: ["-u"] }).output();
    assertEquals(text(run.stdout), "0");
  },
});

Deno.test({
  name: "uid: what the other user may not do fails, as that user",
  ignore: notLinux || !root,
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, "#!/bin/sh\necho ran\n");
      await Deno.chmod(file, 0o700);
      assertThrows(
        () => new Command(file, { uid: 65534 }).spawn(),
        Deno.errors.PermissionDenied,
      );
      const folder = await Deno.makeTempDir();
      await Deno.chmod(folder, 0o700);
      assertThrows(
        () => new Command("true", { uid: 65534, cwd: folder }).spawn(),
        Deno.errors.PermissionDenied,
      );
      await Deno.remove(folder);
    } finally {
      await Deno.remove(file);
    }
  },
});

Deno.test({
  name: "a tree of another user is ended by root",
  ignore: notLinux || !root,
  async fn() {
    const child = new Command("sh", {
      args: ["-c", "setsid sleep 100 & sleep 100"],
      uid: 65534,
      stderr: "null",
      stdout: "null",
    }).spawn();
    const report = await child.stop({ grace: 2000 });
    assertEquals(report.survivors, 0);
  },
});

Deno.test({
  name:
    "uid, groups and priority without the privilege are PermissionDenied, and nothing is started",
  ignore: notLinux || !root,
  async fn() {
    const deno = await readableDeno();
    const source = `import { Command } from ${JSON.stringify(deno.mod)};
      try { new Command("true", { uid: 0 }).spawn(); console.log("started"); }
      catch (error) { console.log(error.name, error.code); }
      for (const options of [{ groups: [0] }, { priority: -5 }]) {
        try { new Command("sleep", { args: ["12345.5"], ...options }).spawn(); console.log("started"); }
        catch (error) { console.log(error.name, error.syscall); }
      }
      const ps = new Command("ps", { args: ["-o", "pid=", "--ppid", String(Deno.pid)] }).outputSync();
      console.log(new TextDecoder().decode(ps.stdout).trim().split("\\n").length);`;
    try {
      const run = await new Deno.Command("setpriv", {
        args: [
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          deno.path,
          ...evalArgs(source),
        ],
        env: { DENO_DIR: deno.folder, HOME: deno.folder },
      }).output();
      assertEquals([text(run.stdout), text(run.stderr)], [
        [
          "PermissionDenied EPERM",
          "PermissionDenied setgroups",
          "PermissionDenied setpriority",
          // The guard and ps itself.
          "2",
        ].join("\n"),
        "",
      ]);
    } finally {
      await deno.remove();
    }
  },
});

Deno.test({
  name:
    "a first child during another isolate's slow spawn is in a tree of its own",
  ignore: notLinux,
  async fn() {
    const program = new URL("../fixtures/spawn_window.ts", import.meta.url);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-config", "--no-lock", "-A", program.href],
    }).output();
    assertEquals(
      text(stdout).trim(),
      '{"theirs":false,"tag":true}',
      text(stderr),
    );
  },
});

Deno.test({
  name:
    "resume() continues a child once: a second SIGCONT would interrupt what it goes on with",
  ignore: notLinux,
  async fn() {
    await using child = new Command("sh", {
      args: [
        "-c",
        "trap 'echo c' CONT; echo go; while :; do read a || read a; done",
      ],
      stdin: "piped",
      stdout: "piped",
      grace: 0,
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const said = async () => (await within(reader.read(), "a line")).value!;
    assertEquals(await said(), "go\n");
    const state = () =>
      /\) (\S)/.exec(Deno.readTextFileSync(`/proc/${child.pid}/stat`))![1];
    let continued = "";
    for (let i = 0; i < 50; i++) {
      child.suspend();
      await until(() => state() === "T", "the child's stop");
      child.resume();
      continued += await said();
      await until(() => state() === "S", "the child to read again");
    }
    await child.stop();
    for (let end = false; !end;) {
      const { value, done } = await within(reader.read(), "the end");
      continued += value ?? "";
      end = done;
    }
    assertEquals(continued, "c\n".repeat(50));
  },
});
