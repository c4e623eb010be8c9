import { assertEquals, assertStringIncludes } from "@std/assert";
import { Palette, wantsColour } from "../../../cli/terminal/colour.ts";
import {
  cpuTime,
  parseUsers,
} from "../../../cli/processes/details_from_proc.ts";
import {
  parsePs,
  parsePsList,
} from "../../../cli/processes/details_from_ps.ts";
import { parseProcess } from "../../../cli/processes/processes_from_proc.ts";
import { progressLine } from "../../../cli/run/stop_progress.ts";
import {
  drawTree,
  formatBytes,
  placeRows,
  type TreeRow,
} from "../../../cli/processes/tree_drawing.ts";
import { wrapText } from "../../../cli/terminal/say.ts";

const PLAIN = new Palette(false);

function row(pid: number, ppid: number, rest: Partial<TreeRow> = {}): TreeRow {
  return {
    pid,
    ppid,
    name: `p${pid}`,
    command: `p${pid} --flag`,
    state: "sleeping",
    age: null,
    user: null,
    cpu: null,
    memory: null,
    ...rest,
  };
}

function branches(rows: readonly TreeRow[], root: number | null): string[] {
  return placeRows(rows, root).map(({ row, branch }) => branch + row.pid);
}

Deno.test("placeRows() draws who started whom", () => {
  const rows = [row(10, 1), row(11, 10), row(12, 10), row(13, 11), row(14, 11)];
  assertEquals(branches(rows, 10), [
    "10",
    "├─ 11",
    "│  ├─ 13",
    "│  └─ 14",
    "└─ 12",
  ]);
});

Deno.test("placeRows() hangs members without a living parent on a dotted branch", () => {
  const rows = [row(10, 1), row(11, 10), row(20, 1), row(21, 20)];
  assertEquals(branches(rows, 10), ["10", "├─ 11", "└╌ 20", "   └─ 21"]);
});

Deno.test("placeRows() shows every row also when the root has ended", () => {
  assertEquals(branches([row(11, 10), row(12, 11)], 10), ["11", "└─ 12"]);
});

Deno.test("drawTree() leaves out columns of which nothing is known", () => {
  assertEquals(drawTree([row(10, 1), row(11, 10)], 10, Infinity, PLAIN), [
    "PID COMMAND",
    " 10 p10 --flag",
    " 11 └─ p11 --flag",
  ]);
});

Deno.test("drawTree() aligns columns, cuts lines and shows unusual states", () => {
  const rows = [
    row(10, 1, {
      user: "root",
      cpu: 12.34,
      memory: 13_000_000,
      age: 65_000,
      command: "node server.mjs --very-long-option",
    }),
    row(4711, 10, { state: "stopped", age: 500 }),
  ];
  assertEquals(drawTree(rows, 10, 50, PLAIN), [
    " PID USER CPU%   MEM   AGE COMMAND",
    "  10 root 12.3 12.4M 1m05s node server.mjs --very…",
    "4711                 500ms └─ [stopped] p4711 --f…",
  ]);
});

Deno.test("drawTree() lets no command line steer the terminal", () => {
  const [, line] = drawTree(
    [row(10, 1, { command: "a\x1b[31mb\nc\u009b1m" })],
    10,
    Infinity,
    PLAIN,
  );
  assertEquals(line, " 10 a [31mb c 1m");
});

Deno.test("formatBytes() needs at most six characters", () => {
  assertEquals(
    [512 * 1024, 12.4 * 1024 ** 2, 1.5 * 1024 ** 3].map(formatBytes),
    ["512K", "12.4M", "1.5G"],
  );
});

Deno.test("progressLine() says who is waited for, and fits", () => {
  const members = [{ pid: 10, name: "npm" }, { pid: 11, name: "node" }];
  assertEquals(
    progressLine(members, 4200, 80),
    "stopping (SIGKILL in 4.2s): waiting for 2 processes: npm 10, node 11",
  );
  const short = progressLine(members, -1, 40);
  assertEquals(short.length, 39);
  assertStringIncludes(short, "stopping (killed): waiting for 2");
});

Deno.test("wantsColour() obeys FORCE_COLOR, then NO_COLOR, then the terminal", () => {
  const base = { noColor: false, forced: undefined, terminal: true };
  assertEquals(wantsColour(base), true);
  assertEquals(wantsColour({ ...base, terminal: false }), false);
  assertEquals(wantsColour({ ...base, noColor: true }), false);
  assertEquals(wantsColour({ ...base, noColor: true, forced: "1" }), true);
  const forced = { ...base, terminal: false, forced: "1" };
  assertEquals(wantsColour(forced), true);
  assertEquals(wantsColour({ ...base, forced: "0" }), false);
  assertEquals(wantsColour({ ...base, forced: "" }), true);
});

Deno.test("Palette writes escapes only when it is on", () => {
  assertEquals(new Palette(true).red("x"), "\x1b[31mx\x1b[39m");
  assertEquals(PLAIN.red("x"), "x");
});

Deno.test("cpuTime() and parseUsers() read proc(5) and passwd(5)", () => {
  const stat =
    "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 99";
  assertEquals(cpuTime(stat), 2000);
  const users = parseUsers(
    "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n",
  );
  assertEquals([...users], [["0", "root"]]);
});

Deno.test("parsePs() reads the columns of ps", () => {
  const found = parsePs(
    "  501 alice     1-02:03:04 2048\n  502 bob 0:01.50 0\nnonsense\n",
  );
  assertEquals([...found], [
    [501, { user: "alice", cpuTime: 93_784_000, memory: 2_097_152 }],
    [502, { user: "bob", cpuTime: 1500, memory: 0 }],
  ]);
});

Deno.test("parsePsList() reads a list of ps", () => {
  assertEquals(
    parsePsList("  501     1 Ss   01:00:00 /usr/sbin/a d -x\nnonsense\n", 9e6),
    [{
      pid: 501,
      ppid: 1,
      name: "a",
      command: "/usr/sbin/a d -x",
      state: "sleeping",
      startTime: 5_400_000,
    }],
  );
});

Deno.test("parseProcess() reads a process, and leaves out threads of the kernel", () => {
  const stat = (pid: number, ppid: number) =>
    `${pid} (a) b) S ${ppid} 7 7 0 -1 64 1 2 3 4 150 50 0 0 20 0 1 0 500 0`;
  assertEquals(parseProcess(stat(7, 1), "a\0-x\0", 1000), {
    pid: 7,
    ppid: 1,
    name: "a) b",
    command: "a -x",
    state: "sleeping",
    startTime: 6000,
  });
  assertEquals(parseProcess(stat(7, 2), "", 1000), null);
  assertEquals(parseProcess(stat(7, 1), "", 1000)?.command, "a) b");
});

Deno.test("wrapText() keeps words whole", () => {
  assertEquals(wrapText("a bb ccc dddddd e", 5), [
    "a bb",
    "ccc",
    "dddddd",
    "e",
  ]);
});
