/** Every place where something is missing: an answer each time, and nothing left. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { until } from "../../fixtures/deadline.ts";
import { readableDeno } from "../../fixtures/other_user.ts";
import { denier, HAS_COMPILER, IS_ROOT, type Place, probe } from "./place.ts";
import type { Answers } from "./probe.ts";

const EVERYTHING: Answers = {
  capabilities: "lineage",
  contained: ["lineage", true, false, "SIGKILL"],
  output: [0, "in", false],
  outputSync: [0, "in", false],
  timeout: [true, true],
  tree: 0,
  daemon: [0, true],
};
// Weaker, and says so.
const BY_GROUP: Answers = {
  ...EVERYTHING,
  capabilities: "process-group",
  contained: ["process-group", true, true, "SIGKILL"],
  daemon: [0, false],
};
const UNGUARDED: Answers = {
  ...EVERYTHING,
  contained: ["lineage", false, true, "SIGKILL"],
};

// At most so many are left: a daemon that has not got to its setsid is ended.
async function expect(place: Place, answers: Answers, most = 0): Promise<void> {
  const given = await probe(place);
  assertEquals(given.answers, answers);
  assert(given.left <= most, `${given.left} are left`);
}

function place(
  name: string,
  where: Place,
  answers: Answers,
  left?: number,
): void {
  // Mounts and namespaces need root.
  Deno.test({
    name: `nothing hangs and nobody is left: ${name}`,
    ignore: !IS_ROOT,
    fn: () => expect(where, answers, left),
  });
}

const HIDE = "mount -t proc -o hidepid=2 proc /proc";

place("nothing is missing", {}, EVERYTHING);
place("without grep, no guard", {
  mounts: "mount --bind /dev/null $(readlink -f $(command -v grep))",
}, UNGUARDED);
place("a read-only root", { mounts: "mount -o remount,ro,bind /" }, EVERYTHING);
place("hidepid=2, as root", { mounts: HIDE }, EVERYTHING);
// What leaves its group is not held there, as was said.
place("no /proc", { mounts: "mount -t tmpfs none /proc" }, BY_GROUP, 1);
place("process 1 of a pid namespace, who reaps no strangers", {
  prefix: ["unshare", "-pf", "--mount-proc"],
}, EVERYTHING);
place("below a reaping process 1", {
  prefix: ["unshare", "-pf", "--mount-proc", "sh", "-c", '"$@"; exit', "sh"],
}, EVERYTHING);
place("a time namespace, a day ahead", {
  prefix: [
    "unshare",
    "-T",
    "-f",
    "--monotonic",
    "86400",
    "--boottime",
    "86400",
  ],
}, EVERYTHING);
place("SIGCHLD ignored from the start", {
  prefix: ["env", "--ignore-signal=CHLD"],
}, EVERYTHING);

Deno.test({
  name: "nothing hangs and nobody is left: no /bin/sh",
  ignore: !IS_ROOT,
  async fn() {
    const mounts = "mount --bind /dev/null $(readlink -f /bin/sh)";
    const { answers, left } = await probe({ mounts });
    assertEquals(answers.contained, UNGUARDED.contained);
    assertEquals(answers.outputSync, UNGUARDED.outputSync);
    assertMatch(String(answers.tree), /^PermissionDenied posix_spawn: /);
    assertEquals(left, 0);
  },
});

for (const options of ["hidepid=2", "hidepid=1"]) {
  Deno.test({
    name: `nothing hangs and nobody is left: ${options}, as another user`,
    ignore: !IS_ROOT,
    async fn() {
      const copy = await readableDeno();
      try {
        const probe = `${copy.folder}/probe.ts`;
        await Deno.copyFile(new URL("./probe.ts", import.meta.url), probe);
        await expect({
          mounts: `mount -t proc -o ${options} proc /proc`,
          // deno-fmt-ignore
          // In a session of its own: what root starts beside it in ours is in doubt.
          prefix: ["setsid", "--wait", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            "env", `HOME=${copy.folder}`],
          deno: copy.path,
          mod: copy.mod,
          probe,
        }, EVERYTHING);
      } finally {
        // Its guard may still be writing to the cache of its Deno.
        await until(
          () => copy.remove().then(() => true, () => false),
          "an empty folder",
        );
      }
    },
  });
}

const ARM64 = Deno.build.arch === "aarch64";
const PIDFD_OPEN = 434;
const PIDFD_SEND_SIGNAL = 424;
const PRLIMIT64 = ARM64 ? 261 : 302;
const PRCTL = ARM64 ? 167 : 157;
const CLOSE_RANGE = 436;

const REFUSALS: readonly [string, readonly number[], Answers][] = [
  ["pidfds", [PIDFD_OPEN, PIDFD_SEND_SIGNAL], EVERYTHING],
  ["pidfd_send_signal alone", [PIDFD_SEND_SIGNAL], EVERYTHING],
  ["prlimit", [PRLIMIT64], BY_GROUP],
  ["prctl", [PRCTL], EVERYTHING],
  ["close_range", [CLOSE_RANGE], EVERYTHING],
];

for (const [name, calls, answers] of REFUSALS) {
  for (const errno of [1, 38]) {
    Deno.test({
      name: `nothing hangs and nobody is left: a filter refuses ${name} (${
        errno === 1 ? "EPERM" : "ENOSYS"
      })`,
      ignore: !HAS_COMPILER,
      async fn() {
        const folder = await Deno.makeTempDir();
        try {
          const deny = await denier(folder);
          const left = answers === BY_GROUP ? 1 : 0;
          await expect({ prefix: deny(errno, ...calls) }, answers, left);
        } finally {
          await Deno.remove(folder, { recursive: true });
        }
      },
    });
  }
}
