/**
 * kqueue(2), made of epoll(7): read, write, the exit of a process, and the
 * triggers of a user. As xnu does it, a process that has ended already cannot be
 * watched, and what fired once is gone.
 *
 * @module
 */

import { ownDescriptors } from "./hidden_proc.ts";
import { isOver } from "./processes.ts";
import { expectNone, fail, real, taken } from "./real_libc.ts";

const ENOENT = 2;
const ESRCH = 3;
const EPIPE = 32;
const POLLOUT = 4;
const POLLERR = 8;
const EVFILT_WRITE = -2;
const EVFILT_PROC = -5;
const EVFILT_USER = -10;
const EV_ADD = 1;
const EV_DELETE = 2;
const EPOLL_ADD = 1;
const EPOLL_DEL = 2;
const EPOLLIN = 1;
const EPOLLOUT = 4;
const SYS_PIDFD_OPEN = 434n;
// struct epoll_event on x86-64.
const EVENT = 12;
const KEVENT = 32;
const CLOEXEC = 0x8_0000;

interface Watch {
  readonly filter: number;
  readonly ident: bigint;
}

/** The one of this process. */
class Kqueue {
  readonly fd: number = expectNone(
    real.epoll_create1(CLOEXEC),
    "epoll_create1",
  );
  readonly #user = expectNone(real.eventfd(0, CLOEXEC | 0x800), "eventfd");
  readonly #watches = new Map<number, Watch>();
  readonly #pidfds = new Map<number, number>();
  #userIdent = 0n;

  change(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, KEVENT);
    const ident = view.getBigUint64(0, true);
    const filter = view.getInt16(8, true);
    const flags = view.getUint16(10, true);
    if (filter === EVFILT_USER) return this.#changeUser(ident, flags);
    if ((flags & EV_DELETE) !== 0) return this.#delete(Number(ident), filter);
    if ((flags & EV_ADD) === 0) throw new Error("kevent: what is to be done?");
    if (filter === EVFILT_PROC) return this.#addProcess(Number(ident));
    if (filter === EVFILT_WRITE && hasNoReader(Number(ident))) {
      return fail(EPIPE);
    }
    const events = filter === EVFILT_WRITE ? EPOLLOUT : EPOLLIN;
    return this.#add(Number(ident), { filter, ident }, events);
  }

  #changeUser(ident: bigint, flags: number): number {
    if ((flags & EV_ADD) === 0) {
      real.write(this.#user, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8n);
      return 0;
    }
    this.#userIdent = ident;
    return this.#add(this.#user, { filter: EVFILT_USER, ident }, EPOLLIN);
  }

  #addProcess(pid: number): number {
    if (isOver(pid)) return fail(ESRCH);
    const fd = Number(real.syscall(SYS_PIDFD_OPEN, BigInt(pid), 0n));
    if (fd < 0) return fail(ESRCH);
    this.#pidfds.set(pid, fd);
    ownDescriptors.add(fd);
    return this.#add(fd, { filter: EVFILT_PROC, ident: BigInt(pid) }, EPOLLIN);
  }

  #add(fd: number, watch: Watch, events: number): number {
    const event = new Uint8Array(EVENT);
    const view = new DataView(event.buffer);
    view.setUint32(0, events, true);
    view.setInt32(4, fd, true);
    if (this.#watches.has(fd)) real.epoll_ctl(this.fd, EPOLL_DEL, fd, event);
    this.#watches.set(fd, watch);
    return taken(real.epoll_ctl(this.fd, EPOLL_ADD, fd, event));
  }

  #delete(ident: number, filter: number): number {
    const fd = filter === EVFILT_PROC ? this.#pidfds.get(ident) ?? -1 : ident;
    if (this.#watches.get(fd)?.filter !== filter) return fail(ENOENT);
    this.#forget(fd);
    return 0;
  }

  #forget(fd: number): void {
    const watch = this.#watches.get(fd);
    this.#watches.delete(fd);
    real.epoll_ctl(this.fd, EPOLL_DEL, fd, new Uint8Array(EVENT));
    if (watch?.filter !== EVFILT_PROC) return;
    this.#pidfds.delete(Number(watch.ident));
    ownDescriptors.delete(fd);
    real.close(fd);
  }

  // Turns what epoll told into what kevent tells.
  deliver(told: Uint8Array, count: number, events: Uint8Array): number {
    const from = new DataView(told.buffer);
    const to = new DataView(events.buffer, events.byteOffset);
    let delivered = 0;
    for (let i = 0; i < count; i++) {
      const fd = from.getInt32(i * EVENT + 4, true);
      const watch = this.#watches.get(fd);
      if (watch === undefined) continue;
      to.setBigUint64(delivered * KEVENT, watch.ident, true);
      to.setInt16(delivered * KEVENT + 8, watch.filter, true);
      delivered++;
      if (watch.filter !== EVFILT_USER) this.#forget(fd);
      else real.read(fd, new Uint8Array(8), 8n);
    }
    return delivered;
  }
}

// pipe_kqfilter() of xnu.
function hasNoReader(fd: number): boolean {
  const set = new Int16Array([fd, 0, POLLOUT, 0]);
  real.poll(new Uint8Array(set.buffer), 1n, 0);
  return ((set[3] as number) & POLLERR) !== 0;
}

let queue: Kqueue | null = null;

/** `kqueue`. */
export function kqueue(): number {
  if (queue !== null) throw new Error("kqueue: one is enough for an isolate");
  queue = new Kqueue();
  return queue.fd;
}

/** `kevent`: a change, or a look that does not wait. */
export function kevent(
  _kq: number,
  changes: Uint8Array | null,
  count: number,
  events: Uint8Array | null,
  room: number,
): number {
  const kq = queue as Kqueue;
  if (count > 0) return kq.change(changes as Uint8Array);
  const told = new Uint8Array(EVENT * room);
  const n = real.epoll_wait(kq.fd, told, room, 0);
  return n <= 0 ? n : kq.deliver(told, n, events as Uint8Array);
}

/** `kevent` on a thread: waits without limit. */
export async function keventAsync(
  _kq: number,
  _changes: null,
  _count: number,
  events: Uint8Array,
  room: number,
): Promise<number> {
  const kq = queue as Kqueue;
  const told = new Uint8Array(EVENT * room);
  const n = await real.epoll_wait_async(kq.fd, told, room, -1);
  return n <= 0 ? n : kq.deliver(told, n, events);
}
