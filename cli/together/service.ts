/**
 * The commands of `together` as its options define them: each has a name, a command
 * line, its conditions to start, when it counts as ready, and when it is started again.
 *
 * @module
 */

import {
  RESTART_DEFAULTS,
  type RestartMode,
  type RestartPolicy,
} from "../../process/job/restart.ts";
import type { ServiceCondition } from "../../process/job/service.ts";
import {
  parseCount,
  parseDuration,
  UsageError,
} from "../arguments/operands.ts";
import { closest } from "../../process/validate.ts";

/** A condition that a command waits for. */
export interface Dependency {
  /** The name of another command. */
  readonly name: string;
  /** The state that it must have reached. */
  readonly condition: ServiceCondition;
}

/** How it is seen that a command is ready. */
export type ReadyCheck =
  | { readonly kind: "port"; readonly hostname: string; readonly port: number }
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly path: string };

/** One command. */
export interface ServiceSpec {
  /** The prefix of its lines. */
  readonly name: string;
  /** The command line for the shell. */
  readonly line: string;
  /** The conditions for its start. */
  readonly after: readonly Dependency[];
  /** When it counts as ready; `null`: as soon as it has started. */
  readonly ready: ReadyCheck | null;
  /** A check that must go on succeeding, or `null`. */
  readonly health: ReadyCheck | null;
  /** When it is started again. */
  readonly restart: RestartPolicy;
}

/** The options that define them, as they were given. */
export interface ServiceOptions {
  /** `NAME=OTHER[:CONDITION],…` */
  readonly after: readonly string[];
  /** `NAME=KIND:VALUE` */
  readonly ready: readonly string[];
  /** `NAME=KIND:VALUE` */
  readonly health: readonly string[];
  /** `[NAME=]MODE` */
  readonly restart: readonly string[];
  /** `N/DURATION`, or undefined. */
  readonly restartLimit: string | undefined;
  /** `FIRST[..MOST]`, or undefined. */
  readonly restartDelay: string | undefined;
}

const CONDITIONS: readonly ServiceCondition[] = ["started", "ready", "exited"];
/** When a command can be started again. */
export const RESTART_MODES: readonly RestartMode[] = [
  "never",
  "on-failure",
  "always",
];

/**
 * Puts names, command lines and options together.
 *
 * @param commands Names and command lines.
 * @param options The options.
 * @returns The commands, in their order.
 * @throws {UsageError} for a name that no command has, a value that means nothing,
 * and commands that wait for each other.
 */
export function toServices(
  commands: readonly (readonly [name: string, line: string])[],
  options: ServiceOptions,
): ServiceSpec[] {
  const names = commands.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`two commands are called '${twice}'`);
  }
  const after = byName(options.after, "--after", names);
  const ready = byName(options.ready, "--ready", names);
  const health = byName(options.health, "--health", names);
  const modes = restartModes(options.restart, names);
  const policy = restartPolicy(options);
  const services = commands.map(([name, line]): ServiceSpec => ({
    name,
    line,
    after: (after.get(name) ?? []).flatMap((text) =>
      text.split(",").map((one) => dependency(one, name, names))
    ),
    ready: check(ready.get(name)?.at(-1), "--ready"),
    health: check(health.get(name)?.at(-1), "--health"),
    restart: { ...policy, mode: modes.get(name) ?? "never" },
  }));
  refuseCircle(services);
  return services;
}

function byName(
  texts: readonly string[],
  option: string,
  names: readonly string[],
): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at < 1) {
      throw new UsageError(
        `invalid ${option} '${text}': write it like NAME=VALUE`,
      );
    }
    const name = known(text.slice(0, at), option, names);
    found.set(name, [...found.get(name) ?? [], text.slice(at + 1)]);
  }
  return found;
}

function known(
  name: string,
  option: string,
  names: readonly string[],
): string {
  if (names.includes(name)) return name;
  const meant = closest(name, names);
  const list = meant === null
    ? `there are ${names.map((one) => `'${one}'`).join(", ")}`
    : `did you mean '${meant}'?`;
  throw new UsageError(
    `invalid ${option}: no command is called '${name}'; ${list}`,
  );
}

