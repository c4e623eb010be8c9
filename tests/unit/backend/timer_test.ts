import { assertEquals } from "@std/assert";
import { Timer } from "../../../backend/timer.ts";

interface Pending {
  readonly id: number;
  readonly ms: number;
  readonly fire: () => void;
}

/** A clock that is turned by hand. Dispose it to get the real one back. */
class Clock implements Disposable {
  now = 0;
  pending: Pending[] = [];
  readonly refs = new Map<number, boolean>();
  readonly #real = {
    setTimeout,
    clearTimeout,
    now: performance.now,
    ref: Deno.refTimer,
    unref: Deno.unrefTimer,
  };
  #ids = 0;

  constructor() {
    Object.assign(globalThis, {
      setTimeout: (fire: () => void, ms: number): number => {
        const id = ++this.#ids;
        this.pending.push({ id, ms, fire });
        return id;
      },
      clearTimeout: (id: number): void => {
        this.pending = this.pending.filter((one) => one.id !== id);
      },
    });
    performance.now = () => this.now;
    Deno.refTimer = (id) => void this.refs.set(id as number, true);
    Deno.unrefTimer = (id) => void this.refs.set(id as number, false);
  }

  /** Lets the only pending timeout fire, when its time has come. */
  fire(): void {
    const [timeout] = this.pending.splice(0, 1);
    this.now += timeout!.ms;
    timeout!.fire();
  }

  [Symbol.dispose](): void {
    const { setTimeout, clearTimeout, now, ref, unref } = this.#real;
    Object.assign(globalThis, { setTimeout, clearTimeout });
    performance.now = now;
    Deno.refTimer = ref;
    Deno.unrefTimer = unref;
  }
}

Deno.test("a timer fires once, after its time", () => {
  using clock = new Clock();
  let fired = 0;
  new Timer(1234, () => fired++);
  assertEquals(clock.pending.map((one) => one.ms), [1234]);
  clock.fire();
  assertEquals([fired, clock.pending.length], [1, 0]);
});

Deno.test("a timer of more than 2^31 ms fires after all of them, in portions", () => {
  using clock = new Clock();
  let fired = 0;
  const ms = 3 * 0x7fff_ffff + 500;
  new Timer(ms, () => fired++);
  for (let portion = 0; portion < 3; portion++) {
    assertEquals(clock.pending[0]!.ms, 0x7fff_ffff);
    clock.fire();
    assertEquals(fired, 0);
  }
  assertEquals(clock.pending[0]!.ms, 500);
  clock.fire();
  assertEquals([fired, clock.now], [1, ms]);
});

Deno.test("a timer of Infinity never starts", () => {
  using clock = new Clock();
  const timer = new Timer(Infinity, () => {});
  timer.hold(false);
  timer.clear();
  assertEquals(clock.pending, []);
});

Deno.test("a cleared timer does not fire; clearing again is fine", () => {
  using clock = new Clock();
  const timer = new Timer(5, () => {});
  timer.clear();
  timer.clear();
  assertEquals(clock.pending, []);
});

Deno.test("an unref'd timer stays so through its portions, until it is ref'd", () => {
  using clock = new Clock();
  const timer = new Timer(2 * 0x7fff_ffff, () => {});
  timer.hold(false);
  assertEquals(clock.refs.get(clock.pending[0]!.id), false);
  clock.fire();
  assertEquals(clock.refs.get(clock.pending[0]!.id), false);
  timer.hold(true);
  assertEquals(clock.refs.get(clock.pending[0]!.id), true);
});
