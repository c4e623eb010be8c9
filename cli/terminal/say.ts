/**
 * Lines for the reader. Written at once, so that they are out before an exit;
 * a reader that has gone is no reason to leave a tree running.
 *
 * @module
 */

const encoder = new TextEncoder();

type Output = Pick<typeof Deno.stdout, "writeSync">;

/** Writes to an output as it is, and gives up when its reader has gone. */
export function write(output: Output, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) {
      at += output.writeSync(bytes.subarray(at));
    }
  } catch (error) {
    // Also a full pipe that another process has made non-blocking.
    if (
      error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.WouldBlock ||
      error instanceof Deno.errors.BadResource
    ) return;
    throw error;
  }
}

/** A result: a line to standard output. */
export function print(line: string): void {
  write(Deno.stdout, `${line}\n`);
}

/** A message: a line to standard error. */
export function say(line: string): void {
  write(Deno.stderr, `${line}\n`);
}

/**
 * Columns of the terminal.
 *
 * @returns Its width; 80 where there is no terminal to ask.
 */
export function terminalWidth(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

// Longer lines are hard to read; in shorter ones two columns have no room.
const MOST_COLUMNS = 80;
const LEAST_COLUMNS = 40;

/**
 * Columns for text on standard output.
 *
 * @returns The terminal's, within reason; the usual number for a file or a pipe.
 */
export function textWidth(): number {
  const columns = Deno.stdout.isTerminal() ? terminalWidth() : MOST_COLUMNS;
  return Math.max(LEAST_COLUMNS, Math.min(columns, MOST_COLUMNS));
}

/**
 * Breaks text into lines.
 *
 * @param text The text; words are kept whole.
 * @param width Characters in a line.
 * @returns The lines.
 */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}
