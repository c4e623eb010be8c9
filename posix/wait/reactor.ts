/**
 * One reactor per isolate: it waits for the descriptors and children of all runs,
 * without a thread per child.
 *
 * Exits of our own children are announced by SIGCHLD, which Deno delivers
 * without a thread and without holding the event loop. Then a few children are asked
 * one by one, and of many only those that have exited ({@linkcode Children}; on
 * macOS the poller names them). Only for a pipe, or for a process that is not our child, one
 * call waits on one thread of the pool (32 threads, shared with Deno's async file
 * I/O) for all of them together.
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";
import { DARWIN, libc } from "../system/libc.ts";
import {
  type Interest,
  MAX_EVENTS,
  openPoller,
  type Poller,
  watchKey,
} from "./poller.ts";

/** The needs of a watch: they decide on timers and threads until the event comes. */
export interface WatchNeeds {
  /** SIGCHLD does not announce it, so a thread must wait. */
  thread: boolean;
  /** The watch holds the event loop. */
  ref: boolean;
  /** The event may be noticed a little late: no thread is used for the first moments. */
  patient: boolean;
}

/** One pending wait. */
export interface Watch extends WatchNeeds {
  readonly id: number;
  readonly interest: Interest;
  readonly fired: () => void;
  /** The number of ticks that a patient watch has waited. */
  ticks: number;
}

// SIGCHLD may be lost to a host that replaces the handler from native code; the
// poller is asked at this interval even so. One wake-up in two seconds for all children.
const BACKSTOP_MS = 2000;
// Patient watches are looked at after 1, 2, 4 and 8 ticks, then a thread waits for
// them: a short command has ended by then, and a busy one soon writes more than
// such looks can read.
const TICK_MS = 3;
const PATIENT_TICKS = 16;
// The interval for unref'd pipes: a pending call would hold the process.
const UNREF_POLL_MS = 20;
// The interval for descriptors that the kernel has no room to watch.
const REFUSED_MS = 10;

