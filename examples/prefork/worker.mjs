// deno-lint-ignore-file no-console -- how it says that it is ready
/**
 * One worker of `prefork.ts`: serves HTTP on descriptor 3, which it inherited.
 * Runs with Deno, where it needs no permission, and with Node.
 *
 * SIGTERM: it accepts no more connections, answers what comes on those that it
 * has, each for the last time, and ends when none is left.
 */

import { createServer } from "node:http";
import { Server } from "node:net";
import process from "node:process";

let ending = false;

const server = createServer((_request, response) => {
  // The client opens its next connection, which another worker accepts.
  if (ending) response.setHeader("connection", "close");
  response.end(`hello from ${process.pid}\n`);
});

process.once("SIGTERM", () => {
  ending = true;
  // Not http's own close(): it also closes connections that are idle for the
  // moment, on which a request may be under way. The listening socket stays open
  // in the other processes, with the connections that wait on it. Nor exit(): a
  // connection may just be accepted. Those that stay idle are closed after
  // `keepAliveTimeout`, 5 seconds.
  Server.prototype.close.call(server);
});

server.listen({ fd: 3 }, () => console.log("ready"));
