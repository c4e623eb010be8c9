/**
 * The reactor by itself: what it does with more events than one answer holds.
 */

import { assertEquals } from "@std/assert";
import { libc, libcLinux } from "../../posix/libc.ts";
import { MAX_EVENTS } from "../../posix/poller.ts";
import { reactor } from "../../posix/reactor.ts";
import { warmUp } from "../fixtures/warm_up.ts";

const LINUX = Deno.build.os === "linux";
const EFD_CLOEXEC = 0x80000;

Deno.test.beforeAll(async () => {
  if (LINUX) await warmUp();
});

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
