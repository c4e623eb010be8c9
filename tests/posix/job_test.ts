/** Jobs by the weaker containments, and signals to this process. */

import { assert, assertEquals } from "@std/assert";
import { capabilities, Job, pipeline } from "../../mod.ts";
import { until, within } from "../fixtures/deadline.ts";
import { denoArgs, denoUnderTest } from "../fixtures/deno.ts";
import {
  newMarker,
  openDescriptors,
  ownZombies,
  processesWith,
} from "../fixtures/process_table.ts";
import { settle, warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;
const LONG = 3600_000;
const LINUX = Deno.build.os === "linux";

for (const mechanism of ["process-group", "cgroup"] as const) {
  const here = capabilities().mechanisms.some((one) =>
    one.mechanism === mechanism && one.available
  );
  Deno.test({
    name: `a job by ${mechanism} ends what its children's leaders left behind`,
    // Making a cgroup takes a writable directory, which containers seldom have.
    ignore: !here,
    async fn() {
      const marker = newMarker();
      const job = new Job({ containment: mechanism, policy: "all" });
      // A shell that has ended, and one that lives on.
      const first = job.spawn("sh", ["-c", `sleep ${marker} & exit 0`], QUIET);
      job.spawn("sh", ["-c", `sleep ${marker} & sleep ${marker}`], QUIET);
      await first.status;
      await until(
        () =>
          processesWith(marker).filter((one) =>
            one.command === `sleep ${marker}`
          ).length === 3,
        "three sleeps",
      );
      assertEquals(
        job.processes().filter(({ name }) => name === "sleep").length,
        3,
      );
      const report = await job.stop({ grace: LONG });
      assertEquals(processesWith(marker), []);
      assertEquals(report.mechanism, mechanism);
      assertEquals((await job.exited).statuses.length, 2);
      assertEquals(ownZombies(), []);
    },
  });
}

Deno.test("a job of many short commands keeps no descriptor and no zombie", async () => {
  await using job = new Job({ policy: "all" });
  await job.spawn("true", QUIET).status;
  // The first look at all processes opens what every later one uses.
  job.processes();
  const before = openDescriptors();
  for (let i = 0; i < 100; i++) await job.spawn("true", QUIET).status;
  assertEquals(openDescriptors(), before);
  assertEquals(ownZombies(), []);
  const { statuses, success } = await job.exited;
  assertEquals([statuses.length, success], [101, true]);
});

Deno.test("one kill freezes all children before it ends the first", async () => {
  const marker = newMarker();
  await using job = new Job({ policy: "all" });
  // Each starts a new one as soon as the one it watches is gone.
  const script = `while true; do sleep ${marker}; done`;
  for (let i = 0; i < 4; i++) job.spawn("sh", ["-c", script], QUIET);
  const sleeps = () =>
    processesWith(marker).filter((one) => one.command === `sleep ${marker}`);
  await until(() => sleeps().length === 4, "four sleeps");
  const report = await job.stop({ grace: 0 });
  assertEquals([report.signal, report.escalated], [null, 8]);
  assertEquals(processesWith(marker), []);
});

/** A running script that uses the library, and what it has printed. */
interface Host {
  readonly process: Deno.ChildProcess;
  /** Resolves when this text was printed so many times. */
  sees(text: string, times?: number): Promise<void>;
}

/** Runs a script that says `ready`; it gets signals, then ends. */
async function withHost(
  source: string,
  body: (host: Host) => Promise<void>,
): Promise<{ out: string; status: Deno.CommandStatus }> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const library = JSON.stringify(import.meta.resolve("../../mod.ts"));
    await Deno.writeTextFile(
      file,
      `import { Job } from ${library};\n${source}`,
    );
    const process = new Deno.Command(denoUnderTest(), {
      args: denoArgs(new URL(`file://${file}`)),
      stdin: "null",
      stdout: "piped",
    }).spawn();
    let out = "";
    const reading = (async () => {
      const texts = process.stdout.pipeThrough(new TextDecoderStream());
      for await (const text of texts) out += text;
    })();
    const sees = (text: string, times = 1) =>
      until(() => out.split(text).length > times, `'${text}' in '${out}'`);
    await sees("ready");
    await body({ process, sees });
    const status = await within(process.status, "the end of the host");
    await reading;
    return { out, status };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("stopOn: the first signal stops all softly, the second one at once", async () => {
  const marker = newMarker();
  // A shell runs the trap when the sleep, which is not deaf, has ended.
  const deaf = `trap "echo heard" TERM; echo ready; ` +
    `while true; do sleep 0.05; done # ${marker}`;
  const { out, status } = await withHost(
    `const job = new Job({ stopOn: ["SIGINT"], grace: ${LONG} });
    for (let i = 0; i < 2; i++) {
      job.spawn("sh", ["-c", ${
      JSON.stringify(deaf)
    }], { stdin: "null", stderr: "null" });
    }
    const { signal, success, statuses } = await job.exited;
    console.log(signal, success, statuses.map(({ status }) => status.signal).join());`,
    async ({ process, sees }) => {
      await sees("ready", 2);
      process.kill("SIGINT");
      await sees("heard", 2);
      assertEquals(processesWith(marker).length >= 2, true);
      process.kill("SIGINT");
    },
  );
  assert(out.endsWith("SIGINT false SIGKILL,SIGKILL\n"), out);
  assertEquals(status.code, 0);
  assertEquals(processesWith(marker), []);
});

Deno.test("stopOn: when the job has ended, the signals have their own effect again", async () => {
  const { out, status } = await withHost(
    `const before = new Job({ stopOn: ["SIGTERM"] });
    before.spawn("sleep", ["1000"], { stdin: "null" });
    Deno.kill(Deno.pid, "SIGTERM");
    console.log((await before.exited).signal);
    setInterval(() => {}, 1000);
    console.log("ready");`,
    ({ process }) => Promise.resolve(process.kill("SIGTERM")),
  );
  assertEquals(out, "SIGTERM\nready\n");
  assertEquals(status.signal, "SIGTERM");
});

Deno.test("stopOn: a spawn that fails leaves no listener", async () => {
  const { status } = await withHost(
    `const job = new Job({ stopOn: ["SIGTERM"] });
    try { job.spawn("no-such-program-7"); } catch { console.log("ready"); }
    setInterval(() => {}, 1000);`,
    ({ process }) => Promise.resolve(process.kill("SIGTERM")),
  );
  assertEquals(status.signal, "SIGTERM");
});

Deno.test({
  name: "a job and a pipeline work when a page has broken Promise and Array",
  // The table of signals apart, nothing here depends on the system.
  ignore: !LINUX,
  async fn() {
    const { out } = await withHost(
      `import { pipeline } from ${
        JSON.stringify(import.meta.resolve("../../mod.ts"))
      };
      clearInterval(setInterval(() => {}, 1000));
      const then = Promise.prototype.then;
      const iterator = Array.prototype[Symbol.iterator];
      const job = new Job({ stopOn: ["SIGINT"], policy: "first-exit" });
      Promise.prototype.then = () => { throw new Error("broken then"); };
      Array.prototype[Symbol.iterator] = () => { throw new Error("broken iterator"); };
      let result, piped;
      try {
        job.spawn("sleep", ["1000"], { stdin: "null" });
        job.spawn("true", [], { stdin: "null" });
        result = await job.exited;
        piped = await pipeline([["echo", "x"], ["cat"]]);
      } finally {
        Promise.prototype.then = then;
        Array.prototype[Symbol.iterator] = iterator;
      }
      console.log(result.success, new TextDecoder().decode(piped.stdout).trim(), "ready");`,
      () => Promise.resolve(),
    );
    assertEquals(out, "true x ready\n");
  },
});

Deno.test("a pipeline of many short commands leaves nothing", async () => {
  for (let i = 0; i < 20; i++) {
    const { stdout } = await pipeline([["echo", String(i)], ["cat"], ["cat"]]);
    assertEquals(new TextDecoder().decode(stdout), `${i}\n`);
  }
  await settle();
  assertEquals(ownZombies(), []);
});

/** Whether a mount of our own can hide /proc: as root, outside of most containers. */
function canHideProc(): boolean {
  if (!LINUX) return false;
  try {
    return new Deno.Command("unshare", {
      args: ["-m", "mount", "-t", "tmpfs", "none", "/proc"],
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "without a process table a job still ends the groups of its children",
  ignore: !canHideProc(),
  async fn() {
    const marker = newMarker();
    const left = `sleep ${marker} & exit 0`;
    const deaf = `trap '' TERM; sleep ${marker} & echo deaf; sleep ${marker}`;
    const script = `import { Job } from ${
      JSON.stringify(import.meta.resolve("../../mod.ts"))
    };
    const job = new Job({ policy: "all", grace: 100 });
    const first = job.spawn("sh", ["-c", ${
      JSON.stringify(left)
    }], { stdin: "null" });
    const second = job.spawn("sh", ["-c", ${JSON.stringify(deaf)}], {
      stdin: "null",
      stdout: "piped",
    });
    await first.status;
    await second.stdout.getReader().read();
    const { mechanism, escalated } = await job.stop();
    console.log(mechanism, escalated);
    Deno.exit(0);`;
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeTextFile(file, script);
      const { stdout, stderr } = await within(
        new Deno.Command("unshare", {
          args: ["-m", "sh", "-c", 'mount -t tmpfs none /proc; exec "$@"', "sh"]
            .concat([denoUnderTest()], denoArgs(new URL(`file://${file}`))),
          stdin: "null",
        }).output(),
        "the host",
      );
      const decoder = new TextDecoder();
      const out = decoder.decode(stdout);
      assert(/^process-group [12]\n$/.test(out), out + decoder.decode(stderr));
      await until(() => processesWith(marker).length === 0, "the end", 5_000);
    } finally {
      await Deno.remove(file);
    }
  },
});
