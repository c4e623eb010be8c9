/** The code is built as its plan says: `plan.ts`, drawn in ARCHITECTURE.md. */

import { assert, assertEquals } from "@std/assert";
import { list } from "../runner/project.ts";
import { circles, graph, sources, withoutComments } from "./imports.ts";
import {
  FLOORS,
  LONGEST_FILE,
  NOT_YET,
  ONLY_POSIX,
  ONLY_WINDOWS,
  ROOMS,
  SYSTEM_CHECKS,
} from "./plan.ts";

const FILES = await sources();
const ARROWS = graph(FILES);
const TWINS = ["posix", "windows"];

function sorted(all: Iterable<string>): string[] {
  return [...all].sort();
}

/** The folder at the top level, or the file there. */
function floor(path: string): string {
  return path.split("/")[0]!;
}

/** The room of a path inside its twin. */
function room(path: string): string {
  return path.split("/")[1]!.replace(/\.ts$/, "");
}

function depth(path: string): number {
  return ROOMS[floor(path)]!.findIndex((line) => line.includes(room(path)));
}

/** Whether a file may import another one. */
function allowed(from: string, to: string): boolean {
  if (floor(from) !== floor(to)) {
    return FLOORS[floor(from)]?.includes(floor(to)) ?? false;
  }
  if (!TWINS.includes(floor(from)) || room(from) === room(to)) return true;
  return depth(from) < depth(to);
}

/** The files whose code, comments aside, matches. */
function matching(pattern: RegExp): string[] {
  return sorted(
    [...FILES.keys()].filter((path) =>
      pattern.test(withoutComments(FILES.get(path)!))
    ),
  );
}

Deno.test("the house: every file was found and every import leads to one", () => {
  assert(FILES.size > 100, `${FILES.size} files`);
  const astray: string[] = [];
  let count = 0;
  for (const [from, targets] of ARROWS) {
    for (const to of targets) {
      count++;
      if (!FILES.has(to)) astray.push(`${from} → ${to}`);
    }
  }
  assertEquals(astray, []);
  assert(count > 3 * FILES.size, `${count} imports`);
});

Deno.test("the house: every room of the twins has its place in the order", () => {
  const paths = [...FILES.keys()].filter((one) => TWINS.includes(floor(one)));
  assertEquals(paths.filter((one) => depth(one) < 0), []);
});

Deno.test("the house: no import goes against the order", () => {
  const against: string[] = [];
  for (const [from, targets] of ARROWS) {
    for (const to of targets) {
      if (!allowed(from, to)) against.push(`${from} → ${to}`);
    }
  }
  assertEquals(sorted(against), sorted(NOT_YET.arrows!));
});

Deno.test("the house: no files import each other in a circle", () => {
  assertEquals(circles(ARROWS), sorted(NOT_YET.circles!));
  assertEquals(
    circles(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]])),
    ["b, c"],
  );
});

Deno.test("the house: only the twins ask for the operating system", () => {
  const asking = matching(/\bDeno\s*\.\s*build\b/).filter((path) =>
    !TWINS.includes(floor(path))
  );
  assertEquals(asking, sorted(Object.keys(SYSTEM_CHECKS)));
});

Deno.test("the house: native libraries are opened in ffi/ alone", () => {
  assertEquals(
    matching(/\bDeno\s*\.\s*dlopen\b/).filter((one) => floor(one) !== "ffi"),
    [],
  );
});

Deno.test("the house: the twins have the same rooms and files", () => {
  const [posix, windows] = TWINS.map((twin) =>
    new Set(
      [...FILES.keys()].filter((one) => floor(one) === twin)
        .map((one) => one.slice(twin.length + 1)),
    )
  );
  assertEquals(
    sorted(posix!.difference(windows!)),
    sorted(Object.keys(ONLY_POSIX)),
  );
  assertEquals(
    sorted(windows!.difference(posix!)),
    sorted(Object.keys(ONLY_WINDOWS)),
  );
  assert(posix!.intersection(windows!).size >= 15);
});

Deno.test("the house: no file is too long to be read at once", () => {
  const long = [...FILES].filter(([, text]) =>
    text.split("\n").length > LONGEST_FILE
  );
  assertEquals(sorted(long.map(([path]) => path)), sorted(NOT_YET.longFiles!));
});

/** Folders below `tests/` that hold no tests of a folder of the house. */
const OTHER_FOLDERS = [
  "tests/unit/data",
  "tests/windows/chaos",
  "tests/windows/fixtures",
];

async function foldersBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, isDirectory } of await list(folder)) {
    if (!isDirectory) continue;
    found.push(`${folder}/${name}`, ...await foldersBelow(`${folder}/${name}`));
  }
  return found;
}

Deno.test("the house: tests mirror its folders", async () => {
  const house = new Set<string>();
  for (const path of FILES.keys()) {
    const folders = path.split("/").slice(0, -1);
    while (folders.length > 0) {
      house.add(folders.join("/"));
      folders.pop();
    }
  }
  const astray: string[] = [];
  let count = 0;
  for (const suite of ["unit", "cli", "posix", "windows"]) {
    for (const folder of await foldersBelow(`tests/${suite}`)) {
      count++;
      const tested = folder.slice("tests/".length).replace("unit/", "");
      if (!house.has(tested) && !OTHER_FOLDERS.includes(folder)) {
        astray.push(folder);
      }
    }
  }
  assertEquals(astray, []);
  assert(count > 20, `${count} folders`);
});

Deno.test("the house: every exception has a reason", () => {
  for (const list of [SYSTEM_CHECKS, ONLY_POSIX, ONLY_WINDOWS]) {
    for (const [path, reason] of Object.entries(list)) {
      assert(reason.length > 10, path);
    }
  }
});
