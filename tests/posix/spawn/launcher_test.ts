/**
 * The launcher's code for arm64, run by an emulator: every step of its list, and the
 * program behind it.
 */

import { assertEquals } from "@std/assert";
import { launcherImage } from "../../../posix/spawn/launcher.ts";

const QEMU = "qemu-aarch64-static";
const PATH = Deno.env.get("PATH");

async function hasQemu(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return false;
  try {
    return (await new Deno.Command(QEMU, { args: ["--version"] }).output())
      .success;
  } catch {
    return false;
  }
}

const ignore = !await hasQemu();

async function inFolder(body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(image: Uint8Array, file: string, args: string[]) {
  await Deno.writeFile(file, image, { mode: 0o755 });
  // The variable that the launcher replaces is the first one: qemu turns them round.
  const env = ["-i", "a.b=dotted", `PATH=${PATH}`, "LISTEN_PID=5"];
  const run = await new Deno.Command("env", {
    args: env.concat(QEMU, file, "/bin/sh", args),
  }).output();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { ...run, text: decode(run.stdout), errors: decode(run.stderr) };
}

// Left out where there is no such emulator: the arm64 lane installs it.
Deno.test({
  name: "the launcher of arm64 does the errand and becomes the program",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/in`, "from the file\n");
      const image = launcherImage("/bin/sh", {
        hold: -1,
        stops: false,
        umask: 0o27,
        openFiles: 64n,
        ulimits: "",
        listenPid: true,
        files: [
          { target: 0, copy: -1, path: `${folder}/in`, access: "read" },
          { target: 2, copy: -1, path: `${folder}/err`, access: "write" },
        ],
      }, true);
      const script =
        'umask; ulimit -n; cat; [ "$LISTEN_PID" = $$ ] && echo own; tr "\\0" "\\n" </proc/$$/environ | grep ^a.b=; tr "\\0" " " </proc/$$/cmdline | head -c 10; echo err >&2';
      const { code, text } = await run(image, `${folder}/launcher`, [
        "renamed",
        "-c",
        script,
      ]);
      assertEquals(code, 0);
      assertEquals(
        text,
        "0027\n64\nfrom the file\nown\na.b=dotted\nrenamed -c",
      );
      assertEquals(await Deno.readTextFile(`${folder}/err`), "err\n");
    }),
});

Deno.test({
  name: "the launcher of arm64 ends with 126 when a step fails",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      const image = launcherImage("/bin/echo", {
        hold: -1,
        stops: false,
        umask: null,
        openFiles: null,
        ulimits: "",
        listenPid: false,
        files: [{
          target: 0,
          copy: -1,
          path: `${folder}/none`,
          access: "read",
        }],
      }, true);
      const { code, text } = await run(image, `${folder}/launcher`, ["echo"]);
      assertEquals([code, text], [126, ""]);
    }),
});

Deno.test({
  name: "the launcher of arm64 has sh run a script without an interpreter line",
  ignore,
  fn: () =>
    inFolder(async (folder) => {
      const script = `${folder}/script`;
      await Deno.writeTextFile(script, 'echo "$1"\n');
      await Deno.chmod(script, 0o755);
      const image = launcherImage(script, {
        hold: -1,
        stops: false,
        umask: 0,
        openFiles: null,
        ulimits: "",
        listenPid: false,
        files: [],
      }, true);
      const args = [script, "word"];
      const { code, text } = await run(image, `${folder}/launcher`, args);
      assertEquals([code, text], [0, "word\n"]);
    }),
});
