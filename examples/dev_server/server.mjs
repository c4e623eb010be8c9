// What `npm run dev` starts in the demo: a server with a worker of its own, as a
// bundler has one. Neither does anything, and both end by themselves.
import { spawn } from "node:child_process";
import process from "node:process";

if (process.argv[2] !== "worker") {
  spawn(process.execPath, ["server.mjs", "worker"], { stdio: "ignore" });
}
setTimeout(() => process.exit(), 60_000);
