// deno-lint-ignore-file no-console -- says where it listens
/**
 * A server that has no idea of who watches it.
 *
 * @module
 */

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}/`),
}, () => new Response("hello\n"));
