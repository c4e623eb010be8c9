/** Small questions that tell whether a program is ready. @module */

import { findProgram } from "./place.ts";

/** Why a program cannot be run; empty when it is there. */
export function missing(...names: string[]): string {
  const absent = names.filter((name) => findProgram(name) === null);
  return absent.length === 0 ? "" : `not installed: ${absent.join(", ")}`;
}

/** Whether a file is there. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether a server on loopback answers a request with this text. */
export async function answers(
  port: number,
  request: string,
  text: string,
): Promise<boolean> {
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await conn.write(new TextEncoder().encode(request));
    const reply = new Uint8Array(4096);
    const n = await conn.read(reply);
    return n !== null &&
      new TextDecoder().decode(reply.subarray(0, n)).includes(text);
  } catch {
    return false;
  }
}

/** Whether something listens on a port of loopback. */
export async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
