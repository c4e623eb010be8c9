/**
 * What the drawings have in common: a page that is light or dark as the reader's
 * system is, with its own background, so that it can be read on any page.
 *
 * @module
 */

/** Colours by class, light and dark. */
const COLOURS: Readonly<Record<string, readonly [string, string]>> = {
  page: ["#ffffff", "#0d1117"],
  ink: ["#1f2328", "#f0f6fc"],
  dim: ["#59636e", "#9198a1"],
  rule: ["#d1d9e0", "#3d444d"],
  axis: ["#1f2328", "#f0f6fc"],
  box: ["#dbe9fd", "#10284d"],
  edge: ["#0969da", "#4493f8"],
  alive: ["#dafbe1", "#12361f"],
  kept: ["#eaeef2", "#262c36"],
  stopped: ["#fff1c2", "#4a3605"],
  killed: ["#ffdcd7", "#5b1a17"],
  ours: ["#0969da", "#4493f8"],
  off: ["#54aeff", "#1158c7"],
  c: ["#1a7f37", "#3fb950"],
  node: ["#bc4c00", "#db6d28"],
  execa: ["#cf222e", "#f85149"],
  python: ["#8250df", "#ab7df8"],
  other: ["#818b98", "#656c76"],
};

/** Classes of lines: their colour is that of a stroke. */
const STROKES: readonly string[] = ["rule", "axis", "edge"];

function rules(dark: 0 | 1): string {
  return Object.entries(COLOURS).map(([name, colours]) =>
    STROKES.includes(name)
      ? `.${name}{stroke:${colours[dark]};fill:none}`
      : `.${name}{fill:${colours[dark]}}`
  ).join("");
}

/** A text for XML. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/**
 * A line of text.
 *
 * @param x Its left end.
 * @param y Its base line.
 * @param words What it says.
 * @param more Attributes; `class` is `ink` unless they name another.
 * @returns The element.
 */
export function label(
  x: number,
  y: number,
  words: string,
  more = "",
): string {
  const colour = more.includes("class=") ? "" : " class='ink'";
  return `<text x='${x}' y='${y}'${colour}${more && ` ${more}`}>${
    escaped(words)
  }</text>`;
}

/** What a drawing is. */
export interface Page {
  /** Its width. */
  readonly width: number;
  /** Its height. */
  readonly height: number;
  /** Its title, for a reader that cannot see it. */
  readonly title: string;
  /** The size of its letters. */
  readonly size: number;
  /** What is drawn. */
  readonly body: readonly string[];
}

/**
 * A drawing.
 *
 * @param page What it is.
 * @returns The SVG.
 */
export function svg({ width, height, title, size, body }: Page): string {
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${width} ${height}' width='${width}' height='${height}' font-family='system-ui, sans-serif' font-size='${size}' role='img' aria-label='${
      escaped(title)
    }'>`,
    `<style>${rules(0)}@media (prefers-color-scheme:dark){${rules(1)}}</style>`,
    `<rect width='100%' height='100%' rx='6' class='page'/>`,
    ...body,
    "</svg>\n",
  ].join("\n");
}
