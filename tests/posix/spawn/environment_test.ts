/**
 * The environment of a child that something else runs in first: whole, and as it is
 * with nothing in between.
 */

import { assertEquals, assertThrows } from "@std/assert";
import { Command, type CommandOptions, listen } from "../../../mod.ts";
import {
  launcherRefused,
  launcherUsable,
} from "../../../posix/spawn/launcher.ts";
import { settle, warmUp } from "../../fixtures/warm_up.ts";

// Elsewhere a shell in the launcher's place may change what shells take for their own
// (PWD, IFS, `_`).
const ignore = Deno.build.os !== "linux" || Deno.build.arch !== "x86_64";
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

Deno.test.beforeAll(async () => {
  await warmUp();
  if (ignore) return;
  for (const options of Object.values(PREPARED)) {
    await new Command("true", options).output();
  }
  await settle();
});

// No identifiers, what shells set, and what they take for their own.
const ENVIRONMENT = {
  "spring.datasource.url": "jdbc:x",
  "BASH_FUNC_f%%": "() { :; }",
  "INPUT_GITHUB-TOKEN": "secret",
  "1st": "digit",
  "a b": "blank",
  PLAIN: "y",
  EMPTY: "",
  NEWLINE: "a\nb",
  IFS: "xx",
  OPTIND: "7",
  LINENO: "9",
  PPID: "3",
  PWD: "/no/such",
  OLDPWD: "/nor/this",
  SHLVL: "5",
  _: "under",
};

const PREPARED: Record<string, CommandOptions> = {
  openFiles: { limits: { openFiles: 60 } },
  cpuTime: { limits: { cpuTime: 20_000 } },
  fileSize: { limits: { fileSize: 1e9 } },
  processes: { limits: { processes: 1000 } },
  affinity: { affinity: [0] },
  priority: { priority: 5 },
  umask: { umask: 0o27 },
  "all of them": {
    limits: { openFiles: 60, cpuTime: 20_000, processes: 1000 },
    affinity: [0],
    priority: 5,
    umask: 0o27,
  },
};

/** The child's environment, as the kernel has it from exec. */
async function environmentOf(
  options: CommandOptions,
): Promise<Record<string, string>> {
  const { stdout } = await new Command("cat", {
    args: ["/proc/self/environ"],
    clearEnv: true,
    env: ENVIRONMENT,
    ...options,
  }).output();
  const found: Record<string, string> = {};
  for (const entry of decode(stdout).split("\0").filter(Boolean)) {
    const equals = entry.indexOf("=", 1);
    found[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return found;
}

for (const [name, options] of Object.entries(PREPARED)) {
  Deno.test({
    name: `the environment arrives whole: ${name}`,
    ignore,
    async fn() {
      assertEquals(await environmentOf(options), ENVIRONMENT);
    },
  });
}

Deno.test({
  name: "the environment arrives whole: suspended",
  ignore,
  async fn() {
    await using child = new Command("cat", {
      args: ["/proc/self/environ"],
      clearEnv: true,
      env: ENVIRONMENT,
      suspended: true,
      stdout: "piped",
    }).spawn();
    child.resume();
    const entries = (await child.stdout.text()).split("\0").filter(Boolean);
    const expected = Object.entries(ENVIRONMENT).map(([k, v]) => `${k}=${v}`);
    assertEquals(entries.sort(), expected.sort());
  },
});

Deno.test({
  name: "the environment arrives whole, and with its own pid: listeners",
  ignore,
  async fn() {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const env = { ...ENVIRONMENT, LISTEN_PID: "1" };
    const child = new Command("cat", {
      args: ["/proc/self/environ"],
      clearEnv: true,
      env,
      listeners: [listener],
      stdout: "piped",
    }).spawn();
    const entries = (await child.stdout.text()).split("\0").filter(Boolean);
    await child.status;
    for (const [name, value] of Object.entries(ENVIRONMENT)) {
      assertEquals(
        entries.filter((entry) => entry.startsWith(`${name}=`)),
        [`${name}=${value}`],
      );
    }
    assertEquals(
      entries.filter((entry) => entry.startsWith("LISTEN_PID=")),
      [`LISTEN_PID=${child.pid}`],
    );
  },
});

Deno.test({
  name: "a program without an interpreter line is run by sh behind an errand",
  ignore,
  async fn() {
    const script = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(script, 'echo "$0 $1"; umask\n');
      await Deno.chmod(script, 0o755);
      const run = await new Command(script, { args: ["x"], umask: 0o27 })
        .output();
      assertEquals(decode(run.stdout), `${script} x\n0027\n`);
    } finally {
      await Deno.remove(script);
    }
  },
});

// Last: the launcher is not tried again in this process.
Deno.test({
  name: "without the launcher a shell does the errand, and no name is lost",
  ignore,
  async fn() {
    assertEquals(launcherUsable(), true);
    launcherRefused();
    for (const options of Object.values(PREPARED)) {
      const found = await environmentOf(options);
      for (const name of Object.keys(ENVIRONMENT)) {
        if (/^[A-Z_]+$/.test(name) && name !== "PLAIN") continue;
        assertEquals(found[name], ENVIRONMENT[name as "PLAIN"], name);
      }
    }
  },
});

// Behind it: the shell is what is between.
Deno.test({
  name: "a shell that does the errand tells the program its argv0, or says no",
  ignore,
  async fn() {
    launcherRefused();
    for (const argv0 of ["renamed", "-login", "", 'it\'s "$0"']) {
      const run = await new Command("sh", {
        args: ["-c", 'umask; echo "$0"'],
        argv0,
        umask: 0o27,
        env: { BASH_ENV: "/nowhere" },
      }).output();
      assertEquals(run.lines(), ["0027", argv0]);
    }
    const both = new Command("true", {
      argv0: "x",
      umask: 0,
      env: { "a.b": "1" },
    });
    assertThrows(() => both.spawn(), Deno.errors.NotSupported, "'a.b'");
  },
});
