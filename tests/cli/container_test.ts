/**
 * The program as process 1 of a container: runc(8), a bundle made by hand, no daemon,
 * no registry, no network.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { until, within } from "../fixtures/deadline.ts";
import { denoUnderTest } from "../fixtures/deno.ts";
import { cliArgs, stdFlags } from "./program.ts";

// Debian's package runc, as root. @std comes from the stand-ins: in the container
// there is no network to fetch it from.
const ignore = Deno.build.os !== "linux" || !await canRun() ||
  !stdFlags().includes("--import-map");

async function canRun(): Promise<boolean> {
  try {
    const list = new Deno.Command("runc", { args: ["list"], stderr: "null" });
    return Deno.uid() === 0 && (await list.output()).success;
  } catch {
    return false;
  }
}

const SPACES = ["pid", "ipc", "uts", "mount", "network"];

function mounts(): unknown[] {
  const root = dirname(dirname(new URL(import.meta.url).pathname));
  const bound = ["/usr", "/etc", dirname(root), denoUnderTest()];
  return [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/dev", type: "tmpfs", source: "tmpfs" },
    { destination: "/tmp", type: "tmpfs", source: "tmpfs" },
    ...bound.map((path) => ({
      destination: path,
      type: "bind",
      source: path,
      options: ["rbind", "ro"],
    })),
  ];
}

/** A container whose process 1 is the program. */
class Container implements AsyncDisposable {
  readonly #id = `killable-${crypto.randomUUID()}`;
  readonly #bundle: string;
  readonly #child: Deno.ChildProcess;
  said = "";
  readonly #reading: Promise<unknown>;

  constructor(args: readonly string[]) {
    this.#bundle = Deno.makeTempDirSync();
    Deno.mkdirSync(`${this.#bundle}/root`);
    for (const name of ["bin", "lib", "lib64"]) {
      Deno.symlinkSync(`usr/${name}`, `${this.#bundle}/root/${name}`);
    }
    const config = {
      ociVersion: "1.0.0",
      process: {
        args: [denoUnderTest(), ...cliArgs(args)],
        env: ["PATH=/usr/bin", "HOME=/tmp", "DENO_DIR=/tmp/deno"],
        cwd: "/",
        user: { uid: 0, gid: 0 },
      },
      root: { path: "root" },
      mounts: mounts(),
      linux: { namespaces: SPACES.map((type) => ({ type })) },
    };
    Deno.writeTextFileSync(
      `${this.#bundle}/config.json`,
      JSON.stringify(config),
    );
    this.#child = new Deno.Command("runc", {
      args: ["run", this.#id],
      cwd: this.#bundle,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      this.#read(this.#child.stdout),
      this.#read(this.#child.stderr),
    ]);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const piece of stream) {
      this.said += decoder.decode(piece, { stream: true });
    }
  }

  async says(text: string): Promise<void> {
    await until(() => this.said.includes(text), `'${text}' in '${this.said}'`);
  }

  /** What `docker stop` does first. */
  async kill(signal: string): Promise<void> {
    const args = ["kill", this.#id, signal];
    await new Deno.Command("runc", { args }).output();
  }

  async status(): Promise<number> {
    const { code } = await within(this.#child.status, "the container");
    await within(this.#reading, "the end of what it says");
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const args = ["delete", "--force", this.#id];
    await new Deno.Command("runc", { args, stderr: "null" }).output();
    await this.#child.status;
    await this.#reading;
    await Deno.remove(this.#bundle, { recursive: true });
  }
}

for (const command of ["init", "run"]) {
  Deno.test({
    name: `${command} in a container: reaps, hears the stop, has the status`,
    ignore,
    async fn() {
      await using container = new Container([
        command,
        "--",
        "sh",
        "-c",
        "(setsid sh -c 'sleep 0.1' &); while ps -o stat= --ppid 1 | grep -q Z; do sleep 0.05; done; echo up; exec sleep 600",
      ]);
      await container.says("up");
      await container.kill("TERM");
      assertEquals(await container.status(), 143);
    },
  });
}

Deno.test({
  name: "init in a container kills what is deaf before the runtime would",
  ignore,
  async fn() {
    await using container = new Container([
      "init",
      "-k",
      "200ms",
      "--",
      "sh",
      "-c",
      "trap '' TERM; echo up; while :; do sleep 0.05; done",
    ]);
    await container.says("up");
    await container.kill("TERM");
    assertEquals(await container.status(), 137);
    assertStringIncludes(container.said, "did not end in time");
  },
});

Deno.test({
  name: "init in a container: a process beside the tree ends with it",
  ignore,
  async fn() {
    await using container = new Container([
      "init",
      "-k",
      "200ms",
      "--",
      "sh",
      "-c",
      "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.05; done' & echo up; read x; exit 3",
    ]);
    await container.says("up");
    // Standard input is empty: the command ends at once, its daemon is deaf.
    assertEquals(await container.status(), 3);
  },
});
