// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Tries every cell of the matrix and writes the tables into docs/promise.md:
 * `deno task matrix`, as root on Linux with a C compiler; `--host HOST`: its table
 * alone. `--write TEXT` tries and writes the cells whose name contains the text,
 * `--only TEXT` tries them, `--every N` each
 * Nth; these are compared with the page, which is not written.
 *
 * @module
 */

import { underReaper } from "../chaos/reaper.ts";
import { cellIsOf, cellText, type Host, HOSTS, isFalse } from "./cells.ts";
import { CALLS, type Outcome, SHAPES, type Way, WAYS } from "./cells.ts";
import { isAsPromised, readPage, writePage } from "./page.ts";
import { Stage } from "./stage.ts";

const INSIDE = "KILLABLE_MATRIX_NAMESPACE";
// Whether a process without marks is still known is luck: the page tells of the worst.
const LUCK = 3;

interface Cell {
  readonly host: Host;
  readonly shape: string;
  readonly way: Way;
  readonly name: string;
}

function allCells(): Cell[] {
  const cells: Cell[] = [];
  for (const host of Object.keys(HOSTS) as Host[]) {
    for (const shape of Object.keys(SHAPES)) {
      for (const way of WAYS) {
        if (!cellIsOf(host, way, shape)) continue;
        cells.push({ host, shape, way, name: `${host} | ${shape} | ${way}` });
      }
    }
  }
  return cells;
}

function chosen(): Cell[] {
  const [flag, value = ""] = Deno.args;
  const cells = allCells();
  if (flag === undefined) return cells;
  if (flag === "--host") return cells.filter(({ host }) => host === value);
  if (flag === "--only" || flag === "--write") {
    return cells.filter(({ name }) => name.includes(value));
  }
  if (flag === "--every" && Number(value) > 0) {
    return cells.filter((_, i) => i % Number(value) === 0);
  }
  throw new TypeError(
    `Unknown argument '${flag}': use --host HOST, --write TEXT, --only TEXT or --every N`,
  );
}

async function worst(stage: Stage, cell: Cell): Promise<Outcome> {
  const called = (CALLS as readonly string[]).includes(cell.way);
  const times = called && cell.shape.includes("without any") ? LUCK : 1;
  let found: Outcome | undefined;
  for (let i = 0; i < times; i++) {
    const outcome = await stage.try(cell.host, cell.way, cell.shape);
    if (found === undefined || outcome.left > found.left) found = outcome;
    if (isFalse(outcome)) return outcome;
  }
  return found as Outcome;
}

async function tryAll(cells: readonly Cell[]): Promise<Map<string, Outcome>> {
  await using stage = await Stage.open();
  const found = new Map<string, Outcome>();
  let host = "";
  for (const cell of cells) {
    if (cell.host !== host) console.log(`${host = cell.host} …`);
    const outcome = await worst(stage, cell);
    found.set(cell.name, outcome);
    if (isFalse(outcome)) {
      const { left, told } = outcome;
      console.log(`FALSE: ${cell.name}: ${left} live, told ${told}`);
    }
  }
  return found;
}

// In a namespace of its own: a process of somebody else's that has lost its marks is a
// doubt for every tree of the machine.
async function goneOnInNamespace(): Promise<boolean> {
  if (Deno.env.has(INSIDE)) return false;
  // deno-fmt-ignore
  const { code } = await new Deno.Command("unshare", {
    args: ["--pid", "--fork", "--mount-proc", "--kill-child", Deno.execPath(),
      "run", "--quiet", "--no-config", "--no-lock", "-A", import.meta.url, ...Deno.args],
    env: { [INSIDE]: "yes" },
  }).spawn().status;
  Deno.exitCode = code;
  return true;
}

if (await goneOnInNamespace()) Deno.exit();
await underReaper(import.meta.url);
const cells = chosen();
const found = await tryAll(cells);
if (
  Deno.args.length === 0 || ["--host", "--write"].includes(Deno.args[0] ?? "")
) {
  const all = await readPage();
  for (const [name, outcome] of found) all.set(name, cellText(outcome));
  await writePage(all);
}
const page = await readPage();
let failures = 0;
for (const [name, outcome] of found) {
  const text = page.get(name) ?? "";
  // A host whose table is not written yet.
  if (text === "") continue;
  if (!isFalse(outcome) && isAsPromised(outcome, text)) continue;
  failures++;
  console.log(
    `${name}: ${cellText(outcome)}; the page says ${text || "nothing"}`,
  );
}
console.log(`${found.size} cells tried, ${failures} not as the page says`);
Deno.exit(failures === 0 ? 0 : 1);
