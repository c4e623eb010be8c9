/** The same script with `Deno.Command`. @module */

const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
await new Deno.Command("/bin/true", quiet).spawn().status;
