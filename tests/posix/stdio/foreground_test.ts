/** A child that is lent the terminal, on a real one: that of a pseudo-terminal. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ChildProcess, Command } from "../../../mod.ts";
import { evalArgs } from "../../fixtures/eval.ts";
import { Screen } from "../../fixtures/screen.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

// The pseudo-terminal, and what reads the state of it, are Linux's.
const ignore = Deno.build.os !== "linux";
const MOD = import.meta.resolve("../../../mod.ts");

const PRELUDE = `import { Command } from ${JSON.stringify(MOD)};
  const sh = (script, options = {}) =>
    new Command("sh", { args: ["-c", script], foreground: true, ...options });
  const field = (pid, n) => Number(Deno.readTextFileSync("/proc/" + pid + "/stat").split(") ")[1].split(" ")[n]);
  const ours = () => field(Deno.pid, 5) === field(Deno.pid, 2);
  const modes = () => new TextDecoder().decode(new Deno.Command("stty", { args: ["-a"], stdin: "inherit" }).outputSync().stdout)
    .match(/-?\\b(echo|icanon)\\b/g).sort().join(" ");
  const line = () => { const b = new Uint8Array(99); return new TextDecoder().decode(b.subarray(0, Deno.stdin.readSync(b))).trim(); };
`;

// What is not installed cannot be tried.
function has(tool: string): boolean {
  const args = ["-c", `command -v ${tool}`];
  return new Deno.Command("sh", { args }).outputSync().success;
}

/** A program that uses the library, on a terminal. */
function program(source: string): { child: ChildProcess; screen: Screen } {
  const child = new Command(Deno.execPath(), {
    args: evalArgs(PRELUDE + source),
    pty: true,
    env: { NO_COLOR: "1", TERM: "xterm", PS1: "prompt> " },
    grace: 0,
  }).spawn();
  return { child, screen: new Screen(child) };
}

/** Runs a test on a terminal, and ends what is left of the program. */
function onTerminal(
  name: string,
  source: string,
  talk: (screen: Screen) => Promise<void>,
  needs = "sh",
): void {
  Deno.test({
    name: `foreground: ${name}`,
    ignore: ignore || !has(needs),
    async fn() {
      const { child, screen } = program(source);
      try {
        await talk(screen);
      } catch (error) {
        await child.stop();
        throw error;
      }
      await screen.rest();
      assertEquals((await child.status).code, 0, screen.said);
    },
  });
}

onTerminal(
  "a child that is held back for its limits has the terminal when it runs",
  `const limits = { processes: 20, wallTime: 60_000 };
  const child = sh("read _ _ _ _ pgrp _ _ tpgid _ < /proc/self/stat; [ $tpgid = $$ ] || exit 9; echo word; read line; echo got:$line", { limits }).spawn();
  const { code, limit } = await child.status;
  console.log("code", code, limit, ours());`,
  async (screen) => {
    await screen.shows("word");
    await screen.type("typed\n");
    await screen.shows("got:typed");
    await screen.shows("code 0 null true");
  },
);

onTerminal(
  "the child has the terminal before its first instruction, and it comes back",
  `for (let i = 0; i < 20; i++) {
    const child = sh("read _ _ _ _ pgrp _ _ tpgid _ < /proc/self/stat; [ $tpgid = $$ ] && [ $pgrp = $$ ] || exit 9").spawn();
    if (!child.foreground) throw new Error("not lent");
    const { code } = await child.status;
    if (code !== 0 || !ours() || child.foreground) throw new Error("run " + i + ": " + code);
  }
  const { code } = await sh("echo word; read line; echo got:$line").spawn().status;
  console.log("code", code, ours());
  console.log("parent got:" + line());`,
  async (screen) => {
    await screen.shows("word");
    await screen.type("typed\n");
    await screen.shows("got:typed");
    await screen.shows("code 0 true");
    await screen.type("more\n");
    await screen.shows("parent got:more");
  },
);

