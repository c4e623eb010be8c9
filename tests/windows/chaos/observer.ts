/**
 * The observer: a program in C that knows nothing of the library, and sees what
 * the system's process table has under the name of a tree's own copy of its
 * program.
 *
 * @module
 */

/** Asks which processes live. */
export class Observer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";
  #last: Promise<unknown> = Promise.resolve();

  /** @param program Path of the program. */
  constructor(program: string) {
    this.#child = new Deno.Command(program, {
      args: ["observe"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** The ids of the processes whose program is called so. */
  alive(name: string): Promise<number[]> {
    return this.#ask(name);
  }

  /** Ends them one by one, and says which there were. */
  end(name: string): Promise<number[]> {
    return this.#ask("!" + name);
  }

  /** Ends them until there are none: some start others meanwhile. */
  async clear(name: string): Promise<void> {
    while ((await this.end(name)).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Waits until there are none; returns those that are left after `ms`. */
  async gone(name: string, ms: number): Promise<number[]> {
    const deadline = performance.now() + ms;
    for (;;) {
      const pids = await this.alive(name);
      if (pids.length === 0 || performance.now() > deadline) return pids;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  // One question at a time.
  async #ask(line: string): Promise<number[]> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      await this.#writer.write(new TextEncoder().encode(line + "\n"));
      while (!this.#text.includes("\n")) {
        const { value, done } = await this.#reader.read();
        if (done) throw new Error("The observer is gone");
        this.#text += new TextDecoder().decode(value);
      }
      const end = this.#text.indexOf("\n");
      const answer = this.#text.slice(0, end).trim();
      this.#text = this.#text.slice(end + 1);
      return answer === "" ? [] : answer.split(" ").map(Number);
    } finally {
      resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}
