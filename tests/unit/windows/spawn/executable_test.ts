import { assertEquals } from "@std/assert";
import {
  existingExecutable,
  findExecutable,
} from "../../../../windows/spawn/executable.ts";
import type { FileSystem } from "../../../../windows/system/file_system.ts";

/** A file system of these files, without regard to case. */
function files(...paths: string[]): FileSystem {
  const known = new Set(paths.map((path) => path.toLowerCase()));
  return {
    isFile: (path) => known.has(path.toLowerCase()),
    absolute: (path) => path.replaceAll("/", "\\"),
  };
}

const PLACES = {
  path: 'C:\\one;"C:\\semi;colon";D:\\two;;rel',
  pathext: ".COM;.EXE;.BAT;.CMD",
  cwd: "C:\\here",
};

function find(name: string, ...paths: string[]): string | null {
  return findExecutable(name, PLACES, files(...paths));
}

Deno.test("findExecutable() goes through PATH in order, and PATHEXT in each directory", () => {
  assertEquals(
    find("tool", "D:\\two\\tool.COM", "C:\\one\\tool.EXE"),
    "C:\\one\\tool.EXE",
  );
  assertEquals(find("npm", "D:\\two\\npm.cmd"), "D:\\two\\npm.CMD");
  assertEquals(find("a", "C:\\semi;colon\\a.exe"), "C:\\semi;colon\\a.EXE");
  assertEquals(find("a", "C:\\here\\rel\\a.exe"), "C:\\here\\rel\\a.EXE");
});

Deno.test("findExecutable() takes a name with an extension as it is", () => {
  assertEquals(find("a.exe", "D:\\two\\a.exe"), "D:\\two\\a.exe");
  assertEquals(find("a.exe", "D:\\two\\a.exe.exe"), null);
  assertEquals(find("py3.12", "D:\\two\\py3.12.exe"), "D:\\two\\py3.12.EXE");
});

Deno.test("findExecutable() does not look into the current directory", () => {
  assertEquals(find("evil", "C:\\here\\evil.exe"), null);
});

Deno.test("findExecutable() resolves a path against the child's directory", () => {
  assertEquals(find("./a.exe"), "C:\\here\\.\\a.exe");
  assertEquals(find("sub\\a.exe"), "C:\\here\\sub\\a.exe");
  assertEquals(find("\\a.exe"), "C:\\a.exe");
  assertEquals(find("D:\\x\\a.exe"), "D:\\x\\a.exe");
  assertEquals(find("\\\\server\\share\\a.exe"), "\\\\server\\share\\a.exe");
});

Deno.test("existingExecutable() adds .com or .exe only where there is no extension", () => {
  const disk = files(
    "C:\\a.exe",
    "C:\\b.com",
    "C:\\b.exe",
    "C:\\c",
    "C:\\d.txt",
  );
  assertEquals(existingExecutable("C:\\a", disk), "C:\\a.exe");
  assertEquals(existingExecutable("C:\\b", disk), "C:\\b.com");
  assertEquals(existingExecutable("C:\\c", disk), null);
  assertEquals(existingExecutable("C:\\d.txt", disk), "C:\\d.txt");
  assertEquals(existingExecutable("C:\\x.exe", disk), null);
  assertEquals(existingExecutable("C:\\", disk), null);
});
