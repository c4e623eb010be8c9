// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * Coming from `killableprocess.py` (2006), or from Python's `subprocess`: each
 * call of the old module, and what it is here. Times are milliseconds now.
 *
 *     deno run --allow-ffi --allow-run examples/killableprocess.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import {
  call,
  CalledProcessError,
  checkCall,
  checkOutput,
  Command,
  TimeoutExpired,
} from "../mod.ts";

// killableprocess.call(["sh", "-c", "exit 3"])
console.log("call:", await call(["sh", "-c", "exit 3"]));

// killableprocess.call(["sleep", "60"], timeout=0.2)
// Used to return 127, which is also "command not found". Now it is the code of
// the signal that ended it, 128 + 15.
console.log("call, time up:", await call(["sleep", "60"], { timeout: 200 }));

// killableprocess.check_call(["false"])
try {
  await checkCall(["false"]);
} catch (error) {
  if (!(error instanceof CalledProcessError)) throw error;
  console.log("checkCall:", error.message);
}

// subprocess.check_output(["sh", "-c", …], timeout=0.2): a timeout is an error
// here too, and brings what was written until then.
try {
  await checkOutput(["sh", "-c", "echo half; sleep 60"], { timeout: 200 });
} catch (error) {
  if (!(error instanceof TimeoutExpired)) throw error;
  const { stdout } = error;
  console.log("checkOutput:", error.message);
  console.log("  so far:", new TextDecoder().decode(stdout!).trim());
}

// p = killableprocess.Popen(["sh", "-c", "sleep 60 & wait"])
const tree = new Command("sh", { args: ["-c", "sleep 60 & wait"] });

// p.wait(timeout=0.2): waits, and ends the whole group when time is up. Here it
// has ended when this returns, and the status is the real one.
const waited = tree.spawn();
const { timedOut, signal } = await waited.wait({ timeout: 200 });
console.log("wait:", timedOut, signal, waited.descendants().length);

// p.kill(): kill("SIGKILL"), which is sent at once; or stop(), which asks first
// and resolves when all are gone. With group=False: kill("SIGKILL", { tree: false })
const stopped = tree.spawn();
const report = await stopped.stop({ grace: 0 });
console.log("stop:", (await stopped.status).signal, report.survivors, "left");
