/**
 * What is measured, for anything that has `Deno.Command`'s shape. Times are in
 * milliseconds, each case's for one of what it does.
 *
 * @module
 */

/** The shape shared by `Deno.Command` and ours. */
export type CommandClass = new (
  command: string,
  options?: Record<string, unknown>,
) => {
  spawn(): Child;
  output(): Promise<{ stdout: Uint8Array }>;
  outputSync(): { stdout: Uint8Array };
};

/** A running child of either. */
export interface Child {
  readonly pid: number;
  readonly status: Promise<{ code: number }>;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  kill(signal?: Deno.Signal): void;
}

/** Runs something `count` times; resolves with figures, usually one. */
export type Case = (count: number, ...details: string[]) => Promise<number[]>;

/** No stream is anything to the parent. */
export const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

const GIB = 2 ** 30;
const HEAD = ["-c", "1G", "/dev/zero"];
const FOREVER = { args: ["1000"], ...QUIET };

/** Fails when a case did not do what it should. */
export function expect(actual: number, wanted: number): void {
  if (actual !== wanted) throw new Error(`got ${actual}, wanted ${wanted}`);
}

async function timed(
  count: number,
  run: () => Promise<void>,
): Promise<number[]> {
  const began = performance.now();
  await run();
  return [(performance.now() - began) / count];
}

function repeat(once: () => Promise<void>): Case {
  return (count) =>
    timed(count, async () => {
      for (let i = 0; i < count; i++) await once();
    });
}

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
  const spawn = repeat(async () => {
    const child = new Command("/bin/true", { ...QUIET, ...extra }).spawn();
    expect((await child.status).code, 0);
  });
  const echo = { args: ["x"], stderr: "null", ...extra };
  const capture = repeat(async () => {
    const options = { args: HEAD, maxOutput: 2 * GIB, ...extra };
    const { stdout } = await new Command("/usr/bin/head", options).output();
    expect(stdout.length, GIB);
  });

  function sleepers(count: number): Child[] {
    const children: Child[] = [];
    for (let i = 0; i < count; i++) {
      children.push(
        new Command("/bin/sleep", { ...FOREVER, ...extra }).spawn(),
      );
    }
    return children;
  }
  async function end(children: readonly Child[]): Promise<void> {
    for (const child of children) child.kill("SIGKILL");
    for (const child of children) await child.status;
  }

  let resident: Uint8Array | undefined;
  let waiting: Child[] = [];

  return {
    spawn,
    resident(count: number): Promise<number[]> {
      resident ??= new Uint8Array(GIB).fill(1);
      return spawn(count);
    },
    output: repeat(async () => {
      const { stdout } = await new Command("/bin/echo", echo).output();
      expect(stdout.length, 2);
    }),
    sync: repeat(async () => {
      const { stdout } = await new Command("/bin/echo", echo).outputSync();
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
    async capture(count: number): Promise<number[]> {
      const figures = await capture(count);
      collectGarbage();
      return figures;
    },
    feed: repeat(async () => {
      const options = { ...QUIET, stdin: "piped", ...extra };
      const child = new Command("/bin/cat", options).spawn();
      const writer = child.stdin.getWriter();
      const piece = new Uint8Array(1 << 20);
      for (let i = 0; i < 1024; i++) await writer.write(piece);
      await writer.close();
      expect((await child.status).code, 0);
    }),
    many: (count) => timed(count, () => end(sleepers(count))),
    async exits(count: number, alive = "0"): Promise<number[]> {
      const children = sleepers(Number(alive));
      const figures = await spawn(count);
      await end(children);
      return figures;
    },
    parallel: (count) =>
      timed(count, async () => {
        let left = count;
        const worker = async (): Promise<void> => {
          while (left-- > 0) {
            const { stdout } = await new Command("/bin/echo", echo).output();
            expect(stdout.length, 2);
          }
        };
        await Promise.all(Array.from({ length: 16 }, worker));
      }),
    // The waiting is looked at from outside, between these two.
    idle(count: number): Promise<number[]> {
      waiting = sleepers(count);
      return Promise.resolve([0]);
    },
    async idleEnd(): Promise<number[]> {
      await end(waiting);
      return [0];
    },
  };
}

/** Has what a case leaves behind not be paid by the next. */
export function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}
