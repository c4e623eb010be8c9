import { assert, assertEquals } from "@std/assert";
import { viewAt } from "../../../ffi/library.ts";
import { readWide, wideString } from "../../../ffi/memory.ts";
import { parseCommandLine } from "../../../windows/system/command_line_parse.ts";
import { compareNames, foldName } from "../../../windows/spawn/executable.ts";
import batVectors from "../../unit/data/vectors_bat.json" with { type: "json" };
import parseVectors from "../../unit/data/vectors_parse.json" with {
  type: "json",
};
import { fixture, ignore, openLibraries, spec, start } from "../support.ts";

Deno.test.beforeAll(openLibraries);

const DENO = Deno.execPath();

/** Calls `CommandLineToArgvW` itself. */
function systemParse(lines: readonly string[]): string[][] {
  const shell32 = Deno.dlopen("shell32.dll", {
    CommandLineToArgvW: { parameters: ["buffer", "buffer"], result: "usize" },
  });
  const results = lines.map((line) => {
    const count = new Uint32Array(1);
    const list = shell32.symbols.CommandLineToArgvW(wideString(line), count);
    return Array.from({ length: count[0]! }, (_, index) => {
      const view = viewAt(viewAt(list).getBigUint64(index * 8));
      const bytes = new Uint8Array(new ArrayBuffer(4_096));
      let at = 0;
      for (; view.getUint16(at) !== 0; at += 2) {
        new DataView(bytes.buffer).setUint16(at, view.getUint16(at), true);
      }
      return readWide(bytes, at / 2);
    });
  });
  shell32.close();
  return results;
}

Deno.test({
  name: "parseCommandLine() agrees with CommandLineToArgvW itself",
  ignore,
  fn() {
    const lines = parseVectors.map(({ cmdline }) => cmdline).filter((line) =>
      line.trim() !== ""
    );
    const expected = systemParse(lines);
    for (let i = 0; i < lines.length; i++) {
      assertEquals(
        parseCommandLine(lines[i]!, "CommandLineToArgvW"),
        expected[i],
        lines[i],
      );
    }
  },
});

Deno.test({
  name: "600 random arguments arrive in a real child as they were",
  ignore,
  async fn() {
    const pieces = [
      "\\",
      '"',
      " ",
      "\t",
      "a",
      "é",
      "😅",
      '""',
      "%PATH%",
      "^",
      "&",
      "|",
      "*",
      "'",
    ];
    const args: string[] = ["", " ", "\\", '"', "a\\\\", "\\\\ ", '\\"'];
    const random = new Uint32Array(8_000);
    crypto.getRandomValues(random);
    let at = 0;
    for (let i = 0; i < 600; i++) {
      let argument = "";
      for (let k = random[at++]! % 10; k > 0; k--) {
        argument += pieces[random[at++]! % pieces.length];
      }
      args.push(argument);
    }
    await using child = start(
      spec(DENO, fixture("print_args", ...args), { stdout: "piped" }),
    );
    assertEquals(JSON.parse(await child.text()), args);
  },
});

Deno.test({
  name: "raw arguments are not quoted",
  ignore,
  async fn() {
    await using child = start(
      spec("cmd", ["/d", "/c", 'echo "a  b" c'], {
        stdout: "piped",
        windowsRawArguments: true,
      }),
    );
    assertEquals(await child.line(), '"a  b" c');
  },
});

Deno.test({
  name: "foldName() orders names as CompareStringOrdinal does",
  ignore,
  fn() {
    const kernel32 = Deno.dlopen("kernel32.dll", {
      CompareStringOrdinal: {
        parameters: ["buffer", "i32", "buffer", "i32", "i32"],
        result: "i32",
      },
    });
    const differing: string[] = [];
    for (let unit = 1; unit < 0xD800; unit++) {
      const name = String.fromCharCode(unit);
      const folded = foldName(name);
      if (folded === name) continue;
      const order = kernel32.symbols.CompareStringOrdinal(
        wideString(name),
        1,
        wideString(folded),
        1,
        1,
      );
      if (order !== 2) differing.push(name);
    }
    kernel32.close();
    assertEquals(compareNames(foldName("abc"), foldName("ABC")), 0);
    // Letters that got their capitals after the system's table was made, all of
    // them high up; no program names a variable so.
    const old = differing.filter((name) => foldName(name) < "\u1c89");
    assertEquals(old, []);
  },
});

Deno.test({
  name: "batch files get their arguments as text, for every vector",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const script = `${folder}\\args.bat`;
    const run = fixture("print_args").map((part) => `"${part}"`).join(" ");
    await Deno.writeTextFile(script, `@echo off\r\n"${DENO}" ${run} %*\r\n`);
    for (const { args, expect } of batVectors) {
      if (!expect?.startsWith("arrive")) continue;
      await using child = start(
        spec(script, args, { stdout: "piped", cwd: folder }),
      );
      assertEquals(JSON.parse(await child.text()), args);
    }
    const left = [...Deno.readDirSync(folder)].map(({ name }) => name);
    assertEquals(left, ["args.bat"]);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name:
    "a batch file is started, found by PATHEXT, and its arguments inject nothing",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(
      `${folder}\\say.bat`,
      "@echo off\r\necho got %*\r\n",
    );
    for (
      const name of [
        "say",
        "say.bat",
        `${folder}\\say.bat`,
        `${folder}\\say.bat. .`,
      ]
    ) {
      await using child = start(
        spec(name, ['"&echo INJECTED> injected.txt&"', "plain"], {
          stdout: "piped",
          cwd: folder,
          envNames: ["PATH"],
          envValues: [folder],
        }),
      );
      assert((await child.text()).startsWith("got "), name);
      await child.exited;
    }
    const left = [...Deno.readDirSync(folder)].map((entry) => entry.name);
    assertEquals(left, ["say.bat"]);
    await Deno.remove(folder, { recursive: true });
  },
});
