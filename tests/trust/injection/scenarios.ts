/**
 * What is done while calls fail. Each scenario says in one word or list what a
 * caller gets; all processes that it starts have the marker in their arguments.
 *
 * @module
 */

import type * as Library from "../../../mod.ts";
import { MORE_SCENARIOS } from "./more_scenarios.ts";

/** The library, imported after the symbols were replaced. */
export type Killable = typeof Library;

/** One thing a caller does. */
export type Scenario = (lib: Killable, marker: string) => Promise<unknown>;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function firstLine(
  stream: ReadableStream<Uint8Array>,
): Promise<string> {
  const reader = stream.getReader();
  try {
    let all = "";
    while (!all.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) return all;
      all += text(value);
    }
    return all;
  } finally {
    reader.releaseLock();
  }
}

const DAEMON = "setsid sleep $0 & echo ready; exec sleep $0";

function treeOf(
  { Command }: Killable,
  marker: string,
  options: Library.CommandOptions,
  script = DAEMON,
): Library.ChildProcess {
  return new Command("sh", {
    args: ["-c", script, marker],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    grace: 2000,
    ...options,
  }).spawn();
}

async function treeStopped(
  lib: Killable,
  marker: string,
  options: Library.CommandOptions,
  script?: string,
): Promise<unknown> {
  await using child = treeOf(lib, marker, options, script);
  const said = await firstLine(child.stdout);
  const report = await child.stop();
  await child.stdout.cancel();
  await child.status;
  return [said, report.survivors, report.mechanism];
}

function captured(
  output: { code: number; stdout: Uint8Array; stderr: Uint8Array },
): unknown {
  return [output.code, text(output.stdout), text(output.stderr)];
}

const ECHO = ["-c", "cat; echo $0 >&2; exit 3"];

/** All of them, by name. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  async streams({ Command }, marker) {
    await using child = new Command("sh", {
      args: [...ECHO, marker],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("in"));
    await writer.close();
    const out = await child.stdout.text();
    const err = await child.stderr.text();
    return [out, err === `${marker}\n`, (await child.status).code];
  },
  async noStreams({ Command }, marker) {
    await using child = new Command("sh", {
      args: ["-c", "exit 4", marker],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    return (await child.status).code;
  },
  async output({ Command }, marker) {
    const command = new Command("sh", { args: [...ECHO, marker], input: "in" });
    return captured(await command.output());
  },
  async outputSync({ Command }, marker) {
    const command = new Command("sh", { args: [...ECHO, marker], input: "in" });
    return await captured(command.outputSync());
  },
  async inputStream({ Command }, marker) {
    const input = new Blob(["a".repeat(200_000)]).stream();
    const command = new Command("sh", {
      args: ["-c", "wc -c", marker],
      input,
    });
    return text((await command.output()).stdout).trim();
  },
  async muchOutput({ Command }, marker) {
    const command = new Command("sh", {
      args: ["-c", "head -c 400000 /dev/zero", marker],
    });
    return [(await command.output()).stdout.length];
  },
  async muchOutputSync({ Command }, marker) {
    const command = new Command("sh", {
      args: ["-c", "head -c 400000 /dev/zero", marker],
    });
    return await command.outputSync().stdout.length;
  },
  stop: (lib, marker) => treeStopped(lib, marker, {}),
  async kill(lib, marker) {
    await using child = treeOf(lib, marker, {});
    await firstLine(child.stdout);
    child.kill("SIGKILL");
    const { signal } = await child.status;
    await child.treeExited;
    return signal;
  },
  async timeout({ Command }, marker) {
    const command = new Command("sleep", {
      args: [marker],
      timeout: 20,
      grace: 0,
    });
    return (await command.output()).timedOut;
  },
  async timeoutSync({ Command }, marker) {
    const command = new Command("sleep", {
      args: [marker],
      timeout: 20,
      grace: 0,
    });
    return await command.outputSync().timedOut;
  },
  async suspended({ Command }, marker) {
    await using child = new Command("sh", {
      args: ["-c", "exit 5", marker],
      suspended: true,
      stdout: "null",
    }).spawn();
    child.resume();
    return (await child.status).code;
  },
  async suspend(lib, marker) {
    await using child = treeOf(lib, marker, {});
    await firstLine(child.stdout);
    child.suspend();
    child.resume();
    return (await child.stop()).survivors;
  },
  async user({ Command }, marker) {
    const command = new Command("sh", {
      args: ["-c", "id -u; id -g", marker],
      uid: 65534,
      gid: 65533,
    });
    return captured(await command.output());
  },
  cgroup: (lib, marker) => treeStopped(lib, marker, { containment: "cgroup" }),
  group: (lib, marker) => {
    const options = { containment: "process-group" } as const;
    return treeStopped(lib, marker, options, "sleep $0 & echo ready; wait");
  },
  async environment({ Command }, marker) {
    const command = new Command("sh", {
      args: ["-c", "pwd; echo $A; echo $HOME", marker],
      cwd: "/usr",
      env: { A: "b" },
      clearEnv: true,
    });
    return captured(await command.output());
  },
  async relative({ Command }, marker) {
    const command = new Command("./sh", {
      args: ["-c", "exit 7", marker],
      cwd: "/bin",
    });
    return (await command.output()).code;
  },
  async many({ Command }, marker) {
    const runs: Promise<Library.CommandStatus>[] = [];
    const codes: number[] = [];
    try {
      for (let i = 0; i < 12; i++) {
        const child = new Command("sh", {
          args: ["-c", `exit ${i}`, marker],
          stdout: "null",
          stdin: "null",
        }).spawn();
        runs.push(child.status);
      }
    } finally {
      for (const run of runs) codes.push((await run).code);
    }
    return codes.join();
  },
  async left({ Command }, marker) {
    await using child = new Command("sh", {
      args: ["-c", "sleep $0 & exit 6", marker],
      stdin: "null",
      stdout: "null",
    }).spawn();
    return (await child.wait()).code;
  },
  async foreign(lib, marker) {
    const child = new Deno.Command("sh", {
      args: ["-c", "sleep $0 & echo ready; exec sleep $0", marker],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    try {
      await firstLine(child.stdout);
      const report = await lib.killTree(child.pid, { grace: 0 });
      return report.survivors;
    } finally {
      await child.stdout.cancel();
      try {
        child.kill("SIGKILL");
      } catch {
        // killTree() has ended it.
      }
      await child.status;
    }
  },
  async detached(lib, marker) {
    await using child = treeOf(lib, marker, { detached: true });
    await firstLine(child.stdout);
    return [child.containment.endsWithParent, (await child.stop()).survivors];
  },
  ...MORE_SCENARIOS,
};
