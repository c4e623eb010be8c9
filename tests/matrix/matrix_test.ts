/**
 * A slice of the matrix: some cells, compared with docs/promise.md.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { findProgram, ROOT } from "../real/place.ts";
import { cellText, isFalse, type Outcome } from "./cells.ts";
import { isAsPromised, readPage } from "./page.ts";

// Other users, namespaces and the set-user-ID bit are root's; the trees are of C.
const ignore = !ROOT || findProgram("cc", "gcc", "clang") === null ||
  findProgram("unshare") === null;

Deno.test({
  name: "some cells are as docs/promise.md says",
  ignore,
  async fn() {
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        // deno-fmt-ignore
        args: ["run", "--quiet", "--no-config", "--no-lock", "-A",
          import.meta.resolve("./main.ts"), "--every", "47"],
        stdin: "null",
      },
    ).output();
    const text = new TextDecoder().decode(stdout) +
      new TextDecoder().decode(stderr);
    assert(success, text);
  },
});

Deno.test("no cell of docs/promise.md says 0 where something lives", async () => {
  const page = await readPage();
  assert(page.size > 100, `${page.size} cells`);
  for (const [name, text] of page) {
    assert(
      /^(0|✓|·|\d+[?!]|\d+ ✓|\*\*\d+\*\*)$/.test(text),
      `${name}: ${text}`,
    );
  }
});

Deno.test("a cell is compared with the page", () => {
  const outcome = (left: number, told: string): Outcome => ({ left, told });
  assert(isFalse(outcome(1, "0")));
  assert(isFalse(outcome(0, "TypeError: no")));
  assert(!isFalse(outcome(1, "not proved")));
  assertEquals(cellText(outcome(2, "not proved")), "2?");
  assertEquals(cellText(outcome(1, "0")), "**1 but told 0**");
  assert(isAsPromised(outcome(0, "0"), "0"));
  assert(isAsPromised(outcome(0, "0"), "1?"));
  assert(isAsPromised(outcome(1, "not proved"), "1?"));
  assert(!isAsPromised(outcome(2, "not proved"), "1?"));
  assert(!isAsPromised(outcome(0, "not proved"), "0"));
  assert(!isAsPromised(outcome(1, "nothing"), "·"));
});
