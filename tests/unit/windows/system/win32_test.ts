import { assertEquals, assertThrows } from "@std/assert";
import { type Layout, Struct } from "../../../../ffi/memory.ts";
import * as win32 from "../../../../windows/system/win32.ts";

/** From the mingw-w64 headers, compiled for x64: `field=offset/size`. */
const HEADERS: Readonly<Record<string, string>> = {
  STARTUPINFOW:
    "104 cb=0/4 lpDesktop=16/8 lpTitle=24/8 dwFlags=60/4 wShowWindow=64/2 cbReserved2=66/2 lpReserved2=72/8 hStdInput=80/8 hStdOutput=88/8 hStdError=96/8",
  STARTUPINFOEXW: "112 StartupInfo=0/104 lpAttributeList=104/8",
  PROCESS_INFORMATION:
    "24 hProcess=0/8 hThread=8/8 dwProcessId=16/4 dwThreadId=20/4",
  SECURITY_ATTRIBUTES:
    "24 nLength=0/4 lpSecurityDescriptor=8/8 bInheritHandle=16/4",
  OVERLAPPED:
    "32 Internal=0/8 InternalHigh=8/8 Offset=16/4 OffsetHigh=20/4 hEvent=24/8",
  OVERLAPPED_ENTRY:
    "32 lpCompletionKey=0/8 lpOverlapped=8/8 Internal=16/8 dwNumberOfBytesTransferred=24/4",
  PROCESSENTRY32W:
    "568 dwSize=0/4 th32ProcessID=8/4 cntThreads=28/4 th32ParentProcessID=32/4 pcPriClassBase=36/4 szExeFile=44/520",
  FILETIME: "8 time=0/8",
  JOBOBJECT_BASIC_LIMIT_INFORMATION:
    "64 PerProcessUserTimeLimit=0/8 PerJobUserTimeLimit=8/8 LimitFlags=16/4 MinimumWorkingSetSize=24/8 MaximumWorkingSetSize=32/8 ActiveProcessLimit=40/4 Affinity=48/8 PriorityClass=56/4 SchedulingClass=60/4",
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION:
    "144 BasicLimitInformation=0/64 PerJobUserTimeLimit=8/8 LimitFlags=16/4 ActiveProcessLimit=40/4 IoInfo=64/48 ProcessMemoryLimit=112/8 JobMemoryLimit=120/8 PeakProcessMemoryUsed=128/8 PeakJobMemoryUsed=136/8",
  JOBOBJECT_BASIC_ACCOUNTING_INFORMATION:
    "48 TotalUserTime=0/8 TotalKernelTime=8/8 ThisPeriodTotalUserTime=16/8 ThisPeriodTotalKernelTime=24/8 TotalPageFaultCount=32/4 TotalProcesses=36/4 ActiveProcesses=40/4 TotalTerminatedProcesses=44/4",
  JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION:
    "96 BasicInfo=0/48 IoInfo=48/48",
  PROCESS_MEMORY_COUNTERS:
    "72 cb=0/4 PageFaultCount=4/4 PeakWorkingSetSize=8/8 WorkingSetSize=16/8 PagefileUsage=56/8 PeakPagefileUsage=64/8",
  IO_COUNTERS:
    "48 ReadOperationCount=0/8 WriteOperationCount=8/8 OtherOperationCount=16/8 ReadTransferCount=24/8 WriteTransferCount=32/8 OtherTransferCount=40/8",
  JOBOBJECT_BASIC_PROCESS_ID_LIST:
    "16 NumberOfAssignedProcesses=0/4 NumberOfProcessIdsInList=4/4 ProcessIdList=8/8",
  JOBOBJECT_ASSOCIATE_COMPLETION_PORT:
    "16 CompletionKey=0/8 CompletionPort=8/8",
};

function written(layout: Layout<string>): string {
  const fields = Object.entries(layout.fields).map(([name, field]) =>
    `${name}=${field.offset}/${field.size}`
  );
  return [layout.size, ...fields].join(" ");
}

Deno.test("Windows structures lie as the headers lay them out", () => {
  const all: Readonly<Record<string, unknown>> = win32;
  const layouts = Object.fromEntries(
    Object.entries(all).filter(([, value]) => typeof value === "object"),
  ) as Record<string, Layout<string>>;
  assertEquals(Object.keys(layouts).sort(), Object.keys(HEADERS).sort());
  for (const [name, layout] of Object.entries(layouts)) {
    assertEquals(layout.name, name);
    assertEquals(written(layout), HEADERS[name]);
  }
});

Deno.test("Struct writes and reads fields where the layout has them", () => {
  const info = new Struct(win32.PROCESS_INFORMATION);
  info.set("hThread", 0x1122334455667788n);
  info.set("dwProcessId", 0xFFFFFFFE);
  assertEquals(info.bytes.length, 24);
  assertEquals(info.bytes[8], 0x88);
  assertEquals(info.bigint("hThread"), 0x1122334455667788n);
  assertEquals(info.number("dwProcessId"), 0xFFFFFFFE);
});

Deno.test("Struct looks at memory it is given", () => {
  const extended = new Struct(win32.STARTUPINFOEXW);
  const inner = new Struct(win32.STARTUPINFOW, extended.part("StartupInfo"));
  inner.set("hStdError", 5n);
  assertEquals(extended.bytes[96], 5);
});

Deno.test("Struct refuses the wrong kind of value and too little memory", () => {
  const info = new Struct(win32.PROCESS_INFORMATION);
  assertThrows(() => info.set("hThread", 1), TypeError, "hThread");
  assertThrows(() => info.set("dwThreadId", 1n), TypeError, "dwThreadId");
  assertThrows(() => info.number("hThread"), TypeError);
  assertThrows(() => info.bigint("dwThreadId"), TypeError);
  const small = new Uint8Array(new ArrayBuffer(8));
  assertThrows(
    () => new Struct(win32.PROCESS_INFORMATION, small),
    RangeError,
    "PROCESS_INFORMATION",
  );
});
