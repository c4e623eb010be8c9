import { assertEquals } from "@std/assert";
import { denoArgs, denoUnderTest } from "../../fixtures/deno.ts";

// Runs in a process of its own, whose descriptors it uses up.
const SCRIPT = `
import { Command } from ${
  JSON.stringify(import.meta.resolve("../../../mod.ts"))
};
const child = new Command("sh", {
  args: ["-c", "setsid sleep 60 & exec sleep 60"],
  stdin: "null",
  stdout: "null",
}).spawn();
const taken = [];
try {
  for (;;) taken.push(Deno.openSync("/dev/null"));
} catch { /* no descriptor is left */ }
const { survivors } = await child.stop({ grace: 2000 });
await child.status;
for (const file of taken) file.close();
console.log("survivors", survivors, "of", taken.length > 0);
`;

Deno.test("a tree is ended also when no descriptor is left", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, SCRIPT);
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'ulimit -n 100; exec "$@"', "sh", denoUnderTest()]
        .concat(denoArgs(new URL(`file://${file}`))),
    }).output();
    const decode = (bytes: Uint8Array): string =>
      new TextDecoder().decode(bytes);
    assertEquals(decode(stdout), "survivors 0 of true\n", decode(stderr));
  } finally {
    await Deno.remove(file);
  }
});
