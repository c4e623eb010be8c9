import { assertEquals, assertStringIncludes } from "@std/assert";
import { Command } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE, waitForText } from "../fixtures/eval.ts";
import {
  outputOf,
  sameAsDeno,
  sameErrorAsDeno,
  type Scenario,
  statusOf,
} from "../fixtures/side_by_side.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES } from "./differences.ts";

Deno.test.beforeAll(async () => {
  Deno.env.set("KILLABLE_TEST_PARENT", "the parent's");
  await warmUp();
});
Deno.test.afterAll(() => Deno.env.delete("KILLABLE_TEST_PARENT"));

const BOTH = "console.log('out'); console.error('err'); Deno.exit(3)";
const READS = "await Deno.stdin.readable.pipeTo(Deno.stdout.writable)";
const MISSING = "./no-such-directory/no-such-program";
const HERE = import.meta.dirname!;
const THIS_FILE = import.meta.filename!;

const deno = denoPath();

// What both must do alike: name, and the scenario.
const ALIKE: readonly (readonly [string, Scenario, boolean?])[] = [
  [
    "output() collects both streams and the code",
    async (C) => outputOf(await new C(deno, { args: evalArgs(BOTH) }).output()),
  ],
  [
    "outputSync() collects both streams and the code",
    (C) => outputOf(new C(deno, { args: evalArgs(BOTH) }).outputSync()),
  ],
  [
    "output() gives the child no stdin",
    async (C) =>
      outputOf(await new C(deno, { args: evalArgs(READS) }).output()),
  ],
  [
    "output() of a child with nothing to say is empty",
    async (C) => outputOf(await new C(deno, { args: evalArgs("") }).output()),
  ],
  [
    "status has success, code and signal",
    async (C) =>
      statusOf(
        await new C(deno, {
          args: evalArgs("Deno.exit(7)"),
          stdout: "null",
          stderr: "null",
        }).spawn().status,
      ),
  ],
  [
    "what output() has collected has its reader for ever",
    async (C) => {
      const child = new C(deno, { args: evalArgs(BOTH), stdout: "piped" })
        .spawn();
      await child.output();
      const again = await child.output().catch((error) => error.name);
      return [again, child.stdout.locked];
    },
  ],
  [
    "spawn().output() collects what was piped",
    async (C) =>
      outputOf(
        await new C(deno, {
          args: evalArgs(BOTH),
          stdout: "piped",
          stderr: "piped",
        }).spawn().output(),
      ),
  ],
  [
    "piped stdin is read by the child to its end",
    async (C) => {
      const child = new C(deno, {
        args: evalArgs(READS),
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("through and back"));
      await writer.close();
      return [await child.stdout.text(), statusOf(await child.status)];
    },
  ],
  [
    "arguments reach the child as they are",
    async (C) => {
      const args = ["", " ", "a b", '"', "'", "\\", "\\\\", '\\"', "$HOME"];
      args.push("%PATH%", "*", "ä€😀", "-", "--", "a\tb", "a\nb", "a\\");
      const run = await new C(deno, {
        args: evalArgs("console.log(JSON.stringify(Deno.args))", "--", ...args),
      }).output();
      return new TextDecoder().decode(run.stdout);
    },
  ],
  [
    "arguments that are no strings are made strings",
    async (C) => {
      const args = evalArgs("console.log(Deno.args.join())", "--");
      const odd = [1, true, null, 2n] as unknown as string[];
      return outputOf(await new C(deno, { args: [...args, ...odd] }).output());
    },
  ],
  [
    "the working directory is the parent's by default",
    async (C) =>
      outputOf(
        await new C(deno, { args: evalArgs("console.log(Deno.cwd())") })
          .output(),
      ),
  ],
  [
    "cwd is a path",
    async (C) =>
      outputOf(
        await new C(deno, {
          args: evalArgs("console.log(Deno.cwd())"),
          cwd: HERE,
        }).output(),
      ),
  ],
  [
    "cwd is a URL",
    async (C) =>
      outputOf(
        await new C(deno, {
          args: evalArgs("console.log(Deno.cwd())"),
          cwd: new URL(".", import.meta.url),
        }).output(),
      ),
  ],
  [
    "the program is a URL",
    async (C) => {
      const url = new URL(`file://${deno.replaceAll("\\", "/")}`);
      return outputOf(
        await new C(url, { args: evalArgs("console.log(1)") }).output(),
      );
    },
  ],
  [
    "env is added to the parent's",
    async (C) =>
      outputOf(
        await new C(deno, {
          args: evalArgs(
            "console.log(Deno.env.get('ADDED'), Deno.env.get('KILLABLE_TEST_PARENT'))",
          ),
          env: { ADDED: "=with=signs= and spaces" },
        }).output(),
      ),
  ],
  [
    "env replaces the parent's",
    async (C) =>
      outputOf(
        await new C(deno, {
          args: evalArgs("console.log(Deno.env.get('KILLABLE_TEST_PARENT'))"),
          env: { KILLABLE_TEST_PARENT: "the child's" },
        }).output(),
      ),
  ],
  [
    "clearEnv leaves nothing of the parent's",
    async (C) =>
      outputOf(
        await new C(deno, {
          args: evalArgs(
            "console.log(Deno.env.has('KILLABLE_TEST_PARENT'), Deno.env.get('ONLY'))",
          ),
          clearEnv: true,
          env: { ONLY: "this" },
        }).output(),
      ),
  ],
  [
    "an empty value is a value",
    async (C) =>
      outputOf(
        await new C(deno, {
          args: evalArgs("console.log(JSON.stringify(Deno.env.get('EMPTY')))"),
          env: { EMPTY: "" },
        }).output(),
      ),
  ],
  [
    "output() after the status is known still has the output",
    async (C) => {
      const child = new C(deno, {
        args: evalArgs(BOTH),
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      await child.status;
      return outputOf(await child.output());
    },
  ],
  [
    "output() without pipes throws where a stream is asked for",
    async (C) => {
      const run = await new C(deno, {
        args: evalArgs(""),
        stdout: "null",
        stderr: "inherit",
      }).output();
      return [messageOf(() => run.stdout), messageOf(() => run.stderr)];
    },
  ],
  [
    "reading a stream that is not piped throws",
    async (C) => {
      const child = new C(deno, {
        args: evalArgs(""),
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const messages = [
        messageOf(() => child.stdin),
        messageOf(() => child.stdout),
        messageOf(() => child.stderr),
      ];
      await child.status;
      return messages;
    },
  ],
  [
    "the streams are the same objects each time",
    async (C) => {
      const child = new C(deno, {
        args: evalArgs(""),
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const same = [
        child.stdin === child.stdin,
        child.stdout === child.stdout,
        child.stderr === child.stderr,
        child.status === child.status,
      ];
      await child.stdin.close();
      await child.output();
      return same;
    },
  ],
  [
    "kill() without a signal is SIGTERM",
    async (C) => {
      const child = new C(deno, {
        args: evalArgs(IDLE),
        stdout: "piped",
        stderr: "null",
      }).spawn();
      await waitForText(child.stdout);
      child.kill();
      const status = await child.status;
      await child.stdout.cancel();
      return statusOf(status);
    },
    DIFFERENCES.statusOfTheEnded.here,
  ],
  [
    "kill(SIGKILL) is told apart in the status",
    async (C) => {
      const child = new C(deno, {
        args: evalArgs(IDLE),
        stdout: "piped",
        stderr: "null",
      }).spawn();
      await waitForText(child.stdout);
      child.kill("SIGKILL");
      const status = await child.status;
      await child.stdout.cancel();
      return statusOf(status);
    },
    DIFFERENCES.statusOfTheEnded.here,
  ],
  [
    "kill(0) does nothing",
    async (C) => {
      const child = new C(deno, {
        args: evalArgs("await Deno.stdin.read(new Uint8Array(1))"),
        stdin: "piped",
        stdout: "null",
        stderr: "null",
      }).spawn();
      child.kill(0 as unknown as Deno.Signal);
      await child.stdin.close();
      return statusOf(await child.status);
    },
    DIFFERENCES.olderModel.here,
  ],
  [
    "an abort ends the child",
    async (C) => {
      const abort = new AbortController();
      const child = new C(deno, {
        args: evalArgs(IDLE),
        stdout: "piped",
        stderr: "null",
        signal: abort.signal,
      }).spawn();
      await waitForText(child.stdout);
      abort.abort();
      const status = await child.status;
      await child.stdout.cancel();
      return statusOf(status);
    },
    DIFFERENCES.statusOfTheEnded.here,
  ],
  [
    "an abort after the exit changes nothing",
    async (C) => {
      const abort = new AbortController();
      const child = new C(deno, {
        args: evalArgs(""),
        signal: abort.signal,
      }).spawn();
      const status = await child.status;
      abort.abort();
      return statusOf(status);
    },
  ],
  [
    "the end of an `await using` scope ends the child",
    async (C) => {
      let status: Promise<Deno.CommandStatus>;
      {
        await using child = new C(deno, {
          args: evalArgs(IDLE),
          stdout: "null",
          stderr: "null",
        }).spawn();
        status = child.status;
      }
      return statusOf(await status);
    },
    DIFFERENCES.statusOfTheEnded.here,
  ],
  [
    "the options are read when the child is started",
    async (C) => {
      const options = { args: evalArgs("console.log('before')") };
      const command = new C(deno, options);
      options.args = evalArgs("console.log('after')");
      return outputOf(await command.output());
    },
  ],
  [
    "a command can be used again and again",
    async (C) => {
      const command = new C(deno, { args: evalArgs("console.log(1)") });
      return [outputOf(await command.output()), outputOf(command.outputSync())];
    },
  ],
];

for (const [name, scenario, ignore = false] of ALIKE) {
  Deno.test({
    name: `Command does as Deno.Command: ${name}`,
    ignore,
    async fn() {
      const outcome = await sameAsDeno(scenario);
      const failed = outcome !== null && typeof outcome === "object" &&
        "error" in outcome;
      assertEquals(failed, false, `both failed: ${JSON.stringify(outcome)}`);
    },
  });
}

// What both must refuse with the same class: name, scenario, what our message says.
const REFUSED: readonly (readonly [
  name: string,
  scenario: Scenario,
  message: string,
  ignore?: boolean,
])[] = [
  [
    "a missing program",
    (C) => new C("no-such-program-anywhere").spawn(),
    "'no-such-program-anywhere'",
  ],
  [
    "a missing program, in output()",
    (C) => new C("no-such-program-anywhere").output(),
    "'no-such-program-anywhere'",
  ],
  [
    "a missing program, in outputSync()",
    (C) => new C("no-such-program-anywhere").outputSync(),
    "'no-such-program-anywhere'",
  ],
  [
    "a missing program by its path",
    (C) => new C(MISSING).spawn(),
    `'${MISSING}'`,
    DIFFERENCES.spawnErrorsByPath.here ||
    DIFFERENCES.refusalsByPath.here,
  ],
  [
    "a missing working directory, told apart from a missing program",
    (C) =>
      new C(deno, { args: evalArgs(""), cwd: "no-such-directory" }).spawn(),
    "No such cwd 'no-such-directory'",
    DIFFERENCES.spawnErrorsByPath.here,
  ],
  [
    "a working directory that is a file",
    (C) => new C(deno, { args: evalArgs(""), cwd: THIS_FILE }).spawn(),
    `cwd is not a directory '${THIS_FILE}'`,
    DIFFERENCES.spawnErrorsByPath.here,
  ],
  [
    "a program that is a directory",
    (C) => new C(HERE).spawn(),
    HERE,
    DIFFERENCES.spawnErrorsByPath.here ||
    DIFFERENCES.refusalsByPath.here,
  ],
  [
    "a program that is no executable",
    (C) => new C(THIS_FILE).spawn(),
    THIS_FILE,
    DIFFERENCES.spawnErrorsByPath.here || DIFFERENCES.execPermission.here,
  ],
  [
    "piped stdin in output()",
    (C) => new C(deno, { args: evalArgs(""), stdin: "piped" }).output(),
    "Piped stdin is not supported for this function",
  ],
  [
    "piped stdin in outputSync()",
    (C) => new C(deno, { args: evalArgs(""), stdin: "piped" }).outputSync(),
    "Piped stdin is not supported for this function",
  ],
  [
    "a URL that is no file",
    (C) => new C(new URL("https://example.com/x")).spawn(),
    "Must be a file URL",
  ],
  [
    "a cwd URL that is no file",
    (C) => new C(deno, { cwd: new URL("https://example.com/x") }).spawn(),
    "Must be a file URL",
  ],
  [
    "a stdio mode that is none",
    (C) => new C(deno, { stdout: "pipe" as "piped" }).spawn(),
    "stdout",
  ],
  [
    "an unknown signal",
    async (C) => {
      await using child = new C(deno, {
        args: evalArgs(IDLE),
        stdout: "null",
      }).spawn();
      child.kill("SIGFOO" as Deno.Signal);
    },
    "SIGFOO",
  ],
  [
    "output() of a child whose stdout is being read",
    async (C) => {
      await using child = new C(deno, {
        args: evalArgs("console.log(1)"),
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const reader = child.stdout.getReader();
      try {
        await child.output();
      } finally {
        await reader.cancel();
        await child.stderr.cancel();
        await child.status;
      }
    },
    "Cannot collect output: 'stdout' is locked",
  ],
  [
    "ChildProcess made by a caller",
    (C) => {
      const Made = C === (Command as unknown) ? Ours : Deno.ChildProcess;
      return new (Made as unknown as new () => unknown)();
    },
    "Illegal constructor",
  ],
];

import { ChildProcess as Ours } from "../../mod.ts";

for (const [name, scenario, message, ignore = false] of REFUSED) {
  Deno.test({
    name: `Command refuses as Deno.Command: ${name}`,
    ignore,
    async fn() {
      const failure = await sameErrorAsDeno(scenario);
      assertStringIncludes(failure.message, message);
    },
  });
}

function messageOf(get: () => unknown): string {
  try {
    get();
    return "no error";
  } catch (error) {
    return String(error);
  }
}
