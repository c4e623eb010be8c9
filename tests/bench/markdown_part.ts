/** A part of a Markdown file that a program writes. @module */

function marks(name: string): [begin: string, end: string] {
  return [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
}

function bounds(text: string, name: string): [from: number, to: number] {
  const [begin, end] = marks(name);
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`There is no part '${name}'`);
  return [from + begin.length, to];
}

/** The text between the comments that name a part. */
export function partOf(text: string, name: string): string {
  return text.slice(...bounds(text, name)).trim();
}

/** The text with another part. */
export function withPart(text: string, name: string, part: string): string {
  const [from, to] = bounds(text, name);
  return `${text.slice(0, from)}\n\n${part}\n\n${text.slice(to)}`;
}
