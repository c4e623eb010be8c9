/**
 * What a reader of figures asks first.
 *
 * @module
 */

import type { Found, Tools } from "./tools.ts";
import { run } from "../real/place.ts";

/** Describes this machine. */
export async function machine(tools: Tools): Promise<Record<string, string>> {
  const [release = ""] = /^[\d.]+/.exec(Deno.osRelease()) ?? [];
  const found: Record<string, string> = {
    date: new Date().toISOString().slice(0, 10),
    system: `${Deno.build.os} ${release}, ${Deno.build.arch}`,
    cores: `${navigator.hardwareConcurrency} cores`,
    // Before the run. What else goes on decides what figures are worth.
    load: `load ${Deno.loadavg()[0]!.toFixed(1)}`,
    deno: `Deno ${Deno.version.deno}`,
  };
  const programs = { Node: "node", Python: "python3" };
  for (const [name, program] of Object.entries(programs)) {
    const version = await versionOf(await tools.program(program));
    if (version !== null) found[name.toLowerCase()] = `${name} ${version}`;
  }
  return found;
}

async function versionOf(found: Found): Promise<string | null> {
  if ("missing" in found) return null;
  const text = await run([found.path, "--version"]);
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? null;
}
