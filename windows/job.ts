/**
 * Several children as one tree, on Windows: one outer job object, in which the
 * job of each child is nested.
 *
 * Page: "Nested Jobs".
 *
 * @module
 */

import type {
  HardKill,
  NativeJob,
  SoftSignal,
  TreeWatch,
} from "../backend/native.ts";
import type { ProcessInfo } from "../backend/containment.ts";
import {
  signalName,
  signalNumber,
  WINDOWS_SIGNALS,
} from "../backend/signals.ts";
import { type CompletionPort, completionPort } from "./wait/completion_port.ts";
import { JobObject } from "./system/job_object.ts";
import { EmptinessWait, JobTree } from "./tree/job_tree.ts";
import type { WindowsProcess } from "./process.ts";

/** The children of a job and everything they start. */
export class WindowsJob implements NativeJob {
  readonly mechanism = "job-object";
  readonly #killOnClose: boolean;
  #tree: JobTree | null = null;
  #children: WindowsProcess[] = [];
  #port: CompletionPort | null = null;
  #key = 0n;

  /** @param killOnClose Whether its members end when this process does. */
  constructor(killOnClose: boolean) {
    this.#killOnClose = killOnClose;
  }

  /** The outer job object, made when the first child is started. */
  get object(): JobObject {
    this.#tree ??= new JobTree(
      new JobObject({ killOnClose: this.#killOnClose }),
      () => this.#connect(),
      () => this.#leadersEnded(),
    );
    return this.#tree.job;
  }

  /** Takes in a child that was just started in {@linkcode WindowsJob.object}. */
  add(child: WindowsProcess): void {
    this.#children = this.#children.filter((one) => !one.retired);
    this.#children.push(child);
  }

  /** Has the job's messages come. */
  #connect(): void {
    const job = this.object;
    if (this.#port !== null || job.handle.closed) return;
    const port = completionPort();
    this.#key = port.register(() => {
      this.#tree?.check();
      // A message may come before the job's counter agrees with it.
      port.soon();
    });
    job.notify(port.handle, this.#key);
    this.#port = port;
  }

  // All are asked: a leader that is seen to have ended reports it.
  #leadersEnded(): boolean {
    let ended = true;
    this.#children.forEach((child) => {
      if (!child.leaderEnded()) ended = false;
    });
    return ended;
  }

  /**
   * Each child has a console or a console
   * group of its own, so each is asked in the way that reaches it.
   */
  signalTree(
    signal: Deno.Signal | number,
    wake: boolean,
    mainFirst = false,
  ): SoftSignal {
    const number = signalNumber(WINDOWS_SIGNALS, signal);
    const sent: SoftSignal[] = [];
    let count = 0;
    this.#children.forEach((child) => {
      const one = child.signalTree(signal, wake, mainFirst);
      if (one.count > 0) sent.push(one);
      count += one.count;
    });
    const name = signalName(WINDOWS_SIGNALS, number) ?? String(number);
    const again = (): SoftSignal => {
      let more = 0;
      sent.forEach((one) => more += one.again?.().count ?? 0);
      return { count: more, method: name };
    };
    return {
      count,
      ...mainFirst ? { again } : {},
      // A means may be replaced by the next one when it has failed.
      get method() {
        return methodsOf(sent) || name;
      },
    };
  }

  /** One call for all. */
  killTree(): HardKill {
    if (this.#tree === null) return { count: 0, refused: [] };
    this.#children.forEach((child) => child.noteKilled());
    const done = this.#tree.kill("SIGKILL");
    this.#port?.soon();
    return done;
  }

  suspendTree(): void {
    this.#children.forEach((child) => child.suspendTree());
  }

  resumeTree(): void {
    this.#children.forEach((child) => child.resumeTree());
  }

  treeIsEmpty(): boolean {
    return this.#tree === null || this.#tree.isEmpty();
  }

  members(): ProcessInfo[] {
    let members: ProcessInfo[] = [];
    this.#children.forEach((child) => {
      members = members.concat(child.members());
    });
    return members;
  }

  watchTree(): TreeWatch {
    return this.#tree?.watch() ?? new EmptinessWait([], () => true);
  }

  close(): void {
    this.#tree?.close();
    this.#port?.forget(this.#key);
  }
}

function methodsOf(sent: readonly SoftSignal[]): string {
  const methods: string[] = [];
  for (let i = 0; i < sent.length; i++) {
    const { method } = sent[i] as SoftSignal;
    if (!methods.includes(method)) methods.push(method);
  }
  return methods.join(", ");
}
