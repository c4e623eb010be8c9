/**
 * Standard input as a lifeline: what comes is thrown away, its end matters.
 *
 * @param ended Called once, when it has ended or cannot be read.
 */
export async function watchStdin(ended: () => void): Promise<void> {
  const buffer = new Uint8Array(65536);
  try {
    while (await Deno.stdin.read(buffer) !== null);
  } catch {
    // A terminal that has gone gives EIO: that is an end as well.
  }
  ended();
}
