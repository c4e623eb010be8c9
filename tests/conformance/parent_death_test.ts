import { assertEquals } from "@std/assert";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { type MemberOptions, RollCall } from "../fixtures/roll_call.ts";

const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

/** A host that uses the library, its child, and the child's child. */
async function startFamily(
  roll: RollCall,
  options: MemberOptions = {},
): Promise<Deno.ChildProcess> {
  const host = new Deno.Command(denoPath(), {
    args: roll.args("host"),
    ...QUIET,
  })
    .spawn();
  const member = await roll.member("host");
  const child = await member.spawn("child", { withLibrary: true, ...options });
  await child.spawn("grandchild", { detached: true });
  return host;
}

Deno.test("children of Deno.Command outlive a parent that is killed", async () => {
  await using roll = new RollCall();
  const host = await startFamily(roll, { withLibrary: false });
  host.kill("SIGKILL");
  await host.status;
  for (const name of ["child", "grandchild"]) {
    await (await roll.member(name)).answers();
  }
});

for (const how of ["is killed", "exits", "throws"] as const) {
  Deno.test(`the tree ends when its parent ${how}`, async () => {
    await using roll = new RollCall();
    const host = await startFamily(roll);
    const member = await roll.member("host");
    if (how === "is killed") host.kill("SIGKILL");
    else {member.ask({ do: how === "exits" ? "exit" : "crash", code: 0 }).catch(
        () => {},
      );}
    await within(host.status, "the parent's end");
    for (const name of ["child", "grandchild"]) {
      await within(
        (await roll.member(name)).gone,
        `the end of ${name}`,
        10_000,
      );
    }
    await roll.assertGone();
  });
}

for (const option of ["detached", "killOnParentExit"] as const) {
  Deno.test(`${option}: the tree outlives its parent when that is asked for`, async () => {
    await using roll = new RollCall();
    const host = await startFamily(roll, { [option]: option === "detached" });
    // A tree that is not spared, as the sign that the others would have ended.
    const other = await (await roll.member("host")).spawn("other", {
      withLibrary: true,
    });
    host.kill("SIGKILL");
    await host.status;
    await within(other.gone, "the end of the tree that is not spared", 10_000);
    for (const name of ["child", "grandchild"]) {
      await (await roll.member(name)).answers();
    }
  });
}

Deno.test("a tree within a tree ends with its own parent, and the outer one goes on", async () => {
  await using roll = new RollCall();
  const host = await startFamily(roll);
  const child = await roll.member("child");
  const inner = await child.spawn("inner host");
  const innermost = await inner.spawn("innermost", { withLibrary: true });
  Deno.kill(inner.pid, "SIGKILL");
  await within(innermost.gone, "the inner tree", 10_000);
  await child.answers();
  host.kill("SIGKILL");
  await host.status;
  await within(child.gone, "the outer tree", 10_000);
});

Deno.test("trees within trees end with the outermost parent", async () => {
  await using roll = new RollCall();
  const host = await startFamily(roll);
  const child = await roll.member("child");
  const inner = await child.spawn("inner", { withLibrary: true });
  const innermost = await inner.spawn("innermost", { withLibrary: true });
  host.kill("SIGKILL");
  assertEquals((await host.status).success, false);
  const grandchild = await roll.member("grandchild");
  const family = [child, grandchild, inner, innermost].map((one) => one.gone);
  await within(Promise.all(family), "the end of all of them", 10_000);
  await roll.assertGone();
});

Deno.test("every child of a job ends with the parent that is killed", async () => {
  await using roll = new RollCall();
  const host = new Deno.Command(denoPath(), {
    args: roll.args("host"),
    ...QUIET,
  }).spawn();
  const member = await roll.member("host");
  const server = await member.spawn("server", { inJob: true });
  const daemon = await server.spawn("daemon", { detached: true });
  const watcher = await member.spawn("watcher", { inJob: true });
  host.kill("SIGKILL");
  await host.status;
  const family = [server, daemon, watcher].map((one) => one.gone);
  await within(Promise.all(family), "the end of the job", 10_000);
  await roll.assertGone();
});
