import { assert, assertEquals, assertThrows } from "@std/assert";
import { Struct } from "../../../ffi/memory.ts";
import { JobObject } from "../../../windows/system/job_object.ts";
import {
  JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION,
  JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
} from "../../../windows/system/win32.ts";
import { jobs, processes } from "../../../windows/system/kernel32.ts";
import { ERROR_ACCESS_DENIED } from "../../../windows/system/errors.ts";
import { windowsBackend } from "../../../windows/backend.ts";
import {
  alive,
  fixture,
  ignore,
  openLibraries,
  replaceCall,
  spec,
  start,
  until,
} from "../support.ts";

Deno.test.beforeAll(openLibraries);

/** The limit flags that a new job is given; Wine tells none when it is asked. */
function flagsOf(make: () => JobObject): number {
  const set = jobs().SetInformationJobObject;
  let flags = 0;
  const undo = replaceCall(jobs(), "SetInformationJobObject", (...all) => {
    const [job, informationClass, bytes, size] = all;
    const info = new Struct(JOBOBJECT_EXTENDED_LIMIT_INFORMATION, bytes);
    flags = info.number("LimitFlags");
    return set(job, informationClass, bytes, size);
  });
  try {
    make().close();
  } finally {
    undo();
  }
  return flags;
}

Deno.test({
  name: "a member that crashes waits for no dialog",
  ignore,
  fn() {
    const die = JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
    const kill = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    assertEquals(flagsOf(() => new JobObject()), die | kill);
    assertEquals(flagsOf(() => new JobObject({ killOnClose: false })), die);
  },
});

Deno.test({
  name: "a tree ends with the unload of the isolate that started it",
  ignore,
  async fn() {
    await using child = start(
      spec(Deno.execPath(), fixture("tree", "0"), { stdout: "piped" }),
    );
    await child.line();
    globalThis.dispatchEvent(new Event("unload"));
    await child.exited;
    assert(child.child.treeIsEmpty());
  },
});

/**
 * Has Windows refuse to nest jobs, as in a job with limits of the user interface: Wine
 * always nests them.
 */
function refuseNesting(): () => void {
  const create = processes().CreateProcessW;
  let first = true;
  let denied = false;
  const undo = [
    replaceCall(processes(), "CreateProcessW", (...all) => {
      denied = first;
      first = false;
      return denied ? 0 : create(...all as Parameters<typeof create>);
    }),
    replaceCall(processes(), "GetLastError", () => {
      assert(denied, "a further call has failed");
      return ERROR_ACCESS_DENIED;
    }),
    replaceCall(jobs(), "AssignProcessToJobObject", () => 0),
    replaceCall(jobs(), "GetLastError", () => ERROR_ACCESS_DENIED),
  ];
  return () => undo.forEach((one) => one());
}

Deno.test({
  name: "where jobs do not nest a tree is known by its parents, and says so",
  ignore,
  async fn() {
    let undo = refuseNesting();
    const request = spec(Deno.execPath(), fixture("tree", "1"), {
      stdout: "piped",
    });
    let child;
    try {
      child = start(request);
    } finally {
      undo();
    }
    await using started = child;
    const { containment, mechanism } = started.child;
    assertEquals(mechanism, "ancestry");
    assertEquals(containment.mechanism, "ancestry");
    assertEquals(containment.holdsEscapees, false);
    assertEquals(containment.endsWithParent, false);
    assert(containment.notes[0]?.includes("lets no other be nested"));
    await started.line();
    const members = started.child.members().map(({ pid }) => pid);
    assert(members.includes(started.child.pid));
    assert(members.length > 1, `only ${members}`);
    assertEquals(started.child.treeIsEmpty(), false);
    started.child.killTree();
    assertEquals((await started.exited).signal, "SIGKILL");
    await until("the tree is gone", () => !members.some(alive));
    assert(await started.child.watchTree().wait(10_000));

    const needy: Partial<typeof request>[] = [
      { limits: { processes: 5 } },
      { containment: "job-object" },
      { required: { endsWithParent: true } },
    ];
    for (const more of needy) {
      undo = refuseNesting();
      try {
        assertThrows(
          () => windowsBackend().spawn({ ...request, ...more }),
          Deno.errors.NotSupported,
        );
      } finally {
        undo();
      }
    }
  },
});
