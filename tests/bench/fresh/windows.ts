/** `windows.ts ours|deno`: a first command on Windows. @module */

const args = { args: ["/d", "/c", "exit"] };
const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
const Command = Deno.args[0] === "deno"
  ? Deno.Command
  : (await import("../../../mod.ts")).Command;
await new Command("cmd.exe", { ...args, ...quiet }).spawn().status;
