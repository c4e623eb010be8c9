/**
 * A contender's process, asked line by line.
 *
 * @module
 */

/** A running contender. */
export class Contender {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  /**
   * @param program What to run.
   * @param args Its arguments.
   */
  constructor(program: string, args: readonly string[]) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** Runs a case `count` times; resolves with the milliseconds it took. */
  async run(name: string, count: number): Promise<number> {
    await this.#writer.write(new TextEncoder().encode(`${name} ${count}\n`));
    let answer = "";
    while (!answer.endsWith("\n")) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`A contender ended in the case '${name}'`);
      answer += new TextDecoder().decode(value);
    }
    return Number(answer);
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}