function dependency(
  text: string,
  own: string,
  names: readonly string[],
): Dependency {
  // A name may have a colon in it: 'db:migrate:exited'.
  const at = text.lastIndexOf(":");
  const last = CONDITIONS.find((one) => one === text.slice(at + 1));
  const whole = names.includes(text) || at < 0;
  const name = known(whole ? text : text.slice(0, at), "--after", names);
  if (name === own) {
    throw new UsageError(`invalid --after: '${own}' would wait for itself`);
  }
  if (whole) return { name, condition: "ready" };
  if (last !== undefined) return { name, condition: last };
  throw new UsageError(
    `invalid --after '${text}': the condition is one of ${
      CONDITIONS.join(", ")
    }`,
  );
}

function check(text: string | undefined, option: string): ReadyCheck | null {
  if (text === undefined) return null;
  const at = text.indexOf(":");
  const value = text.slice(at + 1);
  switch (at < 0 ? "" : text.slice(0, at)) {
    case "port": {
      const [, hostname = "127.0.0.1", port] =
        /^(?:(.*):)?(\d+)$/.exec(value) ?? [];
      const number = Number(port);
      if (!(number >= 1 && number <= 65535)) break;
      return {
        kind: "port",
        hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
        port: number,
      };
    }
    case "line":
      if (option === "--health" || value === "") break;
      return { kind: "line", text: value };
    case "http":
    case "https":
      return { kind: "url", url: text };
    case "url":
      if (!/^https?:\/\//.test(value)) break;
      return { kind: "url", url: value };
    case "file":
      if (value === "") break;
      return { kind: "file", path: value };
  }
  const line = option === "--health" ? "" : "line:TEXT, ";
  throw new UsageError(
    `invalid ${option} '${text}': write it like port:8080, ${line}url:http://…, or file:PATH`,
  );
}

function restartModes(
  texts: readonly string[],
  names: readonly string[],
): Map<string, RestartMode> {
  const modes = new Map<string, RestartMode>();
  for (const text of texts) {
    const at = text.lastIndexOf("=");
    const mode = RESTART_MODES.find((one) => one === text.slice(at + 1));
    if (mode === undefined) {
      throw new UsageError(
        `invalid --restart '${text}': it is one of ${RESTART_MODES.join(", ")}`,
      );
    }
    const which = at < 0
      ? names
      : [known(text.slice(0, at), "--restart", names)];
    for (const name of which) modes.set(name, mode);
  }
  return modes;
}

function restartPolicy(options: ServiceOptions): RestartPolicy {
  const { restartLimit, restartDelay } = options;
  let policy = RESTART_DEFAULTS;
  if (restartLimit !== undefined) {
    const [count = "", window] = restartLimit.split("/");
    policy = {
      ...policy,
      limit: parseCount(count, "--restart-limit"),
      window: window === undefined
        ? Infinity
        : parseDuration(window, "--restart-limit"),
    };
  }
  if (restartDelay !== undefined) {
    const [first = "", most] = restartDelay.split("..");
    const delay = parseDuration(first, "--restart-delay");
    const maxDelay = most === undefined
      ? Math.max(delay, policy.maxDelay)
      : parseDuration(most, "--restart-delay");
    policy = { ...policy, delay, maxDelay };
  }
  return policy;
}

function refuseCircle(services: readonly ServiceSpec[]): void {
  const byName = new Map(services.map((one) => [one.name, one]));
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name)) return;
    if (path.includes(name)) {
      const circle = [...path.slice(path.indexOf(name)), name];
      throw new UsageError(
        `invalid --after: they wait for each other: ${circle.join(" → ")}`,
      );
    }
    for (const other of byName.get(name)!.after) {
      visit(other.name, [...path, name]);
    }
    done.add(name);
  };
  for (const { name } of services) visit(name, []);
}
