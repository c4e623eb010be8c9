/** What `deno task build` has made, in the lane of the release build alone. */

import { assert, assertEquals } from "@std/assert";

const DIST = new URL("../../dist/", import.meta.url);
const NAMES = ["killable_process.js", "killable_process.d.ts", "killable.js"];

Deno.test("the sums are those of the files", async () => {
  const lines = (await Deno.readTextFile(new URL("SHA256SUMS", DIST))).trim()
    .split("\n").map((line) => line.split("  "));
  assertEquals(lines.map(([, name]) => name), NAMES);
  for (const [sum, name] of lines) {
    const bytes = await Deno.readFile(new URL(name!, DIST));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const hex = Array.from(digest, (one) => one.toString(16).padStart(2, "0"));
    assertEquals(hex.join(""), sum, name);
  }
});

Deno.test("the one file exports what the modules do", async () => {
  const bundle = await import(new URL(NAMES[0]!, DIST).href);
  const source = await Deno.readTextFile(new URL(NAMES[1]!, DIST));
  const list = /export \{([^}]*)\};\s*$/.exec(source)![1]!;
  const values = list.split(",").map((one) => one.trim())
    .filter((one) => one !== "" && !one.startsWith("type "));
  assert(values.length > 20, list);
  assertEquals(Object.keys(bundle).sort(), values.sort());
});

Deno.test("the files stand for themselves, wherever they are", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of NAMES) {
      await Deno.copyFile(new URL(name, DIST), `${folder}/${name}`);
    }
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      // deno-fmt-ignore
      args: ["run", "-A", "--no-config", "--no-lock", "--no-remote", `${folder}/killable.js`, "timeout", "60", Deno.execPath(), "eval", "console.log(6 * 7)"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stdout), "42\n", decoder.decode(stderr));
    assertEquals(code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
