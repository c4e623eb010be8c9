/**
 * Whether what came of an injection is right.
 *
 * @module
 */

import { ERRNO } from "./names.ts";
import type { Outcome } from "./outcome.ts";
import type { Injection } from "./symbols.ts";

/** A finding, or what kind of right. */
export interface Verdict {
  readonly finding: string | null;
  readonly kind: "fallback" | "named" | "reported" | "missed";
}

// Errors that say by themselves what could not be done.
const SPEAKING = /^(SurvivorsError|NotSupported|RangeError): /;

function wrong(finding: string): Verdict {
  return { finding, kind: "missed" };
}

// Other code took the status: that is what `lost` is for.
function mayBeLost({ call, errno }: Injection): boolean {
  return errno === ERRNO.ECHILD && call === "wait4";
}

// A child that takes no more input has a right to that: no error, as in Deno.
function isDeaf({ call, errno }: Injection): boolean {
  return errno === ERRNO.EPIPE && call === "write";
}

/** Judges. */
export function judge(injection: Injection, outcome: Outcome): Verdict {
  if (outcome.kind === "hang") return wrong(`hang ${outcome.error}`);
  if (outcome.leaked.length > 0) {
    return wrong(`leaked ${outcome.leaked.join("; ")} (${outcome.error})`);
  }
  const speaking = SPEAKING.test(outcome.error);
  if (outcome.left.length > 0 && !speaking) {
    return wrong(`left ${outcome.left.join("; ")} (${outcome.error})`);
  }
  if (outcome.kind === "error") {
    if (outcome.call !== "") return { finding: null, kind: "named" };
    return speaking
      ? { finding: null, kind: "reported" }
      : wrong(`the error names no call: ${outcome.error}`);
  }
  if (outcome.hits === 0) return { finding: null, kind: "missed" };
  if (outcome.result === outcome.expected) {
    return { finding: null, kind: "fallback" };
  }
  if (mayBeLost(injection) || isDeaf(injection)) {
    return { finding: null, kind: "reported" };
  }
  return wrong(`returned ${outcome.result}, not ${outcome.expected}`);
}
