import { assertEquals } from "@std/assert";
import { ArgumentVector, cString } from "../../../ffi/memory.ts";
import { viewAt } from "../../../ffi/library.ts";

/** What C would read. */
function strings(vector: ArgumentVector): string[] {
  const pointers = new BigUint64Array(vector.pointers.buffer);
  const end = pointers.indexOf(0n);
  return [...pointers.slice(0, end)].map((at) => viewAt(at).getCString());
}

const CASES: readonly (readonly string[])[] = [
  [],
  [""],
  ["/bin/true"],
  ["sh", "-c", "echo $0", ""],
  ["grüße", "日本語", "🙂", "a\u{80}", "\u{7f}"],
  ["x".repeat(300), "ü".repeat(300), "y"],
  Array.from({ length: 500 }, (_, i) => `argument ${i}`),
  ["z".repeat(100_000), "after"],
];

Deno.test("an argument vector is what C reads, however often it is filled", () => {
  const vector = new ArgumentVector();
  for (const texts of [...CASES, ...CASES.toReversed()]) {
    vector.fill(texts);
    assertEquals(strings(vector), texts);
    if (texts.length === 0) continue;
    const first = vector.first;
    assertEquals(
      new TextDecoder().decode(first.subarray(0, first.indexOf(0))),
      texts[0],
    );
  }
});

Deno.test("a lone surrogate from U+DC80 to U+DCFF is the byte it stands for", () => {
  // A real pair, an escape behind one, and a lone one that stands for no byte.
  const text = "a\udcff\u{1f600}\udc80\ud800b";
  const bytes = [0x61, 0xff, 0xf0, 0x9f, 0x98, 0x80, 0x80, 0xef, 0xbf, 0xbd];
  assertEquals([...cString(text)], [...bytes, 0x62, 0]);
});
