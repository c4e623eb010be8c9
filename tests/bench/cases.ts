/**
 * What is measured, for anything that has `Deno.Command`'s shape.
 *
 * @module
 */

/** The shape shared by `Deno.Command` and ours. */
export type CommandClass = new (
  command: string,
  options?: Record<string, unknown>,
) => {
  spawn(): {
    status: Promise<{ code: number }>;
    stdout: ReadableStream<Uint8Array>;
    stdin: WritableStream<Uint8Array>;
    kill(signal?: Deno.Signal): void;
  };
  output(): Promise<{ stdout: Uint8Array }>;
  outputSync(): { stdout: Uint8Array };
};

const QUIET = { stdin: "null", stdout: "null", stderr: "null" };
const GIB = 2 ** 30;
const HEAD = ["-c", "1G", "/dev/zero"];

function expect(actual: number, wanted: number): void {
  if (actual !== wanted) throw new Error(`got ${actual}, wanted ${wanted}`);
}

/** Runs a case `count` times; resolves when the last one is over. */
export type Case = (count: number) => Promise<void>;

/**
 * The cases.
 *
 * @param Command What is measured.
 * @param extra Options given to every command.
 * @returns The cases, by name.
 */
export function cases(
  Command: CommandClass,
  extra: Record<string, unknown> = {},
): Record<string, Case> {
  const repeat = (once: () => Promise<void>): Case => async (count) => {
    for (let i = 0; i < count; i++) await once();
  };
  return {
    spawn: repeat(async () => {
      const child = new Command("/bin/true", { ...QUIET, ...extra }).spawn();
      expect((await child.status).code, 0);
    }),
    output: repeat(async () => {
      const options = { args: ["x"], stderr: "null", ...extra };
      const { stdout } = await new Command("/bin/echo", options).output();
      expect(stdout.length, 2);
    }),
    sync: repeat(async () => {
      const options = { args: ["x"], stderr: "null", ...extra };
      const { stdout } = await new Command("/bin/echo", options).outputSync();
      expect(stdout.length, 2);
    }),
    stream: repeat(async () => {
      const options = { args: HEAD, ...QUIET, stdout: "piped", ...extra };
      const child = new Command("/usr/bin/head", options).spawn();
      let size = 0;
      for await (const chunk of child.stdout) size += chunk.length;
      expect(size, GIB);
      await child.status;
    }),
    capture: repeat(async () => {
      const options = { args: HEAD, maxOutput: 2 * GIB, ...extra };
      const { stdout } = await new Command("/usr/bin/head", options).output();
      expect(stdout.length, GIB);
    }),
    feed: repeat(async () => {
      const options = { ...QUIET, stdin: "piped", ...extra };
      const child = new Command("/bin/cat", options).spawn();
      const writer = child.stdin.getWriter();
      const piece = new Uint8Array(1 << 20);
      for (let i = 0; i < 1024; i++) await writer.write(piece);
      await writer.close();
      expect((await child.status).code, 0);
    }),
    async many(count: number): Promise<void> {
      const options = { args: ["1000"], ...QUIET, ...extra };
      const children = [];
      for (let i = 0; i < count; i++) {
        children.push(new Command("/bin/sleep", options).spawn());
      }
      for (const child of children) child.kill("SIGKILL");
      for (const child of children) await child.status;
    },
    async parallel(count: number): Promise<void> {
      let left = count;
      const worker = async (): Promise<void> => {
        while (left-- > 0) {
          const options = { args: ["x"], ...extra };
          const { stdout } = await new Command("/bin/echo", options).output();
          expect(stdout.length, 2);
        }
      };
      await Promise.all(Array.from({ length: 16 }, worker));
    },
  };
}
