/**
 * The tree that is to be killed, as a contender sees it: its members say their
 * process ids, and hold a pipe for as long as they live.
 *
 * @module
 */

const LINE = 10;

/** Reads what the members write. */
export class TreeReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  /** @param stdout The leader's. */
  constructor(stdout: ReadableStream<Uint8Array>) {
    this.#reader = stdout.getReader();
  }

  /** Resolves with the members' process ids when all of them are there. */
  async members(size: number): Promise<number[]> {
    let text = "";
    const decoder = new TextDecoder();
    while (text.length < size * LINE) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("The tree ended too early");
      text += decoder.decode(value);
    }
    return text.trim().split("\n").map(Number);
  }

  /** Resolves when nothing holds the pipe any more. */
  async closed(): Promise<void> {
    while (!(await this.#reader.read()).done);
  }
}

/** Whether a process is there that is not over. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}
