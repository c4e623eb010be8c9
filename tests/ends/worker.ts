/** A worker that starts a tree and reads of it for as long as it lives. */

import { Command } from "../../mod.ts";

const child = new Command("sh", {
  args: ["-c", "sleep 100 & sleep 100; :", self.name],
  stdin: "piped",
  stdout: "piped",
  grace: 0,
}).spawn();
child.stdout.getReader().read();
(self as unknown as { postMessage(message: number): void })
  .postMessage(child.pid);
