/**
 * Every function that is bound, on whichever system, has the types of its
 * prototype, and one parameter of padding behind them.
 */

import { assert, assertEquals, assertExists, assertThrows } from "@std/assert";
import { lazyLibrary } from "../../../ffi/library.ts";
import {
  C_PROTOTYPES,
  type Prototype,
  WINDOWS_PROTOTYPES,
} from "./prototypes.ts";

type Native = (...args: unknown[]) => unknown;
type Asked = Readonly<
  Record<string, Deno.ForeignFunction | Deno.ForeignStatic>
>;

/** One library that was opened without the operating system. */
interface Opened {
  /** What `Deno.dlopen` was asked for. */
  readonly asked: Asked;
  /** The functions that are called by their address. */
  readonly byAddress: Map<string, Deno.ForeignFunction>;
  /** The arguments of the last call of each function. */
  readonly calls: Map<string, readonly unknown[]>;
  closed: boolean;
}

/** Everything that is opened while `use` runs. */
function openedBy(use: () => void): readonly Opened[] {
  const { dlopen, UnsafeFnPointer } = Deno;
  const all: Opened[] = [];
  const replace = (name: string, value: unknown) =>
    Object.defineProperty(Deno, name, { value, configurable: true });
  const symbol = (opened: Opened, name: string) =>
    "type" in opened.asked[name]!
      ? { opened, name }
      : (...args: unknown[]) => (opened.calls.set(name, args), 0);
  replace("dlopen", (_path: string, asked: Asked) => {
    const opened: Opened = {
      asked,
      byAddress: new Map(),
      calls: new Map(),
      closed: false,
    };
    all.push(opened);
    const symbols = Object.keys(asked).map((name) => [
      name,
      symbol(opened, name),
    ]);
    const close = () => opened.closed = true;
    return { symbols: Object.fromEntries(symbols), close };
  });
  replace(
    "UnsafeFnPointer",
    class {
      readonly call: Native;
      constructor(
        { opened, name }: { opened: Opened; name: string },
        definition: Deno.ForeignFunction,
      ) {
        opened.byAddress.set(name, definition);
        this.call = (...args) => opened.calls.set(name, args);
      }
    },
  );
  try {
    use();
  } finally {
    replace("dlopen", dlopen);
    replace("UnsafeFnPointer", UnsafeFnPointer);
  }
  return all;
}

/** The types that may stand for a type of C, on 64-bit systems. */
function typesFor(type: string): readonly unknown[] {
  if (type.includes("*") || /^(LP(?!ARAM)|P[A-Z])/.test(type)) {
    return ["buffer", "pointer", "usize"];
  }
  return {
    void: ["void"],
    int: ["i32"],
    INT: ["i32"],
    ssize_t: ["i32"], // see libc.ts
    BOOL: ["i32"],
    pid_t: ["i32"],
    kern_return_t: ["i32"],
    idtype_t: ["i32"],
    JOBOBJECTINFOCLASS: ["u32"],
    id_t: ["u32"],
    mode_t: ["u32"],
    u_int: ["u32"],
    "unsigned int": ["u32"],
    pthread_key_t: ["u64"], // u32 in glibc, unsigned long on macOS
    socklen_t: ["u32"],
    DWORD: ["u32"],
    UINT: ["u32"],
    ULONG: ["u32"],
    GROUP: ["u32"],
    NTSTATUS: ["u32"],
    WORD: ["u16"],
    ATOM: ["u16"],
    short: ["i16"],
    UCHAR: ["u8"],
    // The kernel looks at 32 bits of what small calls give it.
    long: ["i64", "i32"],
    off_t: ["i64"],
    uint64_t: ["u64"],
    "unsigned long": ["u64"],
    nfds_t: ["usize"],
    size_t: ["usize"],
    SIZE_T: ["usize"],
    DWORD_PTR: ["usize"],
    ULONG_PTR: ["usize"],
    WPARAM: ["usize"],
    LPARAM: ["isize"],
    HANDLE: ["usize"],
    HMODULE: ["usize"],
    HWND: ["usize"],
    SOCKET: ["usize"],
    FARPROC: ["usize"],
  }[type] ?? [];
}

function expectType(found: unknown, type: string, where: string): void {
  const allowed = typesFor(type);
  // An address as a result can be an integer of either kind: -1 is MAP_FAILED.
  const address = type === "void *" && found === "isize";
  assert(
    address || allowed.includes(found),
    `${where}: ${found} for '${type}', which is ${allowed.join(" or ")}`,
  );
}

// What a variadic function is given beyond its prototype.
const VARIADIC = ["i32", "u32", "i64", "u64", "usize", "buffer"];

// Groups that macOS never opens.
const LINUX = [
  "libcLinux",
  "libcMemory",
  "libcTerminal",
  "libcCgroup",
  "libcFiles",
];

