/**
 * The real programs: how each is started and how one knows that it is ready.
 *
 * @module
 */

import { browsers } from "./programs_browser.ts";
import { daemons } from "./programs_daemon.ts";
import { servers } from "./programs_server.ts";
import { sessions } from "./programs_session.ts";
import { shapes } from "./programs_shape.ts";
import { supervisors } from "./programs_supervisor.ts";
import { tools } from "./programs_tool.ts";

/** Where one start of a program may put its files. */
export interface Scene {
  /** A directory of its own, whose name is the observer's marker. */
  readonly dir: string;
  /** A free port on loopback. */
  readonly port: number;
  /** How many processes there are, as the observer sees it. */
  readonly count: () => number;
  /** The Deno that this user can run. */
  readonly deno: string;
  /** The project, where this user can read it; with a `/` at the end. */
  readonly project: string;
}

/** What to start. */
export interface Launch {
  readonly command: string;
  readonly args: string[];
  readonly env?: Record<string, string>;
  /** Whether what is started goes to the background: it is up when it has ended. */
  readonly daemon?: boolean;
  /** Whether the program is up; asked again and again. */
  readonly ready: () => boolean | Promise<boolean>;
  /** Lets go of what the readiness check holds. */
  readonly close?: () => void;
}

/** One row of the table. */
export interface Program {
  readonly name: string;
  /** Whether it is run as root where the tests are; otherwise as `nobody`. */
  readonly root?: boolean;
  /** Whether some of it outlives its leader for sure. */
  readonly outlives: boolean;
  /** Why it cannot be run here; empty when it can. */
  readonly obstacle: () => string | Promise<string>;
  readonly prepare: (scene: Scene) => Launch | Promise<Launch>;
}

/** All of them. */
export const PROGRAMS: readonly Program[] = [
  ...shapes,
  ...sessions,
  ...daemons,
  ...servers,
  ...supervisors,
  ...tools,
  ...browsers,
];