class Reactor {
  readonly #poller: Poller = openPoller();
  readonly #watches = new Map<number, Watch>();
  // Patient watches, which the poller does not have yet.
  readonly #deferred = new Map<number, Watch>();
  // Watches that the poller has no room for, each with the timer of its next look.
  readonly #refused = new Map<number, Timer>();
  // Descriptors that the poller has, disarmed once they have fired.
  readonly #known = new Set<number>();
  #threadRef = 0;
  #threadUnref = 0;
  #childRef = 0;
  #waiting = false;
  // Whether the pool has our call: not in the moments between two calls.
  #calling = false;
  #backstop: Timer | undefined;
  #patience: Timer | undefined;
  #unrefPoll: Timer | undefined;
  #armQueued = false;
  #closing = false;
  readonly #onChild = (): void => this.#glance();
  readonly #onBackstop = (): void => {
    this.#children.askSome();
    this.poll();
  };
  // Children that are asked one by one: few of them, or those that may be stopped.
  readonly #polled = new Map<() => void, boolean>();
  readonly #children = new Children();
  // Called when the pending call has come back.
  #settling: (() => void)[] = [];

  /** The number of children that are asked one by one. */
  get polledCount(): number {
    return this.#polled.size;
  }

  /**
   * Resolves when a pool call that nothing needs any more has come back; `null` when
   * no such call is pending. An operation that outlives its cause is a leak to Deno's
   * test sanitizer.
   */
  settled(): Promise<void> | null {
    if (!this.#calling || this.#threadRef > 0) return null;
    return new Promise((resolve) => {
      this.#settling[this.#settling.length] = resolve;
    });
  }

  /** Calls `watch.fired` once, when the event has come. False: it is already over. */
  add(watch: Watch): boolean {
    const key = watchKey(watch.id, watch.interest);
    if (watch.patient && watch.ref && watch.ticks < PATIENT_TICKS) {
      this.#deferred.set(key, watch);
      this.#startPatience();
      return true;
    }
    if (this.#known.has(key)) {
      this.#poller.rearm(watch.id, watch.interest);
    } else {
      const added = this.#tryAdd(watch);
      if (!added && watch.interest === "exit") return false;
      if (added !== true) {
        this.#fireLater(watch, key);
        return true;
      }
      this.#known.add(key);
    }
    this.#watches.set(key, watch);
    this.#count(watch, 1);
    this.#adjust();
    return true;
  }

  // epoll_ctl(2): ENOSPC beyond the user's max_user_watches, ENOMEM.
  #tryAdd(watch: Watch): boolean | "refused" {
    try {
      return this.#poller.add(watch.id, watch.interest);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "ENOSPC" && code !== "ENOMEM") throw error;
      return "refused";
    }
  }

  // A watch that fires too early is harmless: its owner looks, and waits again.
  #fireLater(watch: Watch, key: number): void {
    const timer = new Timer(REFUSED_MS, () => {
      this.#refused.delete(key);
      watch.fired();
    });
    timer.hold(watch.ref);
    this.#refused.set(key, timer);
  }

  /** Changes what a pending watch needs; a deferred one comes with the next tick. */
  change(watch: Watch, needs: WatchNeeds): void {
    const pending =
      this.#watches.get(watchKey(watch.id, watch.interest)) === watch;
    if (pending) this.#count(watch, -1);
    watch.thread = needs.thread;
    watch.ref = needs.ref;
    watch.patient = needs.patient;
    if (pending) {
      this.#count(watch, 1);
      this.#adjust();
    }
  }

  /** Forgets a watch before its descriptor is closed. */
  remove(id: number, interest: Interest): void {
    const key = watchKey(id, interest);
    if (this.#deferred.delete(key)) this.#endPatience();
    this.#refused.get(key)?.clear();
    this.#refused.delete(key);
    const watch = this.#watches.get(key);
    if (watch !== undefined) {
      this.#watches.delete(key);
      this.#count(watch, -1);
    }
    if (this.#known.delete(key)) this.#poller.remove(id, interest);
    this.#adjust();
  }

  /** Calls `look` whenever a child may have ended, until {@linkcode Reactor.removePolled}. */
  addPolled(look: () => void, ref: boolean): void {
    const before = this.#polled.get(look);
    if (before === true) this.#childRef--;
    this.#polled.set(look, ref);
    if (ref) this.#childRef++;
    this.#adjust();
  }

  /** Ends what {@linkcode Reactor.addPolled} began. */
  removePolled(look: () => void): void {
    if (this.#polled.get(look) === true) this.#childRef--;
    this.#polled.delete(look);
    this.#adjust();
  }

  /** Calls `look` when the child has exited, until {@linkcode Reactor.removeChild}. */
  addChild(pid: number, look: () => void, ref: boolean): void {
    this.#children.add(pid, look, ref);
    this.#adjust();
  }

  /** Ends what {@linkcode Reactor.addChild} began. */
  removeChild(pid: number): void {
    this.#children.remove(pid);
    this.#adjust();
  }

  /** Looks once, without waiting, and delivers the events. */
  poll(): void {
    // One signal may stand for any number of exits, and a full answer for more.
    const watched = this.#watches.size > 0;
    for (let more = watched; more;) {
      const count = this.#poller.poll();
      this.#deliver(count, false);
      more = count >= MAX_EVENTS;
    }
    this.#askPolled();
    if (watched) this.#adjust();
  }

  #askPolled(): void {
    this.#polled.forEach((_ref, look) => look());
    this.#children.look();
  }

  // A pending wait is ended by the same events: they are left to it.
  #glance(): void {
    if (!this.#waiting) this.poll();
    else this.#askPolled();
  }

  #count(watch: Watch, by: number): void {
    if (!watch.thread) {
      if (watch.ref) this.#childRef += by;
    } else if (!watch.ref) this.#threadUnref += by;
    else this.#threadRef += by;
  }

  #deliver(count: number, waited: boolean): void {
    for (let i = 0; i < count; i++) {
      const key = this.#poller.ready(i, waited);
      const watch = this.#watches.get(key);
      if (watch === undefined) continue;
      this.#watches.delete(key);
      // On macOS a one-shot event is deleted, not disarmed.
      if (DARWIN) this.#known.delete(key);
      this.#count(watch, -1);
      watch.fired();
    }
  }

  // Starts and ends the means that the pending watches need, and no others.
  #adjust(): void {
    this.#adjustBackstop();
    if (this.#threadRef > 0) this.#queueArm();
    if (this.#waiting && this.#threadRef === 0) {
      this.#poller.wake();
    }
    this.#adjustUnrefPoll();
  }

  #isNeeded(): boolean {
    return this.#watches.size + this.#polled.size + this.#children.count > 0;
  }

  #adjustBackstop(): void {
    const needed = this.#isNeeded();
    if (needed && this.#backstop === undefined) {
      Deno.addSignalListener("SIGCHLD", this.#onChild);
      this.#backstop = new Timer(BACKSTOP_MS, this.#onBackstop, true);
      // The child may have ended before the listener was there.
      queueMicrotask(this.#onChild);
    } else if (!needed && this.#backstop !== undefined && !this.#closing) {
      this.#closing = true;
      this.#settle();
    }
    if (this.#backstop === undefined || this.#closing && !needed) return;
    // The timer is also what holds the event loop while a ref'd child lives.
    this.#backstop.hold(
      this.#childRef + this.#children.refs + this.#threadRef > 0,
    );
  }

  // Listener and timer cost 35 µs to set up. A caller that starts the next command
  // as soon as the last has ended does so a few microtasks from now, and finds
  // them still there; they are gone before the event loop turns. (An await of no
  // promise costs a tenth of queueMicrotask(), and calls no `then`.)
  async #settle(): Promise<void> {
    for (let hop = 0; hop < WAITER_HOPS; hop++) await null;
    this.#closing = false;
    if (this.#isNeeded() || this.#backstop === undefined) return;
    Deno.removeSignalListener("SIGCHLD", this.#onChild);
    this.#backstop.clear();
    this.#backstop = undefined;
  }

  #adjustUnrefPoll(): void {
    const needed = this.#threadUnref > 0 && !this.#waiting;
    if (needed && this.#unrefPoll === undefined) {
      this.#unrefPoll = new Timer(UNREF_POLL_MS, this.#onChild, true);
      this.#unrefPoll.hold(false);
    } else if (!needed && this.#unrefPoll !== undefined) {
      this.#unrefPoll.clear();
      this.#unrefPoll = undefined;
    }
  }

  // A short command has ended before this timer, and its pipes were never watched.
  // With many at a time, a thread that is woken for each of their pipes takes the
  // time that they need.
  #startPatience(): void {
    this.#patience ??= new Timer(TICK_MS, () => {
      this.#patience = undefined;
      const due: Watch[] = [];
      this.#deferred.forEach((watch, key) => {
        // At powers of two.
        if ((++watch.ticks & (watch.ticks - 1)) !== 0 && watch.ref) return;
        this.#deferred.delete(key);
        due[due.length] = watch;
      });
      // Each owner looks, and adds its watch again if there is nothing.
      for (let i = 0; i < due.length; i++) (due[i] as Watch).fired();
      if (this.#deferred.size > 0) this.#startPatience();
    });
  }

  #endPatience(): void {
    if (this.#deferred.size > 0) return;
    this.#patience?.clear();
    this.#patience = undefined;
  }

  #queueArm(): void {
    if (this.#waiting || this.#armQueued) return;
    this.#armQueued = true;
    // At the end of this turn, so that all watches of the turn share one call.
    queueMicrotask(() => {
      this.#armQueued = false;
      if (!this.#waiting && this.#threadRef > 0) {
        this.#run();
      }
    });
  }

  async #run(): Promise<void> {
    this.#waiting = true;
    this.#adjustUnrefPoll();
    while (this.#threadRef > 0) {
      this.#calling = true;
      const count = await this.#poller.wait();
      this.#callIsBack();
      this.#deliver(count, true);
      // The end of a child closes its pipes first.
      this.#askPolled();
    }
    this.#waiting = false;
    // What SIGCHLD announced meanwhile.
    this.poll();
    this.#adjust();
  }

  #callIsBack(): void {
    this.#calling = false;
    const settling = this.#settling;
    if (settling.length === 0) return;
    this.#settling = [];
    for (let i = 0; i < settling.length; i++) (settling[i] as () => void)();
  }
}

