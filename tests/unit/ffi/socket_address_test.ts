import { assertEquals } from "@std/assert";
import {
  ADDRINFO_SIZE,
  familyOf,
  familyOfIpv6,
  ipv6Text,
  readAddressInfo,
  readSocketAddress,
  type SocketSystem,
  streamHints,
  unixAddress,
} from "../../../ffi/socket_address.ts";

const V6 = "20010db8000000000000000000000001";

function bytes(hex: string): Uint8Array<ArrayBuffer> {
  const list = hex.replaceAll(" ", "").match(/../g) ?? [];
  return new Uint8Array(list.map((one) => parseInt(one, 16)));
}

// As a C program on each system prints them: 127.0.0.1:8080, [2001:db8::1]:8080.
const IPV4: Readonly<Record<SocketSystem, string>> = {
  linux: "0200 1f90 7f000001 0000000000000000",
  windows: "0200 1f90 7f000001 0000000000000000",
  // sin_len 16, sin_family 2: one byte each.
  darwin: "1002 1f90 7f000001 0000000000000000",
};
const IPV6: Readonly<Record<SocketSystem, string>> = {
  linux: `0a00 1f90 00000000 ${V6} 00000000`,
  windows: `1700 1f90 00000000 ${V6} 00000000`,
  // sin6_len 28, sin6_family 30.
  darwin: `1c1e 1f90 00000000 ${V6} 00000000`,
};

for (const system of ["linux", "darwin", "windows"] as const) {
  Deno.test(`sockaddr_in and sockaddr_in6 are read as ${system} lays them out`, () => {
    assertEquals(familyOf(bytes(IPV4[system]), system), 2);
    assertEquals(readSocketAddress(bytes(IPV4[system]), system), {
      transport: "tcp",
      hostname: "127.0.0.1",
      port: 8080,
    });
    assertEquals(familyOf(bytes(IPV6[system]), system), familyOfIpv6(system));
    assertEquals(readSocketAddress(bytes(IPV6[system]), system), {
      transport: "tcp",
      hostname: "2001:db8::1",
      port: 8080,
    });
  });
}

Deno.test("sockaddr_un begins with a length on macOS alone", () => {
  const hex = (one: Uint8Array | null) =>
    one === null
      ? null
      : Array.from(one, (n) => n.toString(16).padStart(2, "0")).join("");
  assertEquals(hex(unixAddress("/a", "linux")), "01002f6100");
  assertEquals(hex(unixAddress("/a", "darwin")), "05012f6100");
  for (const system of ["linux", "darwin"] as const) {
    assertEquals(readSocketAddress(unixAddress("/a/ä", system)!, system), {
      transport: "unix",
      path: "/a/ä",
    });
    // Without the NUL, as getsockname may give it.
    const address = unixAddress("/a", system)!.subarray(0, 4);
    assertEquals(readSocketAddress(address, system), {
      transport: "unix",
      path: "/a",
    });
  }
});

Deno.test("a path that sun_path has no room for is told", () => {
  assertEquals(unixAddress("/".repeat(107), "linux")?.length, 110);
  assertEquals(unixAddress("/".repeat(108), "linux"), null);
  assertEquals(unixAddress("/".repeat(103), "darwin")?.length, 106);
  assertEquals(unixAddress("/".repeat(104), "darwin"), null);
  // Bytes count, not characters.
  assertEquals(unixAddress("ä".repeat(54), "linux"), null);
});

Deno.test("an address of another family is none", () => {
  assertEquals(readSocketAddress(bytes("1000 0000"), "linux"), null);
});

Deno.test("addrinfo has its address behind the name, but not on Linux", () => {
  const info = new DataView(new ArrayBuffer(ADDRINFO_SIZE));
  info.setInt32(4, 2, true);
  info.setUint32(16, 16, true);
  info.setBigUint64(24, 24n, true);
  info.setBigUint64(32, 32n, true);
  const expected = { family: 2, length: 16 };
  assertEquals(readAddressInfo(info, "linux"), { ...expected, address: 24n });
  assertEquals(readAddressInfo(info, "darwin"), { ...expected, address: 32n });
  assertEquals(readAddressInfo(info, "windows"), { ...expected, address: 32n });
  assertEquals(new Int32Array(streamHints().buffer)[2], 1);
});

const TEXTS: readonly (readonly [string, string])[] = [
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["20010db8000000000000000000000000", "2001:db8::"],
  ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["20010db8000100010001000100010001", "2001:db8:1:1:1:1:1:1"],
  // One group of zeros is not shortened; of two runs the longer, or the first.
  ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["20010000000000010000000000000001", "2001:0:0:1::1"],
  ["fe800000000000000000000000000abc", "fe80::abc"],
  ["00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
];
for (const [hex, text] of TEXTS) {
  Deno.test(`ipv6Text() writes ${text} as RFC 5952 does`, () => {
    assertEquals(ipv6Text(bytes(hex)), text);
  });
}
