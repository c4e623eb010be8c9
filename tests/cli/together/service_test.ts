/** The definitions of the commands of `together`, and where they come from. */

import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../cli/arguments/operands.ts";
import {
  type ServiceOptions,
  toServices,
} from "../../../cli/together/service.ts";
import { parseProcfile, taskNames } from "../../../cli/together/sources.ts";

const COMMANDS = [["db", "./db"], ["web", "./web"], ["a:b", "./c"]] as const;

function services(options: Partial<ServiceOptions>) {
  return toServices(COMMANDS, {
    after: [],
    ready: [],
    health: [],
    restart: [],
    restartLimit: undefined,
    restartDelay: undefined,
    ...options,
  });
}

Deno.test("dependencies have names with colons, and conditions", () => {
  const [, web, other] = services({
    after: ["web=db:exited,a:b", "a:b=db", "web=db:started"],
  });
  assertEquals(web!.after, [
    { name: "db", condition: "exited" },
    { name: "a:b", condition: "ready" },
    { name: "db", condition: "started" },
  ]);
  assertEquals(other!.after, [{ name: "db", condition: "ready" }]);
});

Deno.test("checks are of four kinds", () => {
  const of = (text: string) => services({ ready: [`db=${text}`] })[0]!.ready;
  assertEquals(of("port:80"), {
    kind: "port",
    hostname: "127.0.0.1",
    port: 80,
  });
  assertEquals(of("port:[::1]:80"), {
    kind: "port",
    hostname: "::1",
    port: 80,
  });
  assertEquals(of("line:a=b: c"), { kind: "line", text: "a=b: c" });
  assertEquals(of("http://h:1/p"), { kind: "url", url: "http://h:1/p" });
  assertEquals(of("url:https://h"), { kind: "url", url: "https://h" });
  assertEquals(of("file:/run/x"), { kind: "file", path: "/run/x" });
});

Deno.test("restarts: for all or one, their limit and their delay", () => {
  const [db, web] = services({
    restart: ["always", "web=on-failure"],
    restartLimit: "3/1m",
    restartDelay: "1s..4s",
  });
  assertEquals([db!.restart.mode, web!.restart.mode], ["always", "on-failure"]);
  const { limit, window, delay, maxDelay } = db!.restart;
  assertEquals([limit, window, delay, maxDelay], [3, 60_000, 1000, 4000]);
});

Deno.test("a mistake is refused with what to write", () => {
  for (
    const [options, message] of [
      [{ after: ["web"] }, "invalid --after 'web': write it like NAME=VALUE"],
      [{ after: ["webb=db"] }, "did you mean 'web'?"],
      [{ after: ["web=db:up"] }, "one of started, ready, exited"],
      [{ after: ["web=web"] }, "'web' would wait for itself"],
      [{ after: ["web=db", "db=a:b", "a:b=web"] }, "wait for each other"],
      [{ ready: ["db=port:0"] }, "invalid --ready 'port:0'"],
      [{ ready: ["db=soon"] }, "invalid --ready 'soon'"],
      [{ health: ["db=line:x"] }, "invalid --health 'line:x'"],
      [{ restart: ["sometimes"] }, "never, on-failure, always"],
      [{ restartLimit: "0" }, "invalid --restart-limit '0'"],
    ] as const
  ) {
    assertThrows(() => services(options), UsageError, message);
  }
  const twice = [["a", "1"], ["a", "2"]] as const;
  assertThrows(
    () =>
      toServices(twice, {
        after: [],
        ready: [],
        health: [],
        restart: [],
        restartLimit: undefined,
        restartDelay: undefined,
      }),
    UsageError,
    "two commands are called 'a'",
  );
});

Deno.test("a Procfile has names, comments and empty lines", () => {
  assertEquals(
    parseProcfile("# all\nweb: ./web -p $PORT\r\n\n  db_1-x:  ./db  \n", "P"),
    [["web", "./web -p $PORT"], ["db_1-x", "./db"]],
  );
  assertThrows(() => parseProcfile("web\n", "P"), UsageError, "P, line 1");
  assertThrows(() => parseProcfile("# none", "P"), UsageError, "no command");
});

Deno.test("tasks are those of a configuration with comments, or scripts", () => {
  const text = `{ // "tasks": 1
    "tasks": { "a": "x // y", /* b */ "c": { "command": "z", }, },
  }`;
  assertEquals(taskNames(text, "deno.jsonc"), ["a", "c"]);
  assertEquals(taskNames('{ "scripts": { "s": "" } }', "package.json"), ["s"]);
  assertThrows(() => taskNames("{", "f"), UsageError, "cannot read 'f'");
});
