/**
 * A process tree as lines of text.
 *
 * @module
 */

import { formatDuration } from "../arguments/operands.ts";
import type { Palette } from "../terminal/colour.ts";

/** A process and its details; null where they are not known. */
export interface TreeRow {
  readonly pid: number;
  readonly ppid: number;
  readonly name: string;
  readonly command: string;
  readonly state: string;
  /** Milliseconds since its start. */
  readonly age: number | null;
  readonly user: string | null;
  /** Share of one processor, in percent. */
  readonly cpu: number | null;
  /** Resident memory, in bytes. */
  readonly memory: number | null;
}

/** A row and the lines in front of its command. */
export interface PlacedRow {
  readonly row: TreeRow;
  readonly branch: string;
}

/**
 * Puts rows in the order of the tree. A member whose parent has ended hangs on
 * a dotted branch below the root: the parent it had is not known any more.
 *
 * @param rows The members, oldest first.
 * @param root The process they belong to, or null for as many trees as there are.
 * @returns The rows with their branches.
 */
export function placeRows(
  rows: readonly TreeRow[],
  root: number | null,
): PlacedRow[] {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const children = new Map<number, TreeRow[]>();
  const tops: TreeRow[] = [];
  const orphans = new Set<TreeRow>();
  const hang = (row: TreeRow, parent: number): void => {
    const siblings = children.get(parent) ?? [];
    siblings.push(row);
    children.set(parent, siblings);
  };
  for (const row of rows) {
    if (row.pid === root) tops.push(row);
    else if (byPid.has(row.ppid) && row.ppid !== row.pid) hang(row, row.ppid);
    else if (root === null || !byPid.has(root)) tops.push(row);
    else {
      orphans.add(row);
      hang(row, root);
    }
  }
  const placed: PlacedRow[] = [];
  const place = (row: TreeRow, branch: string, indent: string): void => {
    placed.push({ row, branch });
    const below = children.get(row.pid) ?? [];
    below.forEach((child, i) => {
      const last = i === below.length - 1;
      const line = orphans.has(child) ? "╌" : "─";
      place(
        child,
        `${indent}${last ? "└" : "├"}${line} `,
        `${indent}${last ? "   " : "│  "}`,
      );
    });
  };
  for (const top of tops) place(top, "", "");
  return placed;
}

interface Column {
  readonly title: string;
  readonly text: (row: TreeRow) => string;
  readonly right: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: "PID", text: (row) => String(row.pid), right: true },
  { title: "USER", text: (row) => row.user ?? "", right: false },
  {
    title: "CPU%",
    text: ({ cpu }) => cpu === null ? "" : cpu.toFixed(1),
    right: true,
  },
  {
    title: "MEM",
    text: ({ memory }) => memory === null ? "" : formatBytes(memory),
    right: true,
  },
  {
    title: "AGE",
    text: ({ age }) => age === null ? "" : formatDuration(Math.max(age, 0)),
    right: true,
  },
];

/**
 * Draws a tree. A column of which nothing is known is left out.
 *
 * @param rows The members, oldest first.
 * @param root The process they belong to, or null.
 * @param width Characters in a line, or Infinity.
 * @param palette Colours.
 * @returns The lines, a heading first.
 */
export function drawTree(
  rows: readonly TreeRow[],
  root: number | null,
  width: number,
  palette: Palette,
): string[] {
  const columns = COLUMNS.map((column) => {
    const texts = rows.map(column.text);
    return { ...column, width: Math.max(...texts.map((one) => one.length)) };
  }).filter((column) => column.width > 0).map((column) => ({
    ...column,
    width: Math.max(column.width, column.title.length),
  }));
  const line = (text: (column: Column) => string): string =>
    columns.map((one) =>
      one.right ? text(one).padStart(one.width) : text(one).padEnd(one.width)
    ).join(" ");
  const heading = `${line((one) => one.title)} COMMAND`;
  return [
    palette.bold(heading),
    ...placeRows(rows, root).map(({ row, branch }) => {
      const left = line((one) => one.text(row));
      const room = Math.max(width - left.length - 1 - branch.length, 10);
      const usual = row.state === "running" || row.state === "sleeping" ||
        row.state === "idle";
      const state = usual ? "" : `[${row.state}] `;
      const command = cut(state + visible(row.command), room);
      return `${left} ${palette.dim(branch)}${command}`;
    }),
  ];
}

// A command line may hold anything: nothing of it may steer the terminal.
function visible(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are meant
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/**
 * Words a size.
 *
 * @param bytes Bytes.
 * @returns `512K`, `12.4M`, `1.5G`.
 */
export function formatBytes(bytes: number): string {
  const kibi = bytes / 1024;
  if (kibi < 1000) return `${Math.round(kibi)}K`;
  if (kibi < 1000 * 1024) return `${(kibi / 1024).toFixed(1)}M`;
  return `${(kibi / 1024 / 1024).toFixed(1)}G`;
}
