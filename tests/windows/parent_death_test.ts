import { assert } from "@std/assert";
import { alive, fixture, ignore, openLibraries, until } from "./support.ts";

Deno.test.beforeAll(openLibraries);

/** Ends the parent by TerminateProcess, as Deno's own kill does. */
async function killParent(mode: string): Promise<number[]> {
  const parent = new Deno.Command(Deno.execPath(), {
    args: fixture("parent", mode),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = parent.stdout.getReader();
  let line = "";
  while (!line.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    line += new TextDecoder().decode(value);
  }
  const [own, ...tree] = line.trim().split(" ").map(Number);
  assert(own === parent.pid && tree.length === 2, line);
  for (const pid of tree) assert(alive(pid));
  parent.kill("SIGKILL");
  await parent.status;
  await reader.cancel();
  return tree;
}

Deno.test({
  name: "a tree ends when its parent is terminated",
  ignore,
  async fn() {
    const tree = await killParent("on");
    await until("the tree is gone", () => !tree.some(alive), 5_000);
  },
});

for (const mode of ["off", "detached"]) {
  Deno.test({
    name: `a tree survives its parent with killOnParentExit ${mode}`,
    ignore,
    async fn() {
      const tree = await killParent(mode);
      try {
        for (const pid of tree) assert(alive(pid), `${pid} is gone`);
      } finally {
        for (const pid of tree) Deno.kill(pid, "SIGKILL");
      }
      await until("cleared up", () => !tree.some(alive));
    },
  });
}
