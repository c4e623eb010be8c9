/** What arrives in C and comes back, for every kind of parameter and result. */

import { assertEquals } from "@std/assert";
import { addressOf, buffer, lazyLibrary } from "../../../ffi/library.ts";
import { EMULATED_MACOS } from "../../fixtures/deno.ts";

const windows = Deno.build.os === "windows";
// The emulated libSystem has what the library calls, and no more.
const posix = !windows && !EMULATED_MACOS;

const text = (value: string) => new TextEncoder().encode(`${value}\0`);
const said = (bytes: Uint8Array) =>
  new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));

const libc = lazyLibrary(
  [Deno.build.os === "darwin" ? "/usr/lib/libSystem.B.dylib" : "libc.so.6"],
  {
    abs: { parameters: ["i32"], result: "i32" },
    llabs: { parameters: ["i64"], result: "i64" },
    strtoull: { parameters: ["buffer", "usize", "i32"], result: "u64" },
    htons: { parameters: ["u16"], result: "u16" },
    htonl: { parameters: ["u32"], result: "u32" },
    memcpy: { parameters: ["usize", "buffer", "usize"], result: "usize" },
    strchr: { parameters: ["buffer", "i32"], result: "pointer" },
    posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
    posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
    posix_spawnattr_getflags: {
      parameters: ["buffer", "buffer"],
      result: "i32",
    },
    // Seven: one more than System V has registers for integers.
    getnameinfo: {
      parameters: ["buffer", "u32", "buffer", "u32", "buffer", "u32", "i32"],
      result: "i32",
    },
    is_not_there: { parameters: ["i32"], result: "i32", optional: true },
  },
);

Deno.test({
  name: "numbers of each width arrive in C and come back",
  ignore: !posix,
  fn() {
    const c = libc();
    assertEquals(c.abs(-5), 5);
    assertEquals(c.abs(0x7fff_ffff), 0x7fff_ffff);
    assertEquals(c.llabs(-9_007_199_254_740_993n), 9_007_199_254_740_993n);
    assertEquals(c.llabs(-5n), 5n);
    const most = 0xffff_ffff_ffff_ffffn;
    assertEquals(c.strtoull(text(String(most)), 0n, 10), most);
    assertEquals(c.htons(0x0102), 0x0201);
    assertEquals(c.htons(0xff00), 0x00ff);
    assertEquals(c.htonl(0xff01_0203), 0x0302_01ff);
  },
});

Deno.test({
  name: "a short arrives, at both ends of its range",
  ignore: !posix,
  fn() {
    const c = libc();
    const attributes = buffer(512);
    const flags = new Int16Array(new ArrayBuffer(2));
    assertEquals(c.posix_spawnattr_init(attributes), 0);
    for (const one of [0, 2, 0x82]) {
      assertEquals(c.posix_spawnattr_setflags(attributes, one), 0);
      const bytes = new Uint8Array(flags.buffer);
      assertEquals(c.posix_spawnattr_getflags(attributes, bytes), 0);
      assertEquals(flags[0], one);
    }
    // Flags that do not exist: EINVAL, if the sign came along.
    assertEquals(c.posix_spawnattr_setflags(attributes, -0x8000), 22);
  },
});

Deno.test({
  name: "addresses go both ways",
  ignore: !posix,
  fn() {
    const c = libc();
    const target = buffer(4);
    const address = addressOf(target);
    assertEquals(c.memcpy(address, new Uint8Array([1, 2, 3, 4]), 4n), address);
    assertEquals([...target], [1, 2, 3, 4]);
    const hay = text("hay");
    const found = c.strchr(hay, "y".charCodeAt(0));
    assertEquals(Deno.UnsafePointer.value(found), addressOf(hay) + 2n);
    assertEquals(c.strchr(hay, "z".charCodeAt(0)), null);
  },
});

Deno.test({
  name: "the seventh parameter arrives",
  ignore: !posix,
  fn() {
    const NUMERIC = Deno.build.os === "darwin" ? 2 | 8 : 1 | 2;
    const address = buffer(16);
    if (Deno.build.os === "darwin") address.set([16, 2, 31, 144, 127, 0, 0, 1]);
    else address.set([2, 0, 31, 144, 127, 0, 0, 1]);
    const [host, port] = [buffer(64), buffer(32)];
    const failed = libc().getnameinfo(address, 16, host, 64, port, 32, NUMERIC);
    assertEquals(failed, 0);
    assertEquals([said(host), said(port)], ["127.0.0.1", "8080"]);
  },
});

Deno.test({
  name: "an optional function that is not there is null",
  ignore: !posix,
  fn() {
    assertEquals(libc().is_not_there, null);
  },
});

const kernel32 = lazyLibrary(["kernel32.dll"], {
  MulDiv: { parameters: ["i32", "i32", "i32"], result: "i32" },
  GetTickCount64: { parameters: [], result: "u64" },
  // Eight: four more than Win64 has registers.
  WideCharToMultiByte: {
    // deno-fmt-ignore
    parameters: ["u32", "u32", "buffer", "i32", "buffer", "i32", "buffer", "buffer"],
    result: "i32",
  },
  lstrlenA: { parameters: ["usize"], result: "i32" },
  is_not_there: { parameters: ["i32"], result: "i32", optional: true },
});
const ntdll = lazyLibrary(["ntdll.dll"], {
  RtlNtStatusToDosError: { parameters: ["u32"], result: "u32" },
  _atoi64: { parameters: ["buffer"], result: "i64" },
});

Deno.test({
  name: "numbers, addresses and eight parameters arrive on Windows",
  ignore: !windows,
  fn() {
    const k = kernel32();
    assertEquals(k.MulDiv(-7, 6, 3), -14);
    assertEquals(k.GetTickCount64() > 0n, true);
    const bytes = text("four");
    assertEquals(k.lstrlenA(addressOf(bytes)), 4);
    assertEquals(ntdll().RtlNtStatusToDosError(0xc000_0005), 998);
    const wide = text("-9007199254740993");
    assertEquals(ntdll()._atoi64(wide), -9_007_199_254_740_993n);
    const units = new Uint16Array([0x67, 0xfc, 0]); // "gü"
    const utf8 = buffer(8);
    const source = new Uint8Array(units.buffer);
    const written = k.WideCharToMultiByte(
      65001,
      0,
      source,
      2,
      utf8,
      8,
      null,
      null,
    );
    assertEquals([...utf8.subarray(0, written)], [0x67, 0xc3, 0xbc]);
    assertEquals(k.is_not_there, null);
  },
});
