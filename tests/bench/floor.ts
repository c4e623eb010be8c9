/**
 * Builds the C floor.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- says why there is no floor

/**
 * Builds `floor.c` with gcc, when there is one.
 *
 * @returns The program, or `null`.
 */
export async function floorProgram(): Promise<string | null> {
  const source = new URL("./floor.c", import.meta.url).pathname;
  const target = `${await Deno.makeTempDir({ prefix: "floor-" })}/floor`;
  try {
    const { success, stderr } = await new Deno.Command("gcc", {
      args: ["-O2", "-o", target, source],
    }).output();
    if (success) return target;
    console.log(new TextDecoder().decode(stderr));
  } catch (error) {
    console.log(`No C floor, since gcc could not be run: ${error}`);
  }
  return null;
}
