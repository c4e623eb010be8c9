/**
 * The result of a run that collected its output.
 *
 * @module
 */

import type { CommandOutput, CommandStatus } from "./process/run/status.ts";
import type { Usage } from "./backend/usage.ts";

/**
 * The error of asking for a stream that was not piped, in Deno's words.
 *
 * @param name `stdin`, `stdout` or `stderr`.
 * @returns The error.
 */
export function notPiped(name: string): TypeError {
  return new TypeError(`Cannot get '${name}': '${name}' is not piped`);
}

/**
 * Puts a result together, in which asking for a stream that was not piped throws.
 *
 * @param status How the child ended.
 * @param stdout What was captured, or `null`.
 * @param stderr What was captured, or `null`.
 * @param truncated Whether bytes were left out.
 * @returns The result.
 */
export function commandOutput(
  status: CommandStatus,
  stdout: Uint8Array<ArrayBuffer> | null,
  stderr: Uint8Array<ArrayBuffer> | null,
  truncated: boolean,
): CommandOutput {
  const output = statusWith(status, () => status.usage) as
    & CommandStatus
    & { truncated: boolean };
  output.truncated = truncated;
  addStream(output, "stdout", stdout);
  addStream(output, "stderr", stderr);
  return output as CommandOutput;
}

/**
 * A status whose usage is worked out when somebody asks for it.
 *
 * @param fields Everything but the usage.
 * @param usageOf Works it out.
 * @returns The status.
 */
export function statusWith(
  fields: Omit<CommandStatus, "usage">,
  usageOf: () => Usage,
): CommandStatus {
  const { success, code, signal, timedOut, idledOut, aborted } = fields;
  const { killed, lost, limit } = fields;
  let usage: Usage | null = null;
  return {
    success,
    code,
    signal,
    timedOut,
    idledOut,
    aborted,
    killed,
    lost,
    limit,
    get usage(): Usage {
      return usage ??= usageOf();
    },
  };
}

/**
 * Adds a captured stream. A getter only where there is something to throw:
 * results can be printed.
 *
 * @param output The result.
 * @param name `stdout` or `stderr`.
 * @param bytes What was captured, or `null`: reading the property throws.
 */
export function addStream(
  output: object,
  name: string,
  bytes: Uint8Array<ArrayBuffer> | null,
): void {
  Object.defineProperty(
    output,
    name,
    bytes === null
      ? {
        enumerable: true,
        get(): never {
          throw notPiped(name);
        },
      }
      : { enumerable: true, value: bytes },
  );
}
