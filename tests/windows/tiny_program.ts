/**
 * The smallest Windows program: it imports nothing and returns its exit code from
 * its first instruction, so that what is measured is the starting of it.
 *
 * Page: "PE Format". x64, which Windows on arm64 runs as well.
 *
 * @module
 */

/** The kind of program: one with a console, or one that has windows, or could. */
export type Subsystem = "console" | "windows";

const HEADERS = 0x200;
const CODE_AT = 0x1000;
const OPTIONAL_HEADER = 240;
// mov eax, <exit code>; ret
const MOV_EAX = 0xB8;
const RET = 0xC3;

/**
 * Its file.
 *
 * @param subsystem What Windows prepares for it.
 * @param exitCode What it exits with.
 * @returns The bytes of the .exe file.
 */
export function tinyProgram(
  subsystem: Subsystem,
  exitCode: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(HEADERS * 2));
  const view = new DataView(bytes.buffer);
  const u16 = (at: number, value: number) => view.setUint16(at, value, true);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  u16(0, 0x5A4D); // MZ
  u32(0x3C, 0x40);
  u32(0x40, 0x4550); // PE
  u16(0x44, 0x8664); // x64
  u16(0x46, 1); // sections
  u16(0x54, OPTIONAL_HEADER);
  u16(0x56, 0x22); // executable, addresses above 2 GB
  const optional = 0x58;
  u16(optional, 0x20B); // PE32+
  u32(optional + 4, HEADERS); // size of code
  u32(optional + 16, CODE_AT); // entry point
  u32(optional + 20, CODE_AT); // base of code
  view.setBigUint64(optional + 24, 0x140000000n, true); // image base
  u32(optional + 32, 0x1000); // section alignment
  u32(optional + 36, 0x200); // file alignment
  u16(optional + 40, 6); // operating system
  u16(optional + 48, 6); // subsystem version
  u32(optional + 56, CODE_AT + 0x1000); // size of image
  u32(optional + 60, HEADERS);
  u16(optional + 68, subsystem === "console" ? 3 : 2);
  u16(optional + 70, 0x100); // no execution of data
  view.setBigUint64(optional + 72, 0x100000n, true); // stack
  view.setBigUint64(optional + 80, 0x1000n, true);
  view.setBigUint64(optional + 88, 0x100000n, true); // heap
  view.setBigUint64(optional + 96, 0x1000n, true);
  u32(optional + 108, 16); // data directories, all empty
  const section = optional + OPTIONAL_HEADER;
  bytes.set(new TextEncoder().encode(".text"), section);
  u32(section + 8, 6); // size in memory
  u32(section + 12, CODE_AT);
  u32(section + 16, HEADERS); // size in the file
  u32(section + 20, HEADERS); // place in the file
  u32(section + 36, 0x60000020); // code, executable, readable
  bytes[HEADERS] = MOV_EAX;
  u32(HEADERS + 1, exitCode);
  bytes[HEADERS + 5] = RET;
  return bytes;
}
