/**
 * `require`: a start that would not have what is demanded is refused, and starts
 * nothing; one that has it is as without it.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  capabilities,
  Command,
  type CommandOptions,
  type ContainmentKind,
  Job,
  type MechanismReport,
  RequirementError,
} from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(async () => await warmUp());

const POSIX = Deno.build.os !== "windows";
const VERSION: CommandOptions = { args: ["--version"], stdout: "null" };

function mechanism(name: ContainmentKind): MechanismReport | undefined {
  return capabilities().mechanisms.find((one) => one.mechanism === name);
}

/** The refusal, with proof that nothing was started. */
async function refusal(options: CommandOptions): Promise<RequirementError> {
  const marker = await Deno.makeTempFile();
  await Deno.remove(marker);
  const command = new Command(denoPath(), {
    args: ["eval", `Deno.writeTextFileSync(${JSON.stringify(marker)}, "")`],
    stdout: "piped",
    ...options,
  });
  const error = assertThrows(() => command.spawn(), RequirementError);
  assert(error instanceof Deno.errors.NotSupported);
  assertEquals(error.command, denoPath());
  // The same command without the demand starts.
  const { require: _, ...rest } = options;
  const run = await new Command(denoPath(), { ...VERSION, ...rest }).output();
  assertEquals(run.code, 0);
  assertThrows(() => Deno.statSync(marker), Deno.errors.NotFound);
  return error;
}

Deno.test("require: what the host keeps is started as without it", async () => {
  const { containment } = capabilities();
  const own = mechanism(containment) as MechanismReport;
  const require = {
    holdsEscapees: own.holdsEscapees,
    endsWithParent: own.endsWithParent,
    limits: "kernel",
  } as const;
  const limits = POSIX ? { openFiles: 256 } : { memory: 4e9 };
  const child = new Command(denoPath(), { ...VERSION, limits, require })
    .spawn();
  assert((await child.status).success);
  assertEquals(child.containment.holdsEscapees, own.holdsEscapees);
  assertEquals(child.containment.endsWithParent, own.endsWithParent);
});

Deno.test({
  name: "require: a process group does not hold who leaves it",
  ignore: !POSIX,
  async fn() {
    const error = await refusal({
      containment: "process-group",
      require: { holdsEscapees: true },
    });
    assertEquals(error.unmet.length, 1);
    const [unmet] = error.unmet;
    assertEquals(unmet?.requirement, "holdsEscapees");
    assertEquals(unmet?.limit, null);
    // What holds them, as this host has it.
    const better = capabilities().mechanisms.filter((one) => one.holdsEscapees);
    assertEquals(unmet?.needed.length, better.length);
    for (const one of better) {
      assert(unmet?.needed.some((text) => text.includes(one.mechanism)));
    }
    assert(error.message.includes("holdsEscapees"), error.message);
  },
});

Deno.test("require: a limit that this process watches is not the kernel's", async () => {
  const error = await refusal({
    limits: { wallTime: 60_000, output: 1e6 },
    require: { limits: "kernel" },
  });
  assertEquals(error.unmet.map(({ limit }) => limit), ["wallTime", "output"]);
  assert(error.message.includes("wallTime"));
});

Deno.test({
  name: "require: memory is the kernel's in a cgroup or a job object alone",
  async fn() {
    const options = {
      limits: { memory: 4e9 },
      require: { limits: "kernel" },
    } as const;
    if (!POSIX) {
      assertEquals(
        (await new Command(denoPath(), { ...VERSION, ...options }).output())
          .code,
        0,
      );
      return;
    }
    const error = await refusal(options);
    assertEquals(error.unmet[0]?.limit, "memory");
    const needed = error.unmet[0]?.needed ?? [];
    assertEquals(
      needed.map((text) => text.startsWith('containment: "cgroup"')),
      Deno.build.os === "linux" ? [true] : [],
    );
  },
});

Deno.test("require: the end with the parent contradicts outliving it", () => {
  for (const more of [{ detached: true }, { killOnParentExit: false }]) {
    const command = new Command(denoPath(), {
      ...VERSION,
      ...more,
      require: { endsWithParent: true },
    });
    assertThrows(() => command.spawn(), TypeError, "contradicts");
  }
});

Deno.test("require: a job that outlives this process keeps no child of it", async () => {
  await using job = new Job({ killOnParentExit: false });
  const error = assertThrows(
    () =>
      job.spawn(
        new Command(denoPath(), {
          ...VERSION,
          require: { endsWithParent: true },
        }),
      ),
    RequirementError,
  );
  assertEquals(error.unmet[0]?.requirement, "endsWithParent");
  assertEquals(job.children.length, 0);
});

Deno.test("require: a wrong shape is refused before anything is started", () => {
  // deno-lint-ignore no-explicit-any
  const start = (require: any) => () =>
    new Command(denoPath(), { ...VERSION, require }).spawn();
  assertThrows(start(true), TypeError, "require");
  assertThrows(start({ holdEscapees: true }), TypeError, "holdsEscapees");
  assertThrows(start({ holdsEscapees: 1 }), TypeError, "holdsEscapees");
  assertThrows(start({ limits: "watched" }), TypeError, "kernel");
  assertThrows(start({ limits: true }), TypeError, "kernel");
});
