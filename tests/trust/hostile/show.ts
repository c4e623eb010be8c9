/**
 * What `show.c` does, where there is no C compiler.
 *
 * @module
 */

const parts: string[] = [];
const env = Object.entries(Deno.env.toObject()).map(([k, v]) => `${k}=${v}`);
for (const list of [Deno.args, env]) parts.push(String(list.length), ...list);
parts.push(Deno.cwd());
Deno.stdout.writeSync(new TextEncoder().encode(parts.join("\0")));