let instance: Reactor | null = null;

/** The reactor of this isolate. */
export function reactor(): Reactor {
  instance ??= new Reactor();
  return instance;
}

export type { Reactor };

/** Microtasks from an exit until the code that waited for it has run on. */
export const WAITER_HOPS = 24;

// How many are asked one by one at each turn of the backstop: few, so that a process
// that waits does not wake the threads of its compiler.
const SLICE = 32;

/** One of them. */
interface Child {
  /** Asks the kernel about it, and takes it out when it has exited. */
  readonly look: () => void;
  /** Whether it holds the event loop. */
  readonly ref: boolean;
}

/** Children by their numbers. */
export class Children {
  readonly #children = new Map<number, Child>();
  // Where the next slice begins.
  #slice: Iterator<Child> | null = null;
  #refs = 0;
  #newest = 0;

  /** How many there are. */
  get count(): number {
    return this.#children.size;
  }

  /** How many of them hold the event loop. */
  get refs(): number {
    return this.#refs;
  }

  /**
   * Adds one, or changes whether it holds the event loop.
   *
   * @param pid The child, not yet reaped.
   * @param look Asks the kernel about it, and takes it out when it has exited.
   * @param ref Whether it holds the event loop.
   */
  add(pid: number, look: () => void, ref: boolean): void {
    this.remove(pid);
    this.#children.set(pid, { look, ref });
    if (ref) this.#refs++;
    this.#newest = pid;
  }

