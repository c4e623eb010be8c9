/**
 * Another thread of the host that starts children with `Deno.Command` all the
 * time, also at the moments in which the main thread is inside a spawn.
 *
 * @module
 */

/// <reference lib="webworker" />

import { shortStranger } from "./strangers.ts";

let pausing = false;

async function run(file: string): Promise<void> {
  let started = 0;
  const wrong: string[] = [];
  pausing = false;
  do {
    started++;
    const failure = await shortStranger("deno", file, started % 7);
    if (failure !== "") wrong.push(`in a worker: ${failure}`);
  } while (!pausing);
  self.postMessage({ started, wrong });
}

self.onmessage = ({ data }: MessageEvent<string | null>) => {
  if (data === null) pausing = true;
  else run(data);
};
