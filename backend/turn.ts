/**
 * For how long this isolate has kept its event loop from turning. What a child writes
 * can be there faster than it is read, for as long as it likes; a reader that never
 * waits would keep every timer, signal and other child waiting meanwhile. So whoever
 * reads on without waiting asks here first, whatever the size of what it reads: the
 * time that a caller spends on each piece counts, too.
 *
 * @module
 */

/** For so long, in milliseconds; a deadline may be late by little more. */
const BUDGET_MS = 8;

let began = -Infinity;

/** Says that the event loop has just turned: called by what it has woken. */
export function turnBegan(): void {
  began = performance.now();
}

/**
 * Whether it is time to let the event loop turn.
 *
 * @returns Also true when nothing has said for long that it has turned.
 */
export function turnIsSpent(): boolean {
  return performance.now() - began > BUDGET_MS;
}
