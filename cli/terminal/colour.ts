/**
 * Colours, where they are wanted.
 *
 * @module
 */

import { isGranted } from "../is_granted.ts";

/** The settings that decide whether there are colours. */
export interface ColourSetting {
  /** `NO_COLOR` is set, as `Deno.noColor` says without a permission. */
  readonly noColor: boolean;
  /** The value of `FORCE_COLOR`, or undefined. */
  readonly forced: string | undefined;
  /** Whether the output is a terminal. */
  readonly terminal: boolean;
}

/**
 * Decides: `FORCE_COLOR` (https://force-color.org) wins, as in Deno and Node,
 * then `NO_COLOR` (https://no-color.org), then whether the output is a terminal.
 *
 * @param setting The settings.
 * @returns Whether to use colours.
 */
export function wantsColour(setting: ColourSetting): boolean {
  if (setting.forced !== undefined && setting.forced !== "") {
    return setting.forced !== "0" && setting.forced !== "false";
  }
  return setting.terminal && !setting.noColor;
}

/** Puts text into colours, or leaves it. */
export class Palette {
  /** Whether there are colours. */
  readonly on: boolean;

  /** @param on Whether there are colours. */
  constructor(on: boolean) {
    this.on = on;
  }

  /** Headings. */
  bold(text: string): string {
    return this.#wrap(text, 1, 22);
  }

  /** Less important text. */
  dim(text: string): string {
    return this.#wrap(text, 2, 22);
  }

  /** An error. */
  red(text: string): string {
    return this.#wrap(text, 31, 39);
  }

  /** A success. */
  green(text: string): string {
    return this.#wrap(text, 32, 39);
  }

  /** A notice. */
  yellow(text: string): string {
    return this.#wrap(text, 33, 39);
  }

  /** Names that can be typed. */
  cyan(text: string): string {
    return this.#wrap(text, 36, 39);
  }

  #wrap(text: string, begin: number, end: number): string {
    return this.on ? `\x1b[${begin}m${text}\x1b[${end}m` : text;
  }
}

/**
 * The colours for an output.
 *
 * @param output Standard output or standard error.
 * @returns The palette.
 */
export function paletteFor(output: { isTerminal(): boolean }): Palette {
  return new Palette(wantsColour({
    noColor: Deno.noColor,
    forced: granted("FORCE_COLOR"),
    terminal: output.isTerminal(),
  }));
}

function granted(variable: string): string | undefined {
  return isGranted({ name: "env", variable })
    ? Deno.env.get(variable)
    : undefined;
}
