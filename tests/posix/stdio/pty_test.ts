/** A child on a pseudo-terminal of its own. */

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Command, type CommandOptions, Job } from "../../../mod.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import { Screen } from "../../fixtures/screen.ts";
import { settle, warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

// macOS: Deno's FFI cannot make the calls (posix/stdio/pty.ts).
const ignore = Deno.build.os !== "linux";
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function sh(script: string, options: CommandOptions = {}): Command {
  return new Command("sh", { args: ["-c", script], pty: true, ...options });
}

Deno.test({
  name:
    "pty: the three streams are a terminal, which controls the session that the child leads",
  ignore,
  async fn() {
    const script =
      `for n in 0 1 2; do [ -t $n ] && echo tty $n; done; echo $$; ps -o pgid=,sid=,tpgid=,tty= -p $$; tty; : > /dev/tty && echo controls`;
    const run = await sh(script).output();
    const lines = text(run.stdout).split("\r\n");
    assertEquals(lines.slice(0, 3), ["tty 0", "tty 1", "tty 2"]);
    const [pid] = lines.slice(3);
    const [pgid, sid, tpgid, tty] = lines[4]!.trim().split(/\s+/);
    assertEquals([pgid, sid, tpgid], [pid, pid, pid]);
    assertEquals(lines.slice(5), [`/dev/${tty}`, "controls", ""]);
    assertThrows(() => run.stderr, TypeError, "not piped");
  },
});

Deno.test({
  name: "pty: a child of a job is typed to as one outside of it",
  ignore,
  async fn() {
    await using job = new Job({ policy: "all" });
    const args = ["-c", 'read line; echo "read $line"'];
    const children = [
      job.spawn("sh", { args, pty: true }),
      job.spawn("sh", args, { pty: true }),
      job.spawn(new Command("sh", { args, pty: true })),
    ];
    for (const child of children) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("hello\n"));
      assertStringIncludes(await child.stdout.text(), "read hello\r\n");
      await writer.close();
    }
    assertEquals((await job.exited).success, true);
  },
});

Deno.test({
  name: "pty: size at the start, and resize() with SIGWINCH",
  ignore,
  async fn() {
    const size = async (pty: CommandOptions["pty"]) =>
      text((await sh("stty size", { pty: pty! }).output()).stdout);
    assertEquals(await size(true), "24 80\r\n");
    assertEquals(await size({ columns: 132 }), "24 132\r\n");
    assertEquals(await size({ columns: 1, rows: 65535 }), "65535 1\r\n");

    const child = sh(
      "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done",
    ).spawn();
    const screen = new Screen(child);
    await screen.shows("ready");
    child.resize({ columns: 33, rows: 11 });
    await screen.shows("11 33\r\n");
    await screen.rest();
    assertEquals((await child.status).code, 0);
    // After the end it is no error.
    child.resize({ columns: 80, rows: 24 });
  },
});

Deno.test({
  name: "pty: what is typed is echoed and read; Ctrl-C is SIGINT",
  ignore,
  async fn() {
    const child = sh("read line; echo got:$line; exec sleep 100").spawn();
    const screen = new Screen(child);
    await screen.type("typed\n");
    await screen.shows("typed\r\n");
    await screen.shows("got:typed\r\n");
    // sleep must have replaced the shell's read for this to be its SIGINT: either
    // way it is the child's.
    await screen.type("\x03");
    assertStringIncludes(await screen.rest(), "^C");
    assertEquals((await child.status).signal, "SIGINT");
  },
});

Deno.test({
  name: "pty: a password prompt switches the echo off",
  ignore,
  async fn() {
    const child = new Command("bash", {
      args: ["-c", "read -s -p 'secret? ' word; echo; echo ${#word}"],
      pty: true,
    }).spawn();
    const screen = new Screen(child);
    await screen.shows("secret? ");
    await screen.type("hunter2\n");
    assertEquals(await screen.rest(), "secret? \r\n7\r\n");
    assertEquals((await child.status).code, 0);
  },
});

Deno.test({
  name: "pty: the end of stdin types the end of file, also behind half a line",
  ignore,
  async fn() {
    for (const [typed, counted] of [["", 0], ["a\nb\n", 4], ["a\nb", 3]]) {
      const child = new Command("wc", { args: ["-c"], pty: true }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(String(typed)));
      await writer.close();
      const said = await within(child.stdout.text(), "wc");
      assert(said.endsWith(`${counted}\r\n`), said);
      assertEquals((await child.status).code, 0);
    }
    // output() types nothing, and what `input` says.
    assertEquals(text((await sh("cat").output()).stdout), "");
    const wc = new Command("wc", { args: ["-c"], pty: true, input: "abc\n" });
    assert(text((await wc.output()).stdout).endsWith("4\r\n"));
    assert(text(wc.outputSync().stdout).endsWith("4\r\n"));
  },
});

