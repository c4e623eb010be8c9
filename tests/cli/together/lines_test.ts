/** Lines of several streams on one output. */

import { assert, assertEquals } from "@std/assert";
import { LineStream, prefixed, Screen } from "../../../cli/together/lines.ts";
import { Output } from "../../../cli/terminal/output.ts";
import { until } from "../../fixtures/deadline.ts";

const encoder = new TextEncoder();
const bytes = (text: string): Uint8Array => encoder.encode(text);

function screenOf(terminal: boolean) {
  let text = "";
  const target = {
    write(piece: Uint8Array): Promise<number> {
      text += new TextDecoder().decode(piece);
      return Promise.resolve(piece.length);
    },
  };
  const output = new Output({ stdout: target, stderr: target }, true);
  const screen = new Screen(output, terminal);
  const stream = (prefix: string) =>
    new LineStream(screen, "stdout", bytes(prefix));
  const shown = async (): Promise<string> => {
    await output.drained(Infinity);
    return text;
  };
  return { screen, stream, shown };
}

Deno.test("every line gets the prefix, whatever its length", () => {
  const text = "\n".repeat(5000) + "x".repeat(10_000) + "\nend";
  const out = new TextDecoder().decode(
    prefixed(bytes(text), bytes("ab "), true),
  );
  assertEquals(out, text.split("\n").map((line) => `ab ${line}`).join("\n"));
});

Deno.test("whole lines only, where the output is no terminal", async () => {
  const { stream, shown } = screenOf(false);
  const [a, b] = [stream("a "), stream("b ")];
  a.push(bytes("one\ntw"));
  b.push(bytes("1\r2\n"));
  a.push(bytes("o\nthree"));
  assertEquals(await shown(), "a one\nb 1\r2\na two\n");
  a.end();
  assertEquals(await shown(), "a one\nb 1\r2\na two\na three\n");
});

Deno.test("a line without an end is passed on in pieces", async () => {
  const { stream, shown } = screenOf(false);
  const a = stream("a ");
  for (let i = 0; i < 5; i++) a.push(bytes("x".repeat(30_000)));
  const begun = await shown();
  assert(begun.startsWith("a xxx") && begun.length > 60_000, `${begun.length}`);
  a.end();
  assertEquals(await shown(), `a ${"x".repeat(150_000)}\n`);
});

Deno.test("a prompt appears on a terminal, and the line of another command below it", async () => {
  const { stream, shown } = screenOf(true);
  const [a, b] = [stream("a "), stream("b ")];
  a.push(bytes("Password: "));
  await until(async () => await shown() === "a Password: ", "the prompt");
  b.push(bytes("line\n"));
  assertEquals(await shown(), "a Password: \nb line\n");
  a.push(bytes("ok\n"));
  assertEquals(await shown(), "a Password: \nb line\na ok\n");
});

Deno.test("a line that goes on has its prefix once", async () => {
  const { stream, shown } = screenOf(true);
  const a = stream("a ");
  a.push(bytes("10%"));
  await until(async () => await shown() === "a 10%", "the first part");
  a.push(bytes(" done\n"));
  assertEquals(await shown(), "a 10% done\n");
});

Deno.test("a carriage return on a terminal writes over the line, name included", async () => {
  const { stream, shown } = screenOf(true);
  const a = stream("a ");
  a.push(bytes("10%\r20%\r"));
  await until(async () => (await shown()).includes("20%"), "the second part");
  a.push(bytes("done\r\n"));
  a.end();
  assertEquals(await shown(), "a 10%\ra 20%\ra done\r\n");
});

Deno.test("a message of the program begins a line", async () => {
  const { screen, stream, shown } = screenOf(true);
  const a = stream("a ");
  a.push(bytes("open"));
  await until(async () => await shown() === "a open", "the line");
  screen.say("together: message");
  a.end();
  assertEquals(await shown(), "a open\ntogether: message\n");
});
