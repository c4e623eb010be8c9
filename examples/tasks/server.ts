// deno-lint-ignore-file no-console -- says where it listens
/**
 * A server that does not know that it is supervised.
 *
 * @module
 */

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}/`),
}, () => new Response("hello\n"));
