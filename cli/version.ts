/**
 * The version, from `deno.json`.
 *
 * @module
 */

/**
 * Which version this is.
 *
 * @param program The name to show.
 * @returns A line, worded as by GNU programs.
 */
export async function versionLine(program: string): Promise<string> {
  const { default: config } = await import("../deno.json", {
    with: { type: "json" },
  });
  return `${program} (${config.name}) ${config.version}`;
}
