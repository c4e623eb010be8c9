/**
 * Hides `/proc`, which macOS has not, from whoever asks Deno for it; the emulation
 * itself sees it.
 *
 * @module
 */

const readText = Deno.readTextFileSync;
const readDir = Deno.readDirSync;

/** A file of `/proc`, or `null`. */
export function readHidden(path: string): string | null {
  try {
    return readText(path);
  } catch {
    return null;
  }
}

/** The numbers among the names in a folder of `/proc`. */
export function numberOf(folder: string): number[] {
  const found: number[] = [];
  for (const { name } of readDir(folder)) {
    if (/^\d+$/.test(name)) found.push(Number(name));
  }
  return found;
}

const NAMES = [
  "lstatSync",
  "openSync",
  "readDirSync",
  "readFileSync",
  "readLinkSync",
  "readTextFileSync",
  "statSync",
] as const;

/** Has the functions of Deno that look at files find nothing there. */
export function hideProc(): void {
  for (const name of NAMES) {
    const original = Deno[name] as (...args: unknown[]) => unknown;
    const hiding = (...args: unknown[]): unknown => {
      if (String(args[0]).startsWith("/proc")) {
        throw new Deno.errors.NotFound(`macOS has no ${args[0]}`);
      }
      return original(...args);
    };
    Object.defineProperty(Deno, name, { value: hiding });
    const later = name.replace("Sync", "") as "stat";
    const promising = Deno[later] as (...args: unknown[]) => unknown;
    if (later === "readDir" as string) continue;
    const hidingLater = (...args: unknown[]): unknown =>
      String(args[0]).startsWith("/proc")
        ? Promise.reject(new Deno.errors.NotFound(`macOS has no ${args[0]}`))
        : promising(...args);
    Object.defineProperty(Deno, later, { value: hidingLater });
  }
}
