/** Import and first spawn, with this library. @module */
import { Command } from "../../../mod.ts";

const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
await new Command("/bin/true", quiet).spawn().status;
