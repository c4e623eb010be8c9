/** The restarts of a program, on a clock that the test sets. */

import { assertEquals } from "@std/assert";
import {
  RESTART_DEFAULTS,
  type RestartPolicy,
  RestartState,
} from "../../../../process/job/restart.ts";

function policy(changes: Partial<RestartPolicy>): RestartPolicy {
  return { ...RESTART_DEFAULTS, jitter: 0, mode: "always", ...changes };
}

/** The delays of ends at these times, `null` where nothing is started again. */
function delays(
  state: RestartState,
  runs: readonly (readonly [start: number, end: number])[],
  success = false,
): (number | null)[] {
  return runs.map(([start, end]) => {
    state.started(start);
    const decision = state.ended(end, success);
    return decision.restart ? decision.delay : null;
  });
}

Deno.test("the mode decides: never, after a failure, always", () => {
  for (
    const [mode, success, expected] of [
      ["never", false, null],
      ["never", true, null],
      ["on-failure", false, 250],
      ["on-failure", true, null],
      ["always", true, 250],
      ["always", false, 250],
    ] as const
  ) {
    const state = new RestartState(policy({ mode }));
    assertEquals(delays(state, [[0, 1]], success), [expected], mode);
    assertEquals(state.count, expected === null ? 0 : 1);
  }
});

Deno.test("the delay doubles up to its maximum", () => {
  const state = new RestartState(policy({ delay: 100, maxDelay: 500 }));
  const runs = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]] as const;
  assertEquals(delays(state, runs), [100, 200, 400, 500, 500]);
});

Deno.test("a delay stays finite after very many restarts", () => {
  const state = new RestartState(policy({ limit: Infinity, maxDelay: 500 }));
  for (let i = 0; i < 5000; i++) state.ended(i, false);
  assertEquals(delays(state, [[5000, 5001]]), [500]);
});

Deno.test("a run that lasted begins the delays anew", () => {
  const state = new RestartState(policy({ delay: 100, resetAfter: 1000 }));
  const runs = [[0, 10], [20, 30], [40, 1039], [1100, 2100], [2200, 2201]];
  assertEquals(
    delays(state, runs as [number, number][]),
    [100, 200, 400, 100, 200],
  );
});

Deno.test("a part of the delay is random, and never more than it", () => {
  const numbers = [0, 0.5, 0.999];
  const state = new RestartState(
    policy({ delay: 100, maxDelay: 100, jitter: 0.5 }),
    () => numbers.shift()!,
  );
  assertEquals(
    delays(state, [[0, 1], [2, 3], [4, 5]]).map((one) => Math.round(one!)),
    [100, 75, 50],
  );
});

Deno.test("too many restarts within the window are the last ones", () => {
  const state = new RestartState(policy({ limit: 2, window: 1000, delay: 1 }));
  assertEquals(
    delays(state, [[0, 1], [100, 101], [200, 201]]),
    [1, 2, null],
  );
  assertEquals(state.ended(202, false), { restart: false, because: "limit" });
  // The first one has left the window: 1001 - 1 is not less than 1000.
  assertEquals(delays(state, [[1000, 1001]]), [4]);
  assertEquals(state.count, 3);
});
