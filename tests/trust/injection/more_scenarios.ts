/**
 * Scenarios around descriptors, sockets, terminals, limits, figures, jobs.
 *
 * @module
 */

import type { Killable, Scenario } from "./scenarios.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const LOCAL = { hostname: "127.0.0.1", port: 0 } as const;

/** A file that is gone when the scenario is over. */
async function withFile<T>(run: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile();
  try {
    return await run(path);
  } finally {
    await Deno.remove(path);
  }
}

function sleeper(
  { Command }: Killable,
  marker: string,
  options: ConstructorParameters<Killable["Command"]>[1] = {},
): InstanceType<Killable["Command"]> {
  return new Command("sleep", {
    args: [marker],
    stdin: "null",
    stdout: "null",
    ...options,
  });
}

/** By name. */
export const MORE_SCENARIOS: Readonly<Record<string, Scenario>> = {
  async job(lib, marker) {
    await using job = new lib.Job({ grace: 0 });
    job.spawn("sh", ["-c", "setsid sleep $0 & exec sleep $0", marker], {
      stdin: "null",
      stdout: "null",
    });
    job.spawn(sleeper(lib, marker));
    job.suspend();
    job.resume();
    return (await job.stop()).survivors;
  },
  async jobExit(lib, marker) {
    await using job = new lib.Job({ policy: "first-exit", grace: 0 });
    job.spawn(sleeper(lib, marker));
    job.spawn("sh", ["-c", "exit 3", marker], { stdout: "null" });
    const { success, statuses } = await job.exited;
    return [success, statuses.length];
  },
  async jobCgroup(lib, marker) {
    await using job = new lib.Job({ containment: "cgroup", grace: 0 });
    job.spawn(sleeper(lib, marker));
    job.kill("SIGKILL");
    return (await job.stop()).survivors;
  },
  async pipeline({ pipeline }, marker) {
    const { code, stdout } = await pipeline([
      ["sh", "-c", "echo a; echo b", marker],
      ["sh", "-c", "cat; exit 2", marker],
      ["sh", "-c", "wc -l", marker],
    ]);
    return [code, text(stdout).trim()];
  },
  fds: ({ Command }, marker) =>
    withFile(async (file) => {
      await Deno.writeTextFile(file, "file");
      await using child = new Command("sh", {
        args: ["-c", "cat <&3 >&4; cat <&5 >&4; cat <&6 >&4", marker],
        stdin: "null",
        stdout: "null",
        fds: {
          3: { pipe: "read" },
          4: { pipe: "write" },
          5: "null",
          6: { file, access: "read" },
        },
      }).spawn();
      const writer = child.fds[3]!.writable.getWriter();
      await writer.write(new TextEncoder().encode("in "));
      await writer.close();
      const all = await new Response(child.fds[4]!.readable).text();
      return [all, (await child.status).code];
    }),
  files: ({ Command }, marker) =>
    withFile(async (file) => {
      const script = "cat; echo err >&2";
      const run = await new Command("sh", {
        args: ["-c", script, marker],
        stdin: { file: "/dev/null" },
        stdout: { file, append: true },
        stderr: "stdout",
      }).output();
      return [run.code, await Deno.readTextFile(file)];
    }),
  descriptors: ({ Command }, marker) =>
    withFile(async (path) => {
      using _file = await Deno.open(path, { read: true, write: true });
      const number = descriptorOf(path);
      const run = await new Command("sh", {
        args: ["-c", "echo out; cat", marker],
        stdin: number,
        stdout: { descriptor: number },
      }).output();
      return [run.code, await Deno.readTextFile(path)];
    }),
  async listen({ Command, listen }, marker) {
    using listener = listen(LOCAL);
    const run = await new Command("sh", {
      args: ["-c", "echo $LISTEN_FDS; test $LISTEN_PID = $$", marker],
      listeners: [listener, { listener, name: "again" }],
    }).output();
    return [run.code, text(run.stdout)];
  },
  async listenMore({ listen }) {
    const path = await Deno.makeTempDir();
    try {
      using named = listen({ hostname: "::1", port: 0, reusePort: true });
      using unix = listen({ path: `${path}/socket` });
      return [named.address.hostname, unix.address.transport];
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
  async pty({ Command }, marker) {
    await using child = new Command("sh", {
      args: ["-c", "read x; stty size; echo $x", marker],
      pty: { columns: 40, rows: 10 },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    child.resize({ columns: 50, rows: 20 });
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("typed\n"));
    await writer.close();
    const all = await child.stdout.text();
    return [/20 50/.test(all), (await child.status).code];
  },
  async limits({ Command }, marker) {
    const run = await new Command("sh", {
      args: ["-c", "ulimit -n; ulimit -f", marker],
      limits: { openFiles: 50, fileSize: 5120, coreSize: 0, cpuTime: 60_000 },
    }).output();
    return [run.code, text(run.stdout)];
  },
  async limitsOfTree({ Command }, marker) {
    const run = await new Command("sh", {
      args: ["-c", "sleep 0.05; exit 4", marker],
      limits: { memory: 1 << 30, processes: 50, wallTime: 60_000 },
    }).output();
    return run.code;
  },
  async limitsOfCgroup({ Command }, marker) {
    const run = await new Command("sh", {
      args: ["-c", "exit 5", marker],
      containment: "cgroup",
      limits: { memory: 1 << 30, processes: 50 },
    }).output();
    return run.code;
  },
  async usage(lib, marker) {
    await using child = sleeper(lib, marker).spawn();
    const { leader, tree } = child.usage();
    await child.stop({ grace: 0 });
    const { usage } = await child.status;
    return [typeof leader, typeof tree, typeof usage];
  },
  async usageOfCgroup(lib, marker) {
    const options = { containment: "cgroup" } as const;
    await using child = sleeper(lib, marker, options).spawn();
    const { tree } = child.usage();
    await child.stop({ grace: 0 });
    return typeof tree;
  },
  async prepared({ Command }, marker) {
    const run = await new Command("sh", {
      args: ["-c", "nice; umask", marker],
      priority: 5,
      affinity: [0],
      umask: 0o27,
    }).output();
    return [run.code, text(run.stdout)];
  },
  async preparedSuspended({ Command }, marker) {
    await using child = new Command("sh", {
      args: ["-c", "exit $(nice)", marker],
      priority: 5,
      suspended: true,
      limits: { processes: 50, openFiles: 50 },
      stdout: "null",
    }).spawn();
    child.resume();
    return (await child.status).code;
  },
  async groups({ Command }, marker) {
    const run = await new Command("sh", {
      args: ["-c", "id -G", marker],
      uid: 65534,
      gid: 65533,
      groups: [7, 8],
    }).output();
    return [run.code, text(run.stdout)];
  },
  async descendants(lib, marker) {
    await using child = new lib.Command("sh", {
      args: ["-c", "setsid sleep $0 & echo ready; exec sleep $0", marker],
      stdin: "null",
      stdout: "piped",
      grace: 0,
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    const found = child.descendants().length;
    const tree = await lib.processTree(child.pid);
    await child.stdout.cancel();
    return [found, Array.isArray(tree)];
  },
  async capabilities(lib) {
    return await Promise.resolve(lib.capabilities().containment);
  },
};

function descriptorOf(path: string): number {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const link = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (link === path) return Number(name);
    } catch {
      // The one that this list is read through.
    }
  }
  throw new Error(`${path} is not open`);
}