  /** Forgets one. */
  remove(pid: number): void {
    if (this.#children.get(pid)?.ref) this.#refs--;
    this.#children.delete(pid);
  }

  /**
   * Looks at the children that have exited, and first at the newest: a short
   * command. If it has exited, the code that waits for it runs before the others
   * are looked at, since it may start the next command: to see that none of 5,000
   * children has exited takes the kernel 160 µs.
   */
  look(): void {
    this.#children.get(this.#newest)?.look();
    if (this.#children.has(this.#newest)) this.#lookAtAll();
    else if (this.#children.size > 0) this.#lookLater();
  }

  async #lookLater(): Promise<void> {
    for (let hop = 0; hop < WAITER_HOPS; hop++) await null;
    this.#lookAtAll();
  }

  #lookAtAll(): void {
    let last = 0;
    while (this.#children.size > 0) {
      const pid = exitedChild();
      if (pid === 0 || pid === last) return;
      last = pid;
      const child = this.#children.get(pid);
      // A child of other code, or one of ours whose tree is being swept. It hides
      // the other children that have exited.
      if (child === undefined) return this.#askEach();
      child.look();
    }
  }

  #askEach(): void {
    this.#children.forEach((child) => child.look());
  }

  /**
   * Asks some one by one, and others the next time: nothing announces a child that
   * other code has reaped.
   */
  askSome(): void {
    for (let i = 0; i < SLICE; i++) {
      this.#slice ??= this.#children.values();
      const { done, value } = this.#slice.next();
      if (done) {
        this.#slice = null;
        return;
      }
      value.look();
    }
  }
}

// The process id of a child that has exited, or 0.
function exitedChild(): number {
  const failed = waitid(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT) !== 0;
  return failed ? 0 : siginfoPid();
}

// waitid(2): its constants (<sys/wait.h>) and its result (siginfo_t, <signal.h>).

export const P_ALL = 0;
export const P_PID = 1;
export const WNOHANG = 1;
export const WSTOPPED: number = DARWIN ? 8 : 2;
export const WEXITED = 4;
export const WCONTINUED: number = DARWIN ? 0x10 : 8;
export const WNOWAIT: number = DARWIN ? 0x20 : 0x0100_0000;
export const CLD_STOPPED = 5;

// siginfo_t: si_code 8 on both; si_pid 16, si_status 24 on Linux (64 bit);
// si_pid 12, si_status 20 on macOS. 128 bytes hold either.
const siginfo = new Int32Array(32);

const siginfoBytes = new Uint8Array(siginfo.buffer);
const SI_CODE = 2;
const SI_PID = DARWIN ? 3 : 4;
const SI_STATUS = DARWIN ? 5 : 6;

/**
 * Calls waitid(2); the `siginfo…` functions read its result.
 *
 * @param type `P_PID` or `P_ALL`.
 * @param id The child, for `P_PID`.
 * @param options The events to look for. With `WNOHANG`, {@linkcode siginfoPid} is 0
 * when there is none.
 * @returns 0, or -1 with errno set.
 */
export function waitid(type: number, id: number, options: number): number {
  siginfo[SI_PID] = 0;
  return libc().waitid(type, id, siginfoBytes, options);
}

/** The process that the last result is about; 0 when there was none. */
export function siginfoPid(): number {
  return siginfo[SI_PID] as number;
}

/** The event: `CLD_EXITED` and so on. */
export function siginfoCode(): number {
  return siginfo[SI_CODE] as number;
}

/** The exit status, or the number of the signal. */
export function siginfoStatus(): number {
  return siginfo[SI_STATUS] as number;
}
