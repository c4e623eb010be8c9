import { assertEquals } from "@std/assert";
import { Timer } from "../../../backend/timer.ts";

interface Pending {
  readonly id: number;
  readonly ms: number;
  readonly fire: () => void;
}

// The first moments of this isolate are over when a clock is turned.
const LATER = 1e9;
new Timer(0, () => {}).clear();

/** A clock that is turned by hand. Dispose it to get the real one back. */
class Clock implements Disposable {
  now: number;
  pending: Pending[] = [];
  readonly signals: { due: number; fire: () => void }[] = [];
  readonly refs = new Map<number, boolean>();
  readonly #real = {
    setTimeout,
    clearTimeout,
    setInterval,
    timeout: AbortSignal.timeout,
    now: performance.now,
    ref: Deno.refTimer,
    unref: Deno.unrefTimer,
  };
  #ids = 0;

  constructor(now = LATER) {
    this.now = now;
    Object.assign(globalThis, {
      setTimeout: (fire: () => void, ms: number): number => {
        const id = ++this.#ids;
        this.pending.push({ id, ms, fire });
        return id;
      },
      setInterval: (fire: () => void, ms: number): number => {
        const id = ++this.#ids;
        const again = () => {
          this.pending.push({ id, ms, fire: again });
          fire();
        };
        this.pending.push({ id, ms, fire: again });
        return id;
      },
      clearTimeout: (id: number): void => {
        this.pending = this.pending.filter((one) => one.id !== id);
      },
    });
    performance.now = () => this.now;
    AbortSignal.timeout = (ms) => {
      const signal = new EventTarget() as AbortSignal;
      this.signals.push({
        due: this.now + ms,
        fire: () => void signal.dispatchEvent(new Event("abort")),
      });
      return signal;
    };
    Deno.refTimer = (id) => void this.refs.set(id as number, true);
    Deno.unrefTimer = (id) => void this.refs.set(id as number, false);
  }

  /** Lets the only pending timeout fire, when its time has come. */
  fire(): void {
    const [timeout] = this.pending.splice(0, 1);
    this.now += timeout!.ms;
    timeout!.fire();
  }

  /** Lets the time pass, and the signals of the first moments fire. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const [next] = this.signals.toSorted((a, b) => a.due - b.due);
      if (next === undefined || next.due > end) break;
      this.signals.splice(this.signals.indexOf(next), 1);
      this.now = Math.max(this.now, next.due);
      next.fire();
    }
    this.now = end;
  }

  [Symbol.dispose](): void {
    const { setTimeout, setInterval, clearTimeout, now, ref, unref } =
      this.#real;
    Object.assign(globalThis, { setTimeout, setInterval, clearTimeout });
    AbortSignal.timeout = this.#real.timeout;
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
  assertEquals([fired, clock.now], [1, LATER + ms]);
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

let instances = 0;

/** The module of an isolate that has had no timer yet. */
async function inNewIsolate(): Promise<typeof Timer> {
  const url = import.meta.resolve("../../../backend/timer.ts");
  return (await import(`${url}?${++instances}`)).Timer;
}

Deno.test("in the first moments, timers fire in their order without setTimeout", async () => {
  const New = await inNewIsolate();
  using clock = new Clock(0);
  const fired: [string, number][] = [];
  const fire = (name: string) => () => fired.push([name, clock.now]);
  new New(40, fire("forty"));
  new New(3, fire("three"));
  new New(3, fire("cleared")).clear();
  clock.pass(3);
  new New(3, fire("six"));
  clock.pass(96);
  assertEquals(fired, [["three", 3], ["six", 6], ["forty", 40]]);
  assertEquals(clock.pending, []);
});

Deno.test("what is pending after the first moments becomes a timer of the runtime's", async () => {
  const New = await inNewIsolate();
  using clock = new Clock(0);
  let fired = 0;
  new New(1000, () => fired++);
  const quiet = new New(2000, () => fired++);
  quiet.hold(false);
  new New(3000, () => fired++).clear();
  clock.pass(100);
  assertEquals(clock.pending.map((one) => one.ms), [900, 1900]);
  assertEquals(clock.pending.map((one) => clock.refs.get(one.id)), [
    undefined,
    false,
  ]);
  clock.fire();
  assertEquals(fired, 1);
  new New(5, () => {});
  assertEquals(clock.pending.map((one) => one.ms), [1900, 5]);
});

Deno.test("a timer that repeats does so from the first moments on", async () => {
  const New = await inNewIsolate();
  using clock = new Clock(0);
  let fired = 0;
  const timer = new New(20, () => fired++, true);
  clock.pass(20);
  assertEquals([fired, clock.pending.length], [1, 1]);
  clock.fire();
  clock.fire();
  assertEquals(fired, 3);
  timer.clear();
  assertEquals(clock.pending, []);
});

Deno.test("a timer that fires may clear another one that is due", async () => {
  const New = await inNewIsolate();
  using clock = new Clock(0);
  let fired = 0;
  new New(5, () => other.clear());
  const other = new New(5, () => fired++);
  clock.pass(50);
  assertEquals(fired, 0);
});
