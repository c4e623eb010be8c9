import * as path from "@std/path";
import * as posix from "@std/path/posix";
import * as windows from "@std/path/windows";
import { assertEquals, assertThrows } from "@std/assert";

Deno.test("@std/path is the flavour of this operating system", () => {
  const own = Deno.build.os === "windows" ? windows : posix;
  assertEquals<string>(path.SEPARATOR, own.SEPARATOR);
  assertEquals<string>(path.DELIMITER, own.DELIMITER);
  assertEquals(path.join("a", "..", "b", "c"), own.join("b", "c"));
  assertEquals(
    path.fromFileUrl(path.toFileUrl(path.resolve("a b"))),
    path.join(Deno.cwd(), "a b"),
  );
  assertEquals(path.isAbsolute(Deno.cwd()), true);
  assertEquals(path.parse("a/b.c").name, "b");
});

Deno.test("posix paths", () => {
  assertEquals(posix.SEPARATOR, "/");
  assertEquals(posix.DELIMITER, ":");
  assertEquals(posix.join("/a", "../b", "./c"), "/b/c");
  assertEquals(posix.join(new URL("file:///a%20b"), "c"), "/a b/c");
  assertEquals(posix.join(""), ".");
  assertEquals(posix.normalize("/a/./b//../c/"), "/a/c/");
  assertEquals(posix.resolve("/a", "b", "../c"), "/a/c");
  assertEquals(posix.relative("/a/b", "/a/c/d"), "../c/d");
  assertEquals(posix.dirname("/a/b.c"), "/a");
  assertEquals(posix.dirname(new URL("file:///a/b")), "/a");
  assertEquals(posix.dirname("a"), ".");
  assertEquals(posix.extname("a/b.tar.gz"), ".gz");
  assertEquals(posix.extname(".bashrc"), "");
  assertEquals(posix.isAbsolute("a"), false);
  assertEquals(posix.parse("/a/b.c"), {
    root: "/",
    dir: "/a",
    base: "b.c",
    ext: ".c",
    name: "b",
  });
});

Deno.test("posix.basename() names a root by its separator", () => {
  assertEquals(posix.basename("/a/b.c"), "b.c");
  assertEquals(posix.basename("/a/b.c", ".c"), "b");
  assertEquals(posix.basename("a/b/"), "b");
  assertEquals(posix.basename("bs", "bs"), "bs");
  assertEquals(posix.basename("a\\b"), "a\\b");
  assertEquals(posix.basename("a\\"), "a\\");
  assertEquals(posix.basename("/"), "/");
  assertEquals(posix.basename("///", "x"), "/");
  assertEquals(posix.basename(""), "");
});

Deno.test("windows paths", () => {
  assertEquals(windows.SEPARATOR, "\\");
  assertEquals(windows.DELIMITER, ";");
  assertEquals(windows.join("C:\\a", "../b"), "C:\\b");
  assertEquals(windows.normalize("C:/a//b"), "C:\\a\\b");
  assertEquals(windows.resolve("C:\\a", "..\\b"), "C:\\b");
  assertEquals(windows.relative("C:\\a\\b", "C:\\a\\c"), "..\\c");
  assertEquals(windows.dirname("C:\\a\\b"), "C:\\a");
  assertEquals(windows.extname("C:\\a.EXE"), ".EXE");
  assertEquals(windows.isAbsolute("C:\\"), true);
  assertEquals(windows.isAbsolute("C:"), false);
  assertEquals(windows.basename("C:\\a\\b.c", ".c"), "b");
  assertEquals(windows.basename("C:\\"), "\\");
  assertEquals(windows.basename("C:"), "");
  assertEquals(windows.parse("C:\\a\\b").root, "C:\\");
});

/** File URLs that go both ways, by flavour. */
const BOTH_WAYS: [typeof posix | typeof windows, string, string][] = [
  [posix, "/", "file:///"],
  [posix, "/home/a b", "file:///home/a%20b"],
  [posix, "/home/%20", "file:///home/%2520"],
  [posix, "/a\\b", "file:///a%5Cb"],
  [posix, "/a\nb", "file:///a%0Ab"],
  [posix, "/ü?#", "file:///%C3%BC%3F%23"],
  [windows, "C:\\", "file:///C:/"],
  [windows, "C:\\a b\\c", "file:///C:/a%20b/c"],
  [windows, "\\a", "file:///a"],
  [windows, "\\\\server\\share\\a", "file://server/share/a"],
];

Deno.test("toFileUrl() and fromFileUrl() undo each other", () => {
  for (const [flavour, file, url] of BOTH_WAYS) {
    assertEquals(flavour.toFileUrl(file).href, url);
    assertEquals(flavour.fromFileUrl(url), file);
    assertEquals(flavour.fromFileUrl(new URL(url)), file);
  }
});

Deno.test("fromFileUrl() takes a lone percent sign as it is", () => {
  assertEquals(posix.fromFileUrl("file:///%"), "/%");
  assertEquals(windows.fromFileUrl("file:///%"), "\\%");
  assertEquals(windows.fromFileUrl("file:///C:"), "C:\\");
  assertEquals(windows.fromFileUrl("file://localhost/a"), "\\a");
});

Deno.test("toFileUrl() and fromFileUrl() refuse what they cannot mean", () => {
  for (const flavour of [posix, windows]) {
    assertThrows(() => flavour.fromFileUrl("http://a/b"), TypeError, "http:");
    assertThrows(() => flavour.toFileUrl("a"), TypeError, "absolute");
  }
  assertThrows(() => windows.toFileUrl("//:/a"), TypeError, "hostname");
  assertEquals(windows.toFileUrl("//localhost/a").href, "file:///a");
  assertEquals(posix.toFileUrl("//localhost/a").href, "file:///localhost/a");
});
