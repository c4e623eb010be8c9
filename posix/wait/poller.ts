/**
 * Readiness of descriptors: epoll(7) on Linux, kqueue(2) on macOS, behind one
 * small interface. One-shot: a watch is gone after it fired.
 *
 * @module
 */

import { buffer } from "../../ffi/library.ts";
import {
  bindErrno,
  DARWIN,
  errno,
  libc,
  libcDarwin,
  libcLinux,
  libcWait,
} from "../system/libc.ts";
import { atUnload, IN_WORKER, keep, type Kept } from "../system/isolate_end.ts";
import { posixError } from "../system/errno.ts";

/** What to wait for. `exit` is the end of a process: a pidfd on Linux, a pid on macOS. */
export type Interest = "read" | "write" | "exit";

/** A set of watches, and ways to ask which have fired. */
export interface Poller {
  /**
   * Watches `id` (a descriptor; a pid for `exit` on macOS) once. False: it is already
   * over, as a pipe without a reader was (EPIPE, macOS before 10.15).
   */
  add(id: number, interest: Interest): boolean;
  /** Watches again a descriptor that has fired; cheaper than `add`. */
  rearm(id: number, interest: Interest): void;
  /** Stops watching. The descriptor must still be open. */
  remove(id: number, interest: Interest): void;
  /** The number that have fired now; see {@linkcode Poller.ready}. Does not wait. */
  poll(): number;
  /** Waits on a thread of the pool until one fires or {@linkcode Poller.wake} is called. */
  wait(): Promise<number>;
  /** The `index`th that fired, as {@linkcode watchKey} numbers it, in the last `poll` or the last `wait`. */
  ready(index: number, waited: boolean): number;
  /** Ends a pending `wait`. */
  wake(): void;
}

/** The most events that are reported at once. */
export const MAX_EVENTS = 256;
const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 1;
const EPOLLOUT = 4;
const EPOLLONESHOT = 1 << 30;
const EFD_CLOEXEC_NONBLOCK = 0x80000 | 0x800;

// The descriptors of a worker are closed with its thread. Nothing wakes the thread of
// the pool then: it must come back by itself.
const WAIT_MS = IN_WORKER ? 1000 : -1;
const WAKING_MS = 2;

// struct epoll_event (<sys/epoll.h>): packed to 12 bytes on x86-64, events at 0
// and data at 4; 16 bytes with data at 8 elsewhere.
const EVENT_SIZE = Deno.build.arch === "x86_64" ? 12 : 16;
const EVENT_DATA = Deno.build.arch === "x86_64" ? 4 : 8;

class EpollPoller implements Poller {
  readonly #epoll: Kept = { fd: -1 };
  readonly #eventfd: Kept = { fd: -1 };
  #waiting = false;
  readonly #changed = buffer(16);
  readonly #change = new DataView(this.#changed.buffer);
  // Two buffers: a pending wait writes into its own while polls go on.
  readonly #polled = buffer(EVENT_SIZE * MAX_EVENTS);
  readonly #waited = buffer(EVENT_SIZE * MAX_EVENTS);
  readonly #polledView = new DataView(this.#polled.buffer);
  readonly #waitedView = new DataView(this.#waited.buffer);
  readonly #count = buffer(8);
  // Not made of an array: that would go through Array.prototype[Symbol.iterator].
  readonly #one = new Uint8Array(new BigUint64Array(1).fill(1n).buffer);

