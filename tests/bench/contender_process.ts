/**
 * A contender's process, asked line by line.
 *
 * @module
 */

import type { Runner } from "./runner.ts";

/** A running contender. */
export class ContenderProcess implements Runner {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  /**
   * @param argv What to run.
   * @param env Variables that it gets besides ours.
   */
  constructor(argv: readonly string[], env: Record<string, string>) {
    const [program, ...args] = argv;
    this.#child = new Deno.Command(program!, {
      args,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  async run(name: string, count: number): Promise<number[]> {
    await this.#writer.write(new TextEncoder().encode(`${name} ${count}\n`));
    let answer = "";
    while (!answer.endsWith("\n")) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`it ended in the case '${name}'`);
      answer += new TextDecoder().decode(value);
    }
    if (answer.startsWith("!")) throw new Error(answer.slice(1).trim());
    return answer.trim().split(" ").filter(Boolean).map(Number);
  }

  async close(): Promise<void> {
    try {
      await this.#writer.close();
      await this.#reader.cancel();
    } catch {
      // It has ended by itself; what it did not answer says so.
    }
    await this.#child.status;
  }
}
