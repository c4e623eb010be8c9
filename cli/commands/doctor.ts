/**
 * `doctor`: the guarantees of this machine, and the reasons for missing ones.
 *
 * @module
 */

import type {
  Capabilities,
  MechanismReport,
} from "../../backend/containment.ts";
import { capabilities } from "../library.ts";
import { type Palette, paletteFor } from "../terminal/colour.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { print, textWidth, wrapText } from "../terminal/say.ts";
import { UsageError } from "../arguments/operands.ts";

type Option = "json";

/** Its operands and options. */
export const SPEC: CommandSpec<Option> = {
  name: "doctor",
  program: "killable doctor",
  summary: "show the guarantees that this machine allows, and why not more",
  usage: "[OPTION]...",
  description: [
    "Shows the mechanisms that can hold a process tree here, the extent of each, the one in use, and the effect of the permissions of this Deno.",
  ],
  options: [{ name: "json", short: "j", help: "the same as JSON" }],
  stopsAtOperand: false,
  examples: [
    ["killable doctor", "read it"],
    ["killable doctor --json | jq -r .containment", "for a script"],
  ],
  exitStatus: [
    ["0", "trees are held whole here, and end with their parent"],
    ["1", "something is missing, which is named"],
    ["2", "a mistake in the command line"],
  ],
  permissions: "--allow-ffi --allow-run; the effect of any other set is shown",
  usageStatus: 2,
};

const PERMISSIONS: readonly (readonly [Deno.PermissionName, string])[] = [
  ["ffi", "needed for everything"],
  ["run", "to start programs, and to send signals"],
  ["read", "'tree' needs --allow-all for user, processor and memory on Linux"],
  ["env", "to obey FORCE_COLOR; children get the environment without it"],
];

interface Diagnosis {
  readonly deno: string;
  readonly system: string;
  readonly containment: string | null;
  readonly mechanisms: readonly MechanismReport[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly problem: string;
}

/** Runs it. */
export function run(given: GivenOptions<Option>): Promise<number> {
  if (given.operands.length > 0) {
    throw new UsageError(`extra operand '${given.operands[0]}'`);
  }
  const diagnosis = diagnose();
  if (given.has("json")) print(JSON.stringify(diagnosis, null, 2));
  else print(worded(diagnosis, paletteFor(Deno.stdout)));
  return Promise.resolve(diagnosis.problem === "" ? 0 : 1);
}

// Where the use of a permission is told, behind its name and state.
const USE_COLUMN = 25;

function diagnose(): Diagnosis {
  const permissions: Record<string, string> = {};
  for (const [name] of PERMISSIONS) permissions[name] = stateOf(name);
  let found: Capabilities | null = null;
  let problem = "";
  try {
    found = capabilities();
    problem = shortcoming(found);
  } catch (error) {
    problem = `${(error as Error).message}`;
  }
  if (problem === "" && permissions["run"] === "denied") {
    problem = "no program may be started: run again with --allow-run";
  }
  return {
    deno: Deno.version.deno,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    containment: found?.containment ?? null,
    mechanisms: found?.mechanisms ?? [],
    permissions,
    problem,
  };
}

function stateOf(name: Deno.PermissionName): string {
  const { state, partial } = Deno.permissions.querySync(
    { name } as Deno.PermissionDescriptor,
  );
  return state === "granted" ? partial ? "partly" : "granted" : "denied";
}

function shortcoming({ containment, mechanisms }: Capabilities): string {
  const used = mechanisms.find((one) => one.mechanism === containment);
  if (used === undefined) return "no mechanism can be had";
  if (!used.holdsEscapees) {
    return `${containment} does not hold all that its members start: ${used.why}`;
  }
  return used.endsWithParent
    ? ""
    : `trees outlive a killed parent: ${used.why}`;
}

function worded(diagnosis: Diagnosis, palette: Palette): string {
  const { mechanisms, containment, permissions, problem } = diagnosis;
  const lines = [
    `Deno ${diagnosis.deno} on ${diagnosis.system}`,
    "",
    palette.bold("Mechanisms, the strongest first:"),
  ];
  for (const one of mechanisms) {
    const used = one.mechanism === containment ? " (used)" : "";
    const mark = one.available ? palette.green("yes") : palette.yellow("no ");
    lines.push(`  ${mark} ${palette.bold(one.mechanism)}${used}`);
    if (one.available) {
      lines.push(
        ...indented(
          `what leaves its process group is ${held(one.holdsEscapees)}`,
        ),
        ...indented(
          `what a killed parent leaves is ${ended(one.endsWithParent)}`,
        ),
      );
    }
    if (one.why !== "") {
      lines.push(...indented(one.why));
    }
  }
  lines.push("", palette.bold("Permissions:"));
  for (const [name, use] of PERMISSIONS) {
    const state = permissions[name]!;
    const shown = state === "granted" ? palette.green(state) : state;
    const gap = " ".repeat(8 - state.length);
    const [first, ...rest] = wrapText(use, textWidth() - USE_COLUMN);
    lines.push(
      `  --allow-${name.padEnd(5)} ${shown}${gap} ${first}`,
      ...rest.map((line) => " ".repeat(USE_COLUMN) + line),
    );
  }
  lines.push("");
  if (problem === "") {
    lines.push(
      palette.green("Trees are held whole here, and end with their parent."),
    );
  } else {
    const [first, ...rest] = wrapText(`Missing: ${problem}`, textWidth());
    lines.push(first!.replace("Missing:", palette.red("Missing:")), ...rest);
  }
  return lines.join("\n");
}

function indented(text: string): string[] {
  return wrapText(text, textWidth() - 8).map((line) => `        ${line}`);
}

function held(yes: boolean): string {
  return yes ? "held" : "not held";
}

function ended(yes: boolean): string {
  return yes ? "ended" : "not ended";
}