onTerminal(
  "a password prompt is not echoed, and the echo is on again",
  `const child = new Command("bash", { args: ["-c", "read -s -p 'secret? ' w; echo; echo length \${#w}"], foreground: true }).spawn();
  console.log("code", (await child.status).code, modes());`,
  async (screen) => {
    await screen.shows("secret? ");
    await screen.type("hunter2\n");
    await screen.shows("length 7");
    await screen.shows("code 0 echo icanon");
    assertEquals(screen.said.includes("hunter2"), false);
  },
);

const RAW = `"stty -echo -icanon; echo raw; sleep 100"`;
for (
  const [how, script] of [
    [
      "killed",
      `const child = sh(${RAW}).spawn(); line(); child.kill("SIGKILL");
      const status = await child.status;`,
    ],
    [
      "timed out",
      `const child = sh(${RAW}, { timeout: 500 }).spawn();
      const status = await child.status;`,
    ],
    [
      "timed out in a blocking run",
      `const status = sh(${RAW}, { timeout: 500, stdin: "inherit", stdout: "inherit" }).outputSync();`,
    ],
    [
      "failed",
      `const status = await sh("stty -echo -icanon; echo raw; exit 1").spawn().status;`,
    ],
  ] as const
) {
  // A program in the background cannot read the key that ends the child.
  const source = script.replace(
    "line();",
    `while (!modes().startsWith("-echo")) await new Promise((r) => setTimeout(r, 5));`,
  );
  onTerminal(
    `the terminal and its modes come back when the child was ${how}`,
    `${source}
    console.log("back", ours(), modes(), status.success);`,
    async (screen) => {
      await screen.shows("raw");
      await screen.shows("back true echo icanon false");
    },
  );
}

onTerminal(
  "what an orderly child sets stays set",
  `await sh("stty -echo").spawn().status;
  console.log("set", modes());`,
  (screen) => screen.shows("set -echo icanon"),
);

onTerminal(
  "Ctrl-C ends the child, and does not reach this program",
  `let here = 0;
  Deno.addSignalListener("SIGINT", () => here++);
  const { signal } = await sh("echo go; exec sleep 100").spawn().status;
  console.log("ended", signal, here);
  Deno.exit();`,
  async (screen) => {
    await screen.shows("go");
    await screen.type("\x03");
    await screen.shows("ended SIGINT 0");
  },
);

onTerminal(
  "jobStopped(): Ctrl-Z gives the terminal back, resume() lends it again",
  `const child = sh("stty -echo; echo first; read a; echo a:$a; read b; echo b:$b; exit 3").spawn();
  const stops = [];
  for (let signal; (signal = await child.jobStopped()) !== null;) {
    console.log("stopped", signal, ours(), modes(), child.foreground, await child.jobStopped());
    console.log("parent got:" + line());
    child.resume();
    console.log("resumed", stops.push(signal), child.foreground);
  }
  console.log("ended", (await child.status).code, ours(), await child.jobStopped());`,
  async (screen) => {
    await screen.shows("first");
    await screen.type("\x1a");
    await screen.shows("stopped SIGTSTP true echo icanon false SIGTSTP");
    await screen.type("mine\n");
    await screen.shows("parent got:mine");
    await screen.shows("resumed 1 true");
    await screen.type("theirs\n");
    await screen.shows("a:theirs");
    // The modes of the child were its own again.
    assertEquals(screen.said.includes("\ntheirs"), false);
    screen.said = "";
    await screen.type("\x1a");
    await screen.shows("stopped SIGTSTP true echo icanon false SIGTSTP");
    await screen.type("again\n");
    await screen.shows("parent got:again");
    await screen.shows("resumed 2 true");
    await screen.type("last\n");
    await screen.shows("b:last");
    await screen.shows("ended 3 true null");
  },
);

// Waiting in `read`: a shell that Ctrl-Z meets between vfork and exec of a child
// cannot stop before that one goes on.
onTerminal(
  "stop() of a stopped child ends it, and lets it put the terminal in order",
  `for (const script of [
    "echo go; exec sleep 100",
    "trap 'stty echo; echo cleaned; exit' TERM; stty -echo; echo go; while :; do read _; done",
  ]) {
    const child = sh(script).spawn();
    await child.jobStopped();
    const report = await child.stop({ grace: 20_000 });
    console.log("ended", (await child.status).signal, report.escalated, ours(), modes());
  }`,
  async (screen) => {
    await screen.shows("go");
    await screen.type("\x1a");
    await screen.shows("ended SIGTERM 0 true echo icanon");
    screen.said = "";
    await screen.shows("go");
    await screen.type("\x1a");
    // To set the modes in the background would have stopped it again.
    await screen.shows("cleaned");
    await screen.shows("ended null 0 true echo icanon");
  },
);

