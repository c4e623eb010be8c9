/**
 * The options of a service of a job, checked.
 *
 * @module
 */

import {
  checkOptions,
  duration,
  type Known,
  oneOf,
  shown,
  wholeNumber,
} from "../validate.ts";
import {
  RESTART_DEFAULTS,
  type RestartMode,
  type RestartPolicy,
} from "./restart.ts";
import type {
  Service,
  ServiceCondition,
  ServiceControl,
  ServiceDependency,
  ServiceHealth,
  ServiceOptions,
} from "./service.ts";

const SERVICE_OPTIONS: Known<ServiceOptions> = {
  restart: true,
  restartDelay: true,
  maxRestartDelay: true,
  restartLimit: true,
  restartWindow: true,
  resetAfter: true,
  after: true,
  ready: true,
  health: true,
  onSpawn: true,
};

const HEALTH_OPTIONS: Known<ServiceHealth> = {
  check: true,
  interval: true,
  failures: true,
};
const DEPENDENCY: Known<ServiceDependency> = { service: true, condition: true };
const MODES: readonly RestartMode[] = ["never", "on-failure", "always"];
const CONDITIONS: readonly ServiceCondition[] = ["ready", "started", "exited"];
const HEALTH_INTERVAL_MS = 5000;
const HEALTH_FAILURES = 3;
const MOST = 2 ** 31 - 1;
const WHERE = "Job.service()";

/**
 * Validates the options of a service.
 *
 * @param options The options.
 * @param isOfJob Whether something is a service of the same job.
 * @returns What controls it.
 * @throws {TypeError} for anything of the wrong type, and a service of another job.
 * @throws {RangeError} for a number out of range.
 */
export function toServiceControl(
  options: ServiceOptions,
  isOfJob: (one: unknown) => one is Service,
): ServiceControl {
  checkOptions(options, WHERE, SERVICE_OPTIONS);
  const { ready, onSpawn } = options;
  if (ready !== undefined && (typeof ready !== "object" || ready === null)) {
    throw new TypeError(
      `Invalid ready: expected an object with options of ready(), got ${
        shown(ready)
      }`,
    );
  }
  if (onSpawn !== undefined && typeof onSpawn !== "function") {
    throw new TypeError(
      `Invalid onSpawn: expected a function, got ${shown(onSpawn)}`,
    );
  }
  return {
    policy: toPolicy(options),
    after: toDependencies(options.after, isOfJob),
    ready: ready ?? null,
    health: toHealth(options.health),
    onSpawn: onSpawn ?? null,
  };
}

function toPolicy(options: ServiceOptions): RestartPolicy {
  const { restartLimit } = options;
  const delay = duration(
    options.restartDelay,
    "restartDelay",
    RESTART_DEFAULTS.delay,
  );
  return {
    ...RESTART_DEFAULTS,
    mode: oneOf(options.restart, "restart", MODES),
    delay,
    maxDelay: duration(
      options.maxRestartDelay,
      "maxRestartDelay",
      Math.max(delay, RESTART_DEFAULTS.maxDelay),
    ),
    limit: restartLimit === undefined
      ? RESTART_DEFAULTS.limit
      : restartLimit === Infinity
      ? Infinity
      : wholeNumber(restartLimit, "restartLimit", 0, MOST),
    window: duration(
      options.restartWindow,
      "restartWindow",
      RESTART_DEFAULTS.window,
    ),
    resetAfter: duration(
      options.resetAfter,
      "resetAfter",
      RESTART_DEFAULTS.resetAfter,
    ),
  };
}

function toDependencies(
  after: unknown,
  isOfJob: (one: unknown) => one is Service,
): Required<ServiceDependency>[] {
  const found: Required<ServiceDependency>[] = [];
  if (after === undefined) return found;
  if (!Array.isArray(after)) {
    throw new TypeError(
      `Invalid after: expected an array of services, got ${shown(after)}`,
    );
  }
  for (let i = 0; i < after.length; i++) {
    const one: unknown = after[i];
    const { service, condition } = isOfJob(one)
      ? { service: one, condition: undefined }
      : (one ?? {}) as Partial<ServiceDependency>;
    if (!isOfJob(service)) {
      throw new TypeError(
        `Invalid after[${i}]: expected a service of the same job, got ${
          shown(service ?? one)
        }`,
      );
    }
    if (one !== service) checkOptions(one, `after[${i}]`, DEPENDENCY);
    found[i] = {
      service,
      condition: oneOf(condition, `condition of after[${i}]`, CONDITIONS),
    };
  }
  return found;
}

function toHealth(
  health: ServiceHealth | undefined,
): Required<ServiceHealth> | null {
  if (health === undefined) return null;
  checkOptions(health, "health", HEALTH_OPTIONS);
  const { check, interval, failures } = health;
  if (typeof check !== "object" || check === null || "line" in check) {
    throw new TypeError(
      `Invalid check of health: expected an object with port, url or file, got ${
        shown(check)
      }`,
    );
  }
  return {
    check,
    interval: duration(interval, "interval of health", HEALTH_INTERVAL_MS),
    failures: failures === undefined
      ? HEALTH_FAILURES
      : wholeNumber(failures, "failures of health", 1, MOST),
  };
}