/**
 * On Apple arm64 a variadic argument is on the stack: none is passed, or it is
 * behind as many as there are registers. The plain `fcntl` is for Intel.
 */
function expectPortable(
  group: string,
  key: string,
  parameters: readonly unknown[],
  prototype: Prototype,
): void {
  if (!prototype.variadic || LINUX.includes(group) || key === "fcntl") return;
  const expected = key.endsWith("_on_stack") ? 9 : prototype.parameters.length;
  assertEquals(parameters.length, expected, `${group}: ${key}`);
}

function expectSignature(
  name: string,
  symbol: Deno.ForeignFunction,
  prototype: Prototype,
): void {
  const { parameters } = symbol;
  for (const [i, type] of prototype.parameters.entries()) {
    expectType(parameters[i], type, `${name}, parameter ${i}`);
  }
  expectType(symbol.result, prototype.result, `${name}, result`);
  const further = parameters.slice(prototype.parameters.length);
  if (!prototype.variadic) assertEquals(further, [], name);
  for (const type of further) {
    assert(VARIADIC.includes(String(type)), `${name}: ${type}`);
  }
}

const PADDING: Deno.NativeStructType = { struct: ["u64"] };

interface Bound {
  readonly where: string;
  readonly url: string;
  readonly prototypes: ReadonlyMap<string, Prototype>;
}

const MODULES: readonly Bound[] = [
  { where: "libc", url: "posix/system/libc.ts", prototypes: C_PROTOTYPES },
  {
    where: "kernel32",
    url: "windows/system/kernel32.ts",
    prototypes: WINDOWS_PROTOTYPES,
  },
];

/** Opens whatever a module can open: its groups, and what its functions use. */
async function openAll(url: string): Promise<readonly [string, Opened][]> {
  const module = await import(import.meta.resolve(`../../../${url}`));
  return Object.entries(module).flatMap(([group, value]) => {
    if (typeof value !== "function") return [];
    const opened = openedBy(() => {
      // errno has no address here.
      try {
        value();
      } catch (error) {
        assert(error instanceof TypeError, String(error));
      }
    });
    return opened.map((one): [string, Opened] => [group, one]);
  });
}

for (const { where, url, prototypes } of MODULES) {
  Deno.test(`each function of ${where} is bound as its prototype says`, async () => {
    const opened = await openAll(url);
    let checked = 0;
    for (const [group, { asked, byAddress, closed }] of opened) {
      assert(closed, `${where} was left open`);
      for (const [key, symbol] of Object.entries(asked)) {
        const pointed = byAddress.get(key);
        if ("type" in symbol && pointed === undefined) continue; // a static
        const whole = pointed ?? symbol as Deno.ForeignFunction;
        const parameters = [...whole.parameters];
        // One that is called by its address has no stub anyhow.
        if (pointed === undefined) assertEquals(parameters.pop(), PADDING, key);
        const name = symbol.name ?? key;
        const prototype = prototypes.get(name);
        assertExists(prototype, `no prototype of ${name}`);
        expectSignature(key, { ...whole, parameters }, prototype);
        expectPortable(group, key, parameters, prototype);
        checked++;
      }
    }
    assert(checked > 5, `only ${checked} functions were looked at`);
  });
}

Deno.test("arguments arrive in their order, and the padding behind them", () => {
  for (let count = 0; count <= 10; count++) {
    const parameters = Array.from({ length: count }, () => "i32" as const);
    const open = lazyLibrary(["x"], { f: { parameters, result: "i32" } });
    let given: Record<string, Native> = {};
    const [opened] = openedBy(() => given = open() as never);
    const args = parameters.map((_, i) => i + 1);
    given.f!(...args);
    const padding = new Uint8Array(8);
    assertEquals(opened!.calls.get("f"), [...args, padding]);
  }
});

Deno.test("more parameters than are provided for are refused when binding", () => {
  const parameters = Array.from({ length: 11 }, () => "i32" as const);
  const open = lazyLibrary(["x"], { f: { parameters, result: "i32" } });
  openedBy(() => assertThrows(open, RangeError, "ten are the most"));
});

Deno.test("a nonblocking function is bound by its address, without padding", () => {
  const open = lazyLibrary(["x"], {
    wait: {
      name: "epoll_wait",
      parameters: ["i32", "buffer", "i32", "i32"],
      result: "i32",
      nonblocking: true,
    },
  });
  let given: Record<string, Native> = {};
  const [opened] = openedBy(() => given = open() as never);
  assertEquals(opened!.asked.wait, {
    name: "epoll_wait",
    optional: false,
    type: "pointer",
  });
  given.wait!(1, null, 3, 4);
  assertEquals(opened!.calls.get("wait"), [1, null, 3, 4]);
});
