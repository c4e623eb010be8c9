import { assert, assertEquals, assertThrows } from "@std/assert";
import type { SpawnSpec } from "../../../backend/spec.ts";
import { SystemError } from "../../../backend/errors.ts";
import { windowsBackend } from "../../../windows/backend.ts";
import { Struct } from "../../../ffi/memory.ts";
import { processes } from "../../../windows/system/kernel32.ts";
import { SECURITY_ATTRIBUTES } from "../../../windows/system/win32.ts";
import { handleCount } from "../handle_count.ts";
import {
  fixture,
  ignore,
  isWine,
  openLibraries,
  spec,
  start,
  until,
} from "../support.ts";

Deno.test.beforeAll(() => {
  openLibraries();
  // Opens its library.
  if (!ignore) handleCount();
});

const DENO = Deno.execPath();

function refusal(
  request: SpawnSpec,
): Error & { code?: string; errno?: number } {
  return assertThrows(() => windowsBackend().spawn(request)) as Error;
}

Deno.test({
  name: "spawn() says what was wrong, as Deno.Command does",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const text = `${folder}\\text.exe`;
    await Deno.writeTextFile(text, "not a program");
    const missing = refusal(spec("no-such-program", []));
    assert(missing instanceof Deno.errors.NotFound);
    assertEquals(
      missing.message,
      "Failed to spawn 'no-such-program': entity not found",
    );
    assertEquals(missing.code, "ERROR_FILE_NOT_FOUND");
    assert(refusal(spec(".\\nothing.exe", [])) instanceof Deno.errors.NotFound);
    assert(refusal(spec(folder, [])) instanceof Deno.errors.NotFound);

    const cwd = refusal(spec("cmd", [], { cwd: `${folder}\\none` }));
    assert(cwd instanceof Deno.errors.NotFound);
    assert(cwd.message.includes("No such cwd"));
    const file = refusal(spec("cmd", [], { cwd: text }));
    assert(file.message.includes("cwd is not a directory"));
    assert(
      refusal(spec("cmd", [], { cwd: "NUL" })) instanceof Deno.errors.NotFound,
    );

    const format = refusal(spec(text, []));
    assert(format instanceof SystemError);
    assertEquals([format.code, format.errno], ["ERROR_BAD_EXE_FORMAT", 193]);
    const long = refusal(spec("cmd", ["x".repeat(40_000)]));
    assertEquals(long.code, "ERROR_FILENAME_EXCED_RANGE");
    assert(refusal(spec("cmd", ["\ud800"])) instanceof TypeError);
    assert(
      refusal(spec("cmd", [], { containment: "cgroup" })) instanceof
        Deno.errors.NotSupported,
    );
    await Deno.remove(folder, { recursive: true });
  },
});

// Under Wine a spawn takes ten times as long: fewer of them there.
const MANY = isWine() ? 120 : 500;

Deno.test({
  name: `${MANY} spawns and 100 refused ones leave no handle open`,
  ignore,
  async fn() {
    async function one(): Promise<void> {
      await using child = start(
        spec("cmd", ["/c", "exit"], { stdin: "piped", stdout: "piped" }),
      );
      await child.exited;
    }
    // Deno and Wine open some things of their own in the first rounds.
    for (let i = 0; i < 20; i++) await one();
    const before = handleCount();
    for (let i = 0; i < MANY; i++) await one();
    for (let i = 0; i < 50; i++) {
      refusal(spec("no-such-program", [], { stdin: "piped" }));
      refusal(
        spec(new URL(import.meta.url).pathname.slice(1), [], {
          stdout: "piped",
        }),
      );
    }
    const after = handleCount();
    // Deno's own come and go by two or three.
    assert(after <= before + 5, `${before} handles before, ${after} after`);
  },
});

Deno.test({
  name: "a child inherits the handles it is given and no others",
  ignore,
  async fn() {
    const kernel32 = Deno.dlopen("kernel32.dll", {
      CreateEventW: {
        parameters: ["buffer", "i32", "i32", "buffer"],
        result: "usize",
      },
    });
    const inheritable = new Struct(SECURITY_ATTRIBUTES);
    inheritable.set("nLength", SECURITY_ATTRIBUTES.size);
    inheritable.set("bInheritHandle", 1);
    const event = kernel32.symbols.CreateEventW(inheritable.bytes, 1, 0, null);
    kernel32.close();
    const script = `
      const { symbols } = Deno.dlopen("kernel32.dll", {
        GetHandleInformation: { parameters: ["usize", "buffer"], result: "i32" },
        SetEvent: { parameters: ["usize"], result: "i32" } });
      symbols.SetEvent(${event}n);
      console.log("done");`;
    const args = ["eval", "--no-config", script];
    const seen = (): boolean => processes().WaitForSingleObject(event, 0) === 0;
    {
      await using child = start(spec(DENO, args, { stdout: "piped" }));
      assertEquals(await child.line(), "done");
      assert(!seen(), "the event reached a child of ours");
    }
    // The counter-proof: Deno.Command's children inherit whatever they may.
    await new Deno.Command(DENO, { args }).output();
    assert(seen());
    processes().CloseHandle(event);
  },
});

