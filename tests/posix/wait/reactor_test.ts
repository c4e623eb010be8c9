/**
 * The reactor by itself: what it does with more events than one answer holds.
 */

import { assertEquals } from "@std/assert";
import { libc, libcLinux } from "../../../posix/system/libc.ts";
import { openPipe } from "../../../posix/stdio/pipe.ts";
import { MAX_EVENTS } from "../../../posix/wait/poller.ts";
import { reactor } from "../../../posix/wait/reactor.ts";
import { within } from "../../fixtures/deadline.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const LINUX = Deno.build.os === "linux";
const EFD_CLOEXEC = 0x80000;

Deno.test.beforeAll(warmUp);

Deno.test("one look delivers more events than the kernel tells at once", {
  ignore: !LINUX, // made of eventfds
}, () => {
  const count = MAX_EVENTS * 2 + 1;
  const fds: number[] = [];
  let fired = 0;
  try {
    for (let i = 0; i < count; i++) {
      // Not 0: can be read at once.
      const fd = libcLinux().eventfd(1, EFD_CLOEXEC);
      if (fd < 0) throw new Error(`no descriptor after ${i}`);
      fds.push(fd);
      reactor().add({
        id: fd,
        interest: "read",
        thread: false,
        ref: false,
        patient: false,
        ticks: 0,
        fired: () => fired++,
      });
    }
    reactor().poll();
    assertEquals(fired, count);
  } finally {
    for (const fd of fds) {
      reactor().remove(fd, "read");
      libc().close(fd);
    }
  }
});

Deno.test("who waits to write to a pipe that nobody reads any more is woken", async () => {
  // Its reader has gone between the write that found it full and this.
  const { near, far } = openPipe("in");
  libc().close(far);
  try {
    const fired = new Promise<void>((fired) => {
      reactor().add({
        id: near,
        interest: "write",
        thread: true,
        ref: true,
        patient: false,
        ticks: 0,
        fired,
      });
    });
    await within(fired, "the wake-up");
  } finally {
    reactor().remove(near, "write");
    libc().close(near);
  }
  await reactor().settled();
});
