/** Headless Chromium, with and without its sandbox. @module */

import { asUser, findProgram, succeeds } from "./place.ts";
import type { Launch, Program, Scene } from "./programs.ts";
import { exists, missing } from "./readiness.ts";

// Without these it asks hosts of Google's, which a closed network refuses.
// deno-fmt-ignore
const FLAGS = [
  "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

function chromium({ dir, count }: Scene, flags: string[]): Launch {
  const profile = `${dir}/profile`;
  return {
    command: findProgram("chromium")!,
    // deno-fmt-ignore
    args: [...FLAGS, ...flags, `--user-data-dir=${profile}`, "--remote-debugging-port=0", "about:blank"],
    // The port is open, and zygotes, network service and a renderer are there.
    ready: () => exists(`${profile}/DevToolsActivePort`) && count() >= 6,
  };
}

/** Where neither namespaces nor the setuid helper work, it ends at once. */
async function sandboxObstacle(): Promise<string> {
  if (missing("chromium") !== "") return missing("chromium");
  const home = await Deno.makeTempDir({ prefix: "killable-chromium-" });
  await Deno.chmod(home, 0o777);
  try {
    const works = await succeeds(
      // deno-fmt-ignore
      asUser(["timeout", "-k", "1", "30", findProgram("chromium")!, ...FLAGS, `--user-data-dir=${home}/profile`, "--dump-dom", "about:blank"]),
      { env: { HOME: home }, cwd: home },
    );
    return works ? "" : "its sandbox does not work for this user here";
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** The browsers. */
export const browsers: readonly Program[] = [
  {
    name: "Chromium headless, sandboxed",
    // Its processes end by themselves when they miss the first one.
    outlives: false,
    obstacle: sandboxObstacle,
    prepare: (scene) => chromium(scene, []),
  },
  {
    name: "Chromium headless, --no-sandbox",
    root: true,
    // Its processes end by themselves when they miss the first one.
    outlives: false,
    obstacle: () => missing("chromium"),
    prepare: (scene) => chromium(scene, ["--no-sandbox"]),
  },
];