Deno.test({
  name: "a suspended child starts when it is resumed",
  ignore,
  async fn() {
    const echo = ["/c", "echo started"];
    await using child = start(
      spec("cmd", echo, { stdout: "piped", suspended: true }),
    );
    // One that was started after it has come to its end meanwhile.
    await using later = start(spec("cmd", echo, { stdout: "piped" }));
    assertEquals(await later.line(), "started");
    assertEquals((await later.exited).code, 0);
    assertEquals(child.child.exitStatus(true), null);
    let said = false;
    const line = child.line().then((text) => {
      said = true;
      return text;
    });
    await using last = start(spec("cmd", echo, { stdout: "piped" }));
    await last.exited;
    assert(!said);
    child.child.resumeTree();
    assertEquals(await line, "started");
    assertEquals((await child.exited).code, 0);
  },
});

Deno.test({
  name: "suspendTree() stops a tree, calls nest, and resumeTree() continues it",
  ignore,
  async fn() {
    const script = "setInterval(() => console.log('tick'), 20)";
    const args = ["eval", "--no-config", script];
    await using child = start(spec(DENO, args, { stdout: "piped" }));
    // The same program, which goes on: the clock of this test.
    await using clock = start(spec(DENO, args, { stdout: "piped" }));
    await child.line();
    await clock.line();
    child.child.suspendTree();
    child.child.suspendTree();
    assertEquals(child.child.members()[0]?.state, "stopped");
    // What was written before it stopped is still in the pipe.
    const view = new Uint8Array(65_536);
    let next = child.child.stdout!.read(view, false);
    while (typeof next === "number") {
      next = child.child.stdout!.read(view, false);
    }
    let ticked = false;
    const pending = Promise.resolve(next).then(() => ticked = true);
    for (let tick = 0; tick < 10; tick++) await clock.line();
    child.child.resumeTree();
    for (let tick = 0; tick < 10; tick++) await clock.line();
    assert(!ticked);
    child.child.resumeTree();
    await pending;
  },
});

Deno.test({
  name: "the child's directory, arguments and environment are those asked for",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "ü " });
    const script =
      "console.log(JSON.stringify([Deno.cwd(), Deno.env.get('Ä'), Deno.env.get('path')]))";
    await using child = start(
      spec(DENO, ["eval", "--no-config", script], {
        stdout: "piped",
        cwd: folder,
        envNames: ["Ä", "PATH"],
        envValues: ["ö=ü", "C:\\only"],
      }),
    );
    assertEquals(JSON.parse(await child.line()), [folder, "ö=ü", "C:\\only"]);
    await child.exited;
    await child.child.watchTree().wait(5_000);
    // The console host was started in that folder too, and ends last.
    await until("the folder is free", () => {
      try {
        Deno.removeSync(folder);
        return true;
      } catch {
        return false;
      }
    });
  },
});

Deno.test({
  name:
    "a cleared environment keeps SYSTEMROOT and has nothing of the parent's",
  ignore,
  async fn() {
    Deno.env.set("KILLABLE_SECRET", "1");
    await using child = start(
      spec(DENO, fixture("print_env"), {
        stdout: "piped",
        clearEnv: true,
        envNames: ["DENO_DISABLE_NODE_SHIM", "NO_COLOR"],
        envValues: ["1", "1"],
      }),
    );
    const environment = JSON.parse(await child.line());
    Deno.env.delete("KILLABLE_SECRET");
    const names = Object.keys(environment).map((name) => name.toUpperCase());
    assert(names.includes("SYSTEMROOT"));
    assert(!names.includes("KILLABLE_SECRET"));
  },
});

Deno.test({
  name:
    "the backend works where Promise.prototype.then and array iteration are broken",
  ignore,
  async fn() {
    await using child = start(
      spec(DENO, fixture("hostile"), { stdout: "piped", stderr: "inherit" }),
    );
    assertEquals(await child.line(), "survived 0");
  },
});