Deno.test({
  name: "pty: no output is lost at the exit, however much and however short",
  ignore,
  async fn() {
    let lines = "";
    for (let i = 1; i <= 100_000; i++) lines += `${i}\r\n`;
    const seq = new Command("seq", { args: ["100000"], pty: true });
    assertEquals(text((await seq.output()).stdout), lines);
    assertEquals(text(seq.outputSync().stdout), lines);
    const child = seq.spawn();
    assertEquals(await child.stdout.text(), lines);
    await child.status;
    for (let i = 0; i < 50; i++) {
      const run = await sh("printf last; printf word >&2").output();
      assertEquals(text(run.stdout), "lastword");
    }
  },
});

Deno.test({
  name: "pty: more input than the terminal holds, while it echoes",
  ignore,
  async fn() {
    const input = "x\n".repeat(50_000);
    const wc = new Command("wc", { args: ["-c"], pty: true, input });
    for (const run of [await wc.output(), wc.outputSync()]) {
      assertEquals(run.code, 0);
      // What wc has counted. Of the echo the kernel may drop what its buffer of 4 KiB
      // has no room for, the end of the line before included.
      assertStringIncludes(text(run.stdout), "100000\r\n");
    }
  },
});

Deno.test({
  name:
    "pty: a child that closes its streams before its end is not hung up; one that we leave is",
  ignore,
  async fn() {
    const early = await sh(
      "exec <&- >&- 2>&-; sleep 0.2; exit 7",
    ).output();
    assertEquals([early.code, early.signal], [7, null]);

    // Both of our ends closed is a terminal that was switched off: SIGHUP.
    const child = sh("echo ready; exec sleep 100").spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    await child.stdin.close();
    const status = await within(child.status, "the hang-up");
    assertEquals(status.signal, "SIGHUP");
  },
});

Deno.test({
  name: "pty: stop() ends the tree, and what left the session",
  ignore,
  async fn() {
    const marker = newMarker();
    const child = sh(
      `trap '' HUP; setsid sleep $M & sleep $M & echo ready; wait`,
      { env: { M: marker } },
    ).spawn();
    const screen = new Screen(child);
    await screen.shows("ready");
    await until(() => processesWith(marker).length === 3, "all three");
    const report = await child.stop({ grace: 5000 });
    assertEquals(report.survivors, 0);
    assertEquals(processesWith(marker), []);
    await screen.rest();
  },
});

Deno.test({
  name: "pty: a timeout of a blocking run ends it",
  ignore,
  fn() {
    const run = sh("echo begun; sleep 100", { timeout: 300, grace: 1000 })
      .outputSync();
    assertEquals([run.timedOut, text(run.stdout)], [true, "begun\r\n"]);
  },
});

Deno.test({
  name: "pty: another user can open it; umask and priority go with it",
  ignore: ignore || Deno.uid() !== 0,
  async fn() {
    const run = await sh("id -u; umask; nice; [ -O $(tty) ] && echo owns", {
      uid: 65534,
      umask: 0o77,
      priority: 4,
    }).output();
    assertEquals(text(run.stdout), "65534\r\n0077\r\n4\r\nowns\r\n");
  },
});

Deno.test({
  name: "pty: no descriptor of it stays open here, also after a failed start",
  ignore,
  async fn() {
    const open = () => {
      let count = 0;
      for (const { name } of Deno.readDirSync("/proc/self/fd")) {
        try {
          const to = Deno.readLinkSync(`/proc/self/fd/${name}`);
          if (/^\/dev\/(pts|ptmx)/.test(to)) count++;
        } catch {
          // The folder's own.
        }
      }
      return count;
    };
    const before = open();
    for (let i = 0; i < 5; i++) {
      await sh("echo x").output();
      sh("echo x").outputSync();
      assertThrows(() => new Command("/none", { pty: true }).spawn());
      assertThrows(() => sh("true", { cwd: "/none" }).spawn());
      assertThrows(() => sh("true", { affinity: [8191] }).spawn(), RangeError);
    }
    {
      await using child = sh("sleep 100").spawn();
      assert(open() > before, String(child.pid));
    }
    await settle();
    assertEquals(open(), before);
  },
});