onTerminal(
  "suspend() takes the terminal, resume() gives it; so with a suspended start",
  `const child = sh("echo go; read a; echo got:$a", { suspended: true }).spawn();
  console.log("held", child.foreground, ours());
  child.resume();
  console.log("runs", child.foreground);
  child.suspend();
  while (!ours()) await new Promise((r) => setTimeout(r, 5));
  console.log("suspended", child.foreground);
  console.log("parent got:" + line());
  child.resume();
  console.log("code", (await child.status).code);`,
  async (screen) => {
    await screen.shows("held false true");
    await screen.shows("runs true");
    await screen.shows("suspended false");
    await screen.type("mine\n");
    await screen.shows("parent got:mine");
    await screen.type("theirs\n");
    await screen.shows("got:theirs");
    await screen.shows("code 0");
  },
);

onTerminal(
  "a shell with jobs of its own that is killed gives the terminal back",
  `const child = new Command("bash", { args: ["--norc", "-i"], foreground: true, grace: 0 }).spawn();
  while (field(Deno.pid, 5) === child.pid || ours()) await new Promise((r) => setTimeout(r, 5));
  await child.stop();
  console.log("back", ours());`,
  async (screen) => {
    await screen.shows("prompt> ");
    await screen.type("sleep 100\n");
    await screen.shows("back true");
  },
);

onTerminal(
  "a child that cannot be started as asked leaves the terminal where it is",
  `for (const options of [{ affinity: [8191] }, { cwd: "/none" }]) {
    try { sh("true", options).spawn(); console.log("started"); }
    catch (error) { console.log(error.name, ours()); }
  }`,
  async (screen) => {
    await screen.shows("RangeError true");
    await screen.shows("NotFound true");
  },
);

onTerminal(
  "the second of two is not lent it, and may still not read it",
  `const first = sh("echo go; read a; echo got:$a").spawn();
  const second = sh("echo second", { stdin: "null" }).spawn();
  console.log("lent", first.foreground, second.foreground, (await second.status).code);
  console.log("code", (await first.status).code);`,
  async (screen) => {
    await screen.shows("lent true false 0");
    await screen.type("x\n");
    await screen.shows("got:x");
    await screen.shows("code 0");
  },
);

onTerminal(
  "Ctrl-Z is without effect where no shell could continue this program",
  `const child = sh("trap 'echo continued' CONT; echo go; read a || read a; echo got:$a; exit 6").spawn();
  console.log("code", (await child.status).code, ours());`,
  async (screen) => {
    await screen.shows("go\r\n");
    await screen.type("\x1a");
    await screen.shows("continued\r\n");
    await screen.type("typed\n");
    await screen.shows("got:typed");
    await screen.shows("code 6 true");
  },
);

onTerminal(
  "a child that leaves the session is stopped and resumed without the terminal",
  `const child = new Command("python3", { args: ["-c", "import os, time\\npid = os.getpid()\\nos.setpgid(0, os.getpgid(os.getppid()))\\nos.setsid()\\nprint('left', flush=True)\\ntime.sleep(100)"], foreground: true, stdout: "piped" }).spawn();
  await child.stdout.getReader().read();
  child.suspend();
  while (child.foreground) await new Promise((r) => setTimeout(r, 5));
  child.resume();
  console.log("resumed", child.foreground, ours());
  const report = await child.stop({ grace: 20_000 });
  console.log("ended", (await child.status).signal, report.survivors, ours());`,
  async (screen) => {
    await screen.shows("resumed false true");
    await screen.shows("ended SIGTERM 0 true");
  },
  "python3",
);

