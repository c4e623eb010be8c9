import { PROJECT, readConfig } from "./project.ts";

/** Where `@std` comes from in this run. */
export interface StdChoice {
  /** Flags for `deno`, before the files. */
  readonly flags: readonly string[];
  /** What was chosen, for the reader. */
  readonly line: string;
}

/** A cold download takes two or three seconds; a dead network may hang. */
const PATIENCE = 10_000;

const STAND_INS: readonly string[] = [
  "--import-map=tests/offline/import_map.json",
];

/** Takes the real packages where they can be had, otherwise the stand-ins. */
export async function chooseStd(offline: boolean): Promise<StdChoice> {
  if (offline) {
    return { flags: STAND_INS, line: "@std: stand-ins, as asked (--offline)" };
  }
  const { imports } = await readConfig();
  const packages = Object.values(imports).filter((to) => to.startsWith("jsr:"));
  return await canLoad(packages)
    ? { flags: [], line: `@std: the real packages (${packages.join(", ")})` }
    : {
      flags: STAND_INS,
      line: "@std: stand-ins from tests/offline, since jsr.io did not answer",
    };
}

/** Whether Deno finds packages, in its cache or over the network. */
async function canLoad(packages: readonly string[]): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--no-lock", "--no-config", ...packages],
    cwd: PROJECT,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(PATIENCE),
  }).output();
  return success;
}
