/**
 * The way of the output of each command: lines with names, bytes as they are,
 * or one piece at the end.
 *
 * @module
 */

import type { Palette } from "../terminal/colour.ts";
import type { Output, OutputName } from "../terminal/output.ts";
import { prefixes } from "../run/line_prefix.ts";
import { LineStream, type Screen } from "./lines.ts";
import type { TogetherRequest } from "./options.ts";

/** Takes the bytes of one output of a command. */
export interface CommandStream {
  /** The output it goes to. */
  readonly name: OutputName;
  /** Takes a piece. */
  push(bytes: Uint8Array): void;
  /** The stream has ended. */
  end(): void;
}

/** The two of a command. */
export type CommandStreams = Readonly<Record<OutputName, CommandStream>>;

const encoder = new TextEncoder();

/**
 * Makes the streams of all commands.
 *
 * @param request The request.
 * @param screen Where lines go.
 * @param palette Colours of the names.
 * @returns The streams by the name of the command.
 */
export function makeStreams(
  request: TogetherRequest,
  screen: Screen,
  palette: Palette,
): Map<string, CommandStreams> {
  const names = request.services.map((one) => one.name);
  const begins = request.form === "raw"
    ? names.map(() => "")
    : prefixes(names, palette);
  const turn = new Turn();
  return new Map(names.map((name, index) => {
    const prefix = request.timestamps
      ? () => encoder.encode(`${palette.dim(timeOfDay())} ${begins[index]}`)
      : encoder.encode(begins[index]);
    const one = (output: OutputName): CommandStream => {
      if (request.form === "raw" && !request.timestamps) {
        return new RawStream(screen.output, output);
      }
      const lines = new LineStream(screen, output, prefix);
      return request.form === "group" ? new GroupStream(lines, turn) : lines;
    };
    return [name, { stdout: one("stdout"), stderr: one("stderr") }];
  }));
}

function timeOfDay(): string {
  const now = new Date();
  const two = (number: number): string => String(number).padStart(2, "0");
  const ms = String(now.getMilliseconds()).padStart(3, "0");
  return `${two(now.getHours())}:${two(now.getMinutes())}:${
    two(now.getSeconds())
  }.${ms}`;
}

class RawStream implements CommandStream {
  readonly #output: Output;
  readonly name: OutputName;

  constructor(output: Output, name: OutputName) {
    this.#output = output;
    this.name = name;
  }

  push(bytes: Uint8Array): void {
    this.#output.write(this.name, bytes);
  }

  end(): void {}
}

/** Bytes that the commands of `--group` keep back, all together. */
const MOST_KEPT = 64 << 20;

class Turn {
  kept = 0;
}

/** Keeps the bytes until the end, or until all together keep too much. */
class GroupStream implements CommandStream {
  readonly #lines: LineStream;
  readonly #turn: Turn;
  #pieces: Uint8Array[] = [];
  readonly name: OutputName;

  constructor(lines: LineStream, turn: Turn) {
    this.#lines = lines;
    this.#turn = turn;
    this.name = lines.name;
  }

  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#turn.kept += bytes.length;
    if (this.#turn.kept > MOST_KEPT) this.#show();
  }

  end(): void {
    this.#show();
    this.#lines.end();
  }

  #show(): void {
    for (const piece of this.#pieces) {
      this.#turn.kept -= piece.length;
      this.#lines.push(piece);
    }
    this.#pieces = [];
  }
}