onTerminal(
  "vim edits a file",
  `const file = Deno.makeTempFileSync();
  const child = new Command("vim", { args: ["-u", "NONE", "-N", file], foreground: true }).spawn();
  console.log("code", (await child.status).code, ours(), modes());
  console.log("text:" + Deno.readTextFileSync(file));
  Deno.removeSync(file);`,
  async (screen) => {
    await screen.shows("0L, 0B");
    await screen.type("ihello from vim\x1b:wq\r");
    await screen.shows("code 0 true echo icanon");
    await screen.shows("text:hello from vim");
  },
  "vim",
);

onTerminal(
  "less shows a file and ends by q",
  `const child = new Command("less", { args: ["/etc/services"], foreground: true, env: { LESS: "" } }).spawn();
  console.log("code", (await child.status).code, ours(), modes());`,
  async (screen) => {
    await screen.shows("/etc/services");
    await screen.type("q");
    await screen.shows("code 0 true echo icanon");
  },
  "less",
);

/** A program in a file, and an interactive bash on a terminal to start it from. */
async function inShell(
  source: string,
  talk: (screen: Screen, command: string) => Promise<void>,
): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(file, PRELUDE + source);
  const shell = new Command("bash", {
    args: ["--norc", "-i"],
    pty: true,
    env: { NO_COLOR: "1", TERM: "dumb", PS1: "prompt> " },
  }).spawn();
  const screen = new Screen(shell);
  const command =
    `${Deno.execPath()} run -A --quiet --no-config --no-lock ${file}`;
  try {
    await screen.shows("prompt> ");
    await talk(screen, command);
    await screen.type("exit\n");
    await screen.rest();
    await shell.status;
  } finally {
    await shell.stop({ grace: 0 });
    await Deno.remove(file);
  }
}

for (
  const [how, run] of [
    ["spawn()", `(await child.spawn().status).code`],
    [
      "outputSync()",
      `new Command("sh", { args: ["-c", script], foreground: true, stdin: "inherit", stdout: "inherit" }).outputSync().code`,
    ],
  ] as const
) {
  Deno.test({
    name:
      `foreground: Ctrl-Z stops this program with its child, fg continues both: ${how}`,
    ignore,
    async fn() {
      const source =
        `const script = "stty -echo; echo go; read a; echo got:$a; exit 5";
        const child = sh(script);
        console.log("code", ${run}, ours());`;
      await inShell(source, async (screen, command) => {
        for (let round = 0; round < 2; round++) {
          screen.said = "";
          await screen.type(`${command}\n`);
          await screen.shows("go\r\n");
          await screen.type("\x1a");
          await screen.shows("Stopped");
          await screen.shows("prompt> ");
          await screen.type("echo $((6*7))\n");
          await screen.shows("\n42\r\n");
          await screen.type("fg\n");
          await screen.shows(command);
          await screen.type("theirs\n");
          await screen.shows("got:theirs");
          await screen.shows("code 5 true");
          await screen.shows("prompt> ");
        }
      });
    },
  });
}

Deno.test({
  name: "foreground: a program in the background does not take the terminal",
  ignore,
  async fn() {
    const source =
      `const child = sh("sleep 0.1; exit 4", { stdin: "null" }).spawn();
      console.log("lent", child.foreground, (await child.status).code);`;
    await inShell(source, async (screen, command) => {
      await screen.type(`${command} &\n`);
      await screen.shows("lent false 4");
      await screen.type("echo $((6*7))\n");
      await screen.shows("\n42\r\n");
    });
  },
});

Deno.test({
  name: "foreground: without a terminal it is ignored",
  ignore,
  async fn() {
    const source = `const child = sh("ps -o pid=,pgid= -p $$; exit 4").spawn();
      console.log("lent", child.foreground, (await child.status).code, await child.jobStopped());`;
    const run = await new Command(Deno.execPath(), {
      args: evalArgs(PRELUDE + source),
      processGroup: "session",
    }).output();
    const said = new TextDecoder().decode(run.stdout);
    assertStringIncludes(said, "lent false 4 null");
    // A group of its own all the same.
    assertMatch(said, /^\s*(\d+)\s+\1\n/);
  },
});