  constructor() {
    bindErrno();
    this.#open();
    // A thread of the pool that waits for a closed descriptor would wait for ever.
    atUnload(() => {
      if (!this.#waiting) return;
      this.wake();
      libcWait().poll(null, 0n, WAKING_MS);
    });
  }

  // Again after an unload of this isolate after which it goes on.
  #open(): void {
    const c = libcLinux();
    const epoll = c.epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) throw posixError("epoll_create1", errno());
    const event = c.eventfd(0, EFD_CLOEXEC_NONBLOCK);
    if (event < 0) {
      const error = errno();
      libc().close(epoll);
      throw posixError("eventfd", error);
    }
    this.#epoll.fd = epoll;
    this.#eventfd.fd = event;
    keep(this.#epoll);
    keep(this.#eventfd);
    // For good: a wait must not fail for want of kernel memory. Level-triggered:
    // a wake that came before the wait ends it at once.
    this.#control(EPOLL_CTL_ADD, this.#eventfd.fd, EPOLLIN);
  }

  #control(operation: number, id: number, events: number): boolean {
    this.#change.setUint32(0, events, true);
    this.#change.setInt32(EVENT_DATA, id, true);
    const c = libcLinux();
    if (c.epoll_ctl(this.#epoll.fd, operation, id, this.#changed) === 0) {
      return true;
    }
    if (operation === EPOLL_CTL_DEL) return false;
    throw posixError("epoll_ctl", errno());
  }

  add(id: number, interest: Interest): boolean {
    if (this.#epoll.fd < 0) this.#open();
    return this.#control(EPOLL_CTL_ADD, id, eventsOf(interest));
  }

  rearm(id: number, interest: Interest): void {
    this.#control(EPOLL_CTL_MOD, id, eventsOf(interest));
  }

  remove(id: number, _interest: Interest): void {
    this.#control(EPOLL_CTL_DEL, id, 0);
  }

  poll(): number {
    const n = libcLinux().epoll_wait(
      this.#epoll.fd,
      this.#polled,
      MAX_EVENTS,
      0,
    );
    return n < 0 ? 0 : n;
  }

  async wait(): Promise<number> {
    if (this.#epoll.fd < 0) this.#open();
    this.#waiting = true;
    const n = await libcLinux().epoll_wait_async(
      this.#epoll.fd,
      this.#waited,
      MAX_EVENTS,
      WAIT_MS,
    );
    this.#waiting = false;
    libc().read(this.#eventfd.fd, this.#count, 8n);
    // errno of a pool thread cannot be read here; EINTR is the only one expected.
    return n < 0 ? 0 : n;
  }

  ready(index: number, waited: boolean): number {
    const events = waited ? this.#waitedView : this.#polledView;
    return events.getInt32(index * EVENT_SIZE + EVENT_DATA, true);
  }

  wake(): void {
    libc().write(this.#eventfd.fd, this.#one, 8n);
  }
}

function eventsOf(interest: Interest): number {
  return (interest === "write" ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT;
}

// struct kevent (<sys/event.h>, 64 bit): ident 0/8, filter 8/2, flags 10/2,
// fflags 12/4, data 16/8, udata 24/8; 32 bytes.
const KEVENT_SIZE = 32;
const EVFILT_READ = -1;
const EVFILT_WRITE = -2;
const EVFILT_PROC = -5;
const EVFILT_USER = -10;
const EV_ADD = 0x1;
const EV_DELETE = 0x2;
const EV_CLEAR = 0x20;
const EV_ONESHOT = 0x10;
const NOTE_EXIT = 0x80000000;
const NOTE_TRIGGER = 0x01000000;
const WAKE_IDENT = 0x7fffffff;

class KqueuePoller implements Poller {
  readonly #kqueue: number;
  readonly #change = buffer(KEVENT_SIZE);
  readonly #polled = buffer(KEVENT_SIZE * MAX_EVENTS);
  readonly #waited = buffer(KEVENT_SIZE * MAX_EVENTS);
  readonly #polledView = new DataView(this.#polled.buffer);
  readonly #waitedView = new DataView(this.#waited.buffer);
  readonly #now = buffer(16);

  constructor() {
    bindErrno();
    // kqueue(2): the descriptor is not inherited by a child.
    const kq = libcDarwin().kqueue();
    if (kq < 0) throw posixError("kqueue", errno());
    this.#kqueue = kq;
    this.#submit(WAKE_IDENT, EVFILT_USER, EV_ADD | EV_CLEAR, 0);
  }

  #submit(id: number, filter: number, flags: number, fflags: number): number {
    const view = new DataView(this.#change.buffer);
    view.setBigUint64(0, BigInt(id), true);
    view.setInt16(8, filter, true);
    view.setUint16(10, flags, true);
    view.setUint32(12, fflags, true);
    const c = libcDarwin();
    const rc = c.kevent(this.#kqueue, this.#change, 1, null, 0, this.#now);
    return rc === 0 ? 0 : errno();
  }

  add(id: number, interest: Interest): boolean {
    const fflags = interest === "exit" ? NOTE_EXIT : 0;
    // ESRCH: the process ended before it could be watched (libuv process.c).
    return this.#submit(id, filterOf(interest), EV_ADD | EV_ONESHOT, fflags) ===
      0;
  }

  rearm(id: number, interest: Interest): void {
    this.add(id, interest);
  }

  remove(id: number, interest: Interest): void {
    this.#submit(id, filterOf(interest), EV_DELETE, 0);
  }

  poll(): number {
    const n = libcDarwin().kevent(
      this.#kqueue,
      null,
      0,
      this.#polled,
      MAX_EVENTS,
      this.#now,
    );
    return n < 0 ? 0 : n;
  }

  async wait(): Promise<number> {
    const n = await libcDarwin().kevent_async(
      this.#kqueue,
      null,
      0,
      this.#waited,
      MAX_EVENTS,
      null,
    );
    return n < 0 ? 0 : n;
  }

  ready(index: number, waited: boolean): number {
    const events = waited ? this.#waitedView : this.#polledView;
    const ident = Number(events.getBigUint64(index * KEVENT_SIZE, true));
    const filter = events.getInt16(index * KEVENT_SIZE + 8, true);
    return filter === EVFILT_PROC ? -ident : ident;
  }

  wake(): void {
    this.#submit(WAKE_IDENT, EVFILT_USER, 0, NOTE_TRIGGER);
  }
}

function filterOf(interest: Interest): number {
  if (interest === "exit") return EVFILT_PROC;
  return interest === "write" ? EVFILT_WRITE : EVFILT_READ;
}

/** The poller of this operating system. */
export function openPoller(): Poller {
  return DARWIN ? new KqueuePoller() : new EpollPoller();
}

/**
 * The number under which a watch is reported: descriptors as they are, pids
 * negative, since on macOS both are watched by number.
 */
export function watchKey(id: number, interest: Interest): number {
  return DARWIN && interest === "exit" ? -id : id;
}
