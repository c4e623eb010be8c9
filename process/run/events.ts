/**
 * What happens to a run, told as it happens: to the hook of the caller, and to
 * OpenTelemetry as a span, where that is on. Where neither is, nothing is made.
 *
 * @module
 */

import { SurvivorsError } from "../../backend/errors.ts";
import type { LimitName } from "../../backend/usage.ts";
import type { ExitStatus, Survivor } from "../../backend/native.ts";

/**
 * What all events have in common.
 *
 * @category Events
 */
export interface ProcessEventBase {
  /** The program; of an event of a whole job, all of its programs. */
  readonly command: string;
  /** The process id of the main process; `null` for an event of a whole job. */
  readonly pid: number | null;
  /** When it happened, in milliseconds since the epoch. */
  readonly time: number;
}

/**
 * What happened, without the process that it happened to:
 *
 * - `spawned`: it runs.
 * - `ready`: a {@linkcode ChildProcess.ready} has found it ready.
 * - `soft-signal`: a stop has sent its soft signal to so many processes; once more for
 *   those that have come since, or, with `mainFirst`, were left.
 * - `escalated`: a stop has begun to end so many processes hard.
 * - `limit`: a limit was passed.
 * - `exited`: the main process has ended.
 * - `tree-empty`: nothing of the tree is left, as far as that was asked for.
 * - `survivors`: a stop could not end these.
 *
 * @category Events
 */
export type ProcessEventDetails =
  | { readonly type: "spawned" }
  | { readonly type: "ready" }
  | {
    readonly type: "soft-signal";
    readonly signal: string;
    readonly count: number;
  }
  | { readonly type: "escalated"; readonly count: number }
  | { readonly type: "limit"; readonly limit: LimitName }
  | {
    readonly type: "exited";
    readonly code: number;
    readonly signal: Deno.Signal | null;
  }
  | { readonly type: "tree-empty" }
  | {
    readonly type: "survivors";
    readonly survivors: readonly Survivor[];
  };

/**
 * Something that happened to a process: see {@linkcode ProcessEventDetails}.
 *
 * @category Events
 */
export type ProcessEvent = ProcessEventBase & ProcessEventDetails;

/**
 * Takes events: called synchronously, in the order in which things happen.
 *
 * @category Events
 */
export type ProcessEventHook = (event: ProcessEvent) => void;

/** The part of a tracer that is used: see the API of OpenTelemetry. */
interface Span {
  setAttribute(name: string, value: string | number): void;
  setStatus(status: { code: number; message?: string }): void;
  addEvent(
    name: string,
    attributes: Record<string, string | number>,
    time: number,
  ): void;
  end(): void;
}

interface Tracer {
  startSpan(
    name: string,
    options: { kind: number; attributes: Record<string, string | number> },
  ): Span;
}

// The global under which the API of OpenTelemetry registers its providers. Deno does it
// with OTEL_DENO=true; without that, and without a program's own, there is none.
const API = Symbol.for("opentelemetry.js.api.1");
const TRACER = "@killable/process";
const KIND_INTERNAL = 0;
const STATUS_ERROR = 2;

function tracer(): Tracer | null {
  const api = (globalThis as Record<symbol, unknown>)[API] as {
    trace?: { getTracer?(name: string): Tracer };
  } | undefined;
  return api?.trace?.getTracer?.(TRACER) ?? null;
}

/** The receivers of the events of one run, or of a job. */
export class Events {
  readonly #hook: ProcessEventHook | null;
  readonly #command: string;
  readonly #pid: number | null;
  #span: Span | null = null;
  readonly #once = new Set<string>();

  private constructor(
    hook: ProcessEventHook | null,
    command: string,
    pid: number | null,
  ) {
    this.#hook = hook;
    this.#command = command;
    this.#pid = pid;
  }

  /**
   * The events of a run that has just begun.
   *
   * @param hook The caller's, or `null`.
   * @param command The program.
   * @param pid The main process.
   * @returns `null` where nobody wants to know.
   */
  static ofRun(
    hook: ProcessEventHook | null,
    command: string,
    pid: number,
  ): Events | null {
    const found = tracer();
    if (hook === null && found === null) return null;
    const events = new Events(hook, command, pid);
    if (found !== null) events.#begin(found, pid);
    events.tell({ type: "spawned" });
    return events;
  }

  /**
   * The events of a whole job.
   *
   * @param hook The caller's, or `null`.
   * @param command The programs.
   * @returns `null` where nobody wants to know.
   */
  static ofJob(hook: ProcessEventHook | null, command: string): Events | null {
    return hook === null ? null : new Events(hook, command, null);
  }

  // Telemetry never disturbs what it tells of.
  #begin(found: Tracer, pid: number): void {
    const name = this.#command.replace(/^.*[\\/]/, "") || this.#command;
    try {
      this.#span = found.startSpan(name, {
        kind: KIND_INTERNAL,
        // Arguments may hold secrets: they stay here.
        attributes: { "process.pid": pid, "process.executable.name": name },
      });
    } catch {
      this.#span = null;
    }
  }

  /** Something has happened. */
  tell(details: ProcessEventDetails): void {
    const { type } = details;
    // Both may be found out more than once.
    if (type === "tree-empty" || type === "limit") {
      if (this.#once.has(type)) return;
      this.#once.add(type);
    }
    const time = Date.now();
    if (this.#span !== null) {
      try {
        trace(this.#span, details, time);
      } catch {
        this.#span = null;
      }
    }
    if (this.#hook === null) return;
    try {
      this.#hook({
        ...details,
        command: this.#command,
        pid: this.#pid,
        time,
      });
    } catch (error) {
      // A mistake of the hook is no reason to leave a process alive: it is reported as
      // one of an event listener is.
      reportError(error);
    }
  }

  /**
   * The main process has ended, and what has been swept is gone: the span is over.
   *
   * @param exit How it ended.
   * @param limit The limit that it ended for, or `null`.
   * @param empty Whether nothing of the tree is left.
   */
  finished(exit: ExitStatus, limit: LimitName | null, empty: boolean): void {
    const { code, signal } = exit;
    // One that the kernel holds shows at the end alone.
    if (limit !== null) this.tell({ type: "limit", limit });
    this.tell({ type: "exited", code, signal });
    if (empty) this.tell({ type: "tree-empty" });
    const span = this.#span;
    this.#span = null;
    try {
      span?.end();
    } catch {
      // See #begin().
    }
  }

  /** A stop has failed. */
  failed(error: unknown): void {
    if (!(error instanceof SurvivorsError)) return;
    this.tell({ type: "survivors", survivors: error.survivors });
  }
}

function trace(span: Span, details: ProcessEventDetails, time: number): void {
  const attributes: Record<string, string | number> = {};
  const { type } = details;
  if (type === "soft-signal") attributes["process.signal"] = details.signal;
  if (type === "soft-signal" || type === "escalated") {
    attributes["process.count"] = details.count;
  }
  if (type === "limit") attributes["process.limit"] = details.limit;
  if (type === "survivors") {
    attributes["process.count"] = details.survivors.length;
  }
  span.addEvent(type, attributes, time);
  if (type === "exited") {
    const { code, signal } = details;
    span.setAttribute("process.exit.code", code);
    if (signal !== null) span.setAttribute("process.exit.signal", signal);
    if (code !== 0) {
      const message = signal === null ? `exit code ${code}` : signal;
      span.setStatus({ code: STATUS_ERROR, message });
    }
  }
}
