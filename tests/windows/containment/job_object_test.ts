import { assert, assertEquals } from "@std/assert";
import { Struct } from "../../../ffi/memory.ts";
import { JobObject } from "../../../windows/system/job_object.ts";
import {
  JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION,
  JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
} from "../../../windows/system/win32.ts";
import { jobs } from "../../../windows/system/kernel32.ts";
import {
  fixture,
  ignore,
  openLibraries,
  replaceCall,
  spec,
  start,
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
