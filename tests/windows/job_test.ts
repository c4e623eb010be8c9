import { assert, assertEquals, assertThrows } from "@std/assert";
import { SystemError } from "../../backend/errors.ts";
import {
  CREATE_NO_WINDOW,
  CREATE_SUSPENDED,
} from "../../windows/system/win32.ts";
import { createProcess } from "../../windows/system/create_process.ts";
import {
  Handle,
  resumeThread,
  terminateProcess,
  waitForSingleObject,
} from "../../windows/system/handle.ts";
import { JobObject } from "../../windows/system/job_object.ts";
import { type JobEntry, startInJob } from "../../windows/containment/choose.ts";
import { alive, ignore, openLibraries, until } from "./support.ts";

Deno.test.beforeAll(openLibraries);

const SLEEPER = {
  application: null,
  commandLine: "cmd.exe /c pause",
  flags: CREATE_NO_WINDOW,
};

for (const entry of ["job-list", "assign"] as JobEntry[]) {
  Deno.test({
    name: `startInJob() by ${entry}: the process is a member at once`,
    ignore,
    fn() {
      using job = new JobObject();
      const { process, thread, pid } = startInJob(
        { ...SLEEPER, flags: SLEEPER.flags | CREATE_SUSPENDED },
        job,
        entry,
      );
      assert(job.contains(process));
      assert(job.processIds().includes(pid));
      assertEquals(resumeThread(thread), 1);
      job.terminate(137);
      assert(waitForSingleObject(process, 5_000));
      thread.close();
      process.close();
    },
  });
}

for (const entry of ["job-list", "assign"] as JobEntry[]) {
  Deno.test({
    name:
      `startInJob() by ${entry}: nested jobs end apart, and the outer one ends all`,
    ignore,
    fn() {
      using outer = new JobObject();
      using one = new JobObject();
      using two = new JobObject();
      const first = startInJob(SLEEPER, [outer, one], entry);
      const second = startInJob(SLEEPER, [outer, two], entry);
      for (const { process } of [first, second]) {
        assert(outer.contains(process));
      }
      assert(one.contains(first.process) && !two.contains(first.process));
      assert(outer.processIds().includes(first.pid));
      assert(outer.processIds().includes(second.pid));
      one.terminate(137);
      assert(waitForSingleObject(first.process, 5_000));
      assert(!waitForSingleObject(second.process, 0));
      outer.terminate(137);
      assert(waitForSingleObject(second.process, 5_000));
      for (const { process, thread } of [first, second]) {
        thread.close();
        process.close();
      }
    },
  });
}

Deno.test({
  name: "startInJob() leaves no process when the job refuses it",
  ignore,
  fn() {
    let pid = 0;
    class Refusing extends JobObject {
      override assign(process: Handle): void {
        // As a parent job would that does not nest.
        pid = this.processIds().length;
        assert(!waitForSingleObject(process, 0));
        doomed = process;
        throw new SystemError("refused", {
          code: "ERROR_ACCESS_DENIED",
          errno: 5,
          syscall: "AssignProcessToJobObject",
        });
      }
    }
    let doomed: Handle | null = null;
    using job = new Refusing();
    const error = assertThrows(
      () => startInJob(SLEEPER, job, "assign"),
      SystemError,
    );
    assertEquals((error as SystemError).syscall, "AssignProcessToJobObject");
    assertEquals(pid, 0);
    assert((doomed as Handle | null)?.closed);
  },
});

Deno.test({
  name: "assign() refuses a process that has ended, with the error's name",
  ignore,
  fn() {
    const { process, thread } = createProcess(SLEEPER);
    thread.close();
    terminateProcess(process, 3);
    waitForSingleObject(process, 5_000);
    using job = new JobObject();
    const error = assertThrows(() => job.assign(process)) as SystemError;
    assert(error instanceof Deno.errors.PermissionDenied);
    assertEquals(error.code, "ERROR_ACCESS_DENIED");
    assertEquals(error.syscall, "AssignProcessToJobObject");
    assert(!terminateProcess(process, 3));
    process.close();
  },
});

for (const killOnClose of [true, false]) {
  Deno.test({
    name: `a job closed with killOnClose ${killOnClose}: the members ${
      killOnClose ? "end" : "survive"
    }`,
    ignore,
    async fn() {
      const job = new JobObject({ killOnClose });
      const { process, thread, pid } = startInJob(SLEEPER, job);
      thread.close();
      job.close();
      job.close();
      if (killOnClose) {
        assert(waitForSingleObject(process, 5_000));
      } else {
        assert(!waitForSingleObject(process, 200));
        terminateProcess(process, 1);
      }
      process.close();
      await until("it is gone", () => !alive(pid));
    },
  });
}

Deno.test({
  name: "Handle closes once, and refuses use afterwards",
  ignore,
  fn() {
    const { process, thread } = createProcess(SLEEPER);
    terminateProcess(process, 0);
    thread.close();
    thread[Symbol.dispose]();
    assert(thread.closed);
    assertThrows(() => thread.value, TypeError, "closed");
    process.close();
    assertThrows(() => new Handle(0n), TypeError);
    assertThrows(() => new Handle(0xFFFFFFFFFFFFFFFFn), TypeError);
  },
});
