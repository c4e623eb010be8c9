import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Command, SystemError } from "../../../mod.ts";
import {
  outputOf,
  sameAsDeno,
  sameErrorAsDeno,
  type Scenario,
} from "../../fixtures/side_by_side.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

let root = "";

// Programs of the same name that tell where they were found.
Deno.test.beforeAll(async () => {
  await warmUp();
  root = await Deno.realPath(await Deno.makeTempDir());
  for (const folder of ["one", "two", "work", "work/sub", "shadowed"]) {
    await Deno.mkdir(`${root}/${folder}`);
  }
  const script = async (path: string, text: string, mode = 0o755) => {
    await Deno.writeTextFile(`${root}/${path}`, text);
    await Deno.chmod(`${root}/${path}`, mode);
  };
  for (
    const path of [
      "one/both",
      "two/both",
      "two/only-two",
      "work/both",
      "work/sub/both",
    ]
  ) {
    await script(path, `#!/bin/sh\necho ${path} "$0" "$@"\n`);
  }
  await script("shadowed/uname", "#!/bin/sh\necho shadowed\n");
  await script("one/blocked", "#!/bin/sh\necho never\n", 0o644);
  await script("two/blocked", "#!/bin/sh\necho two/blocked\n");
  await script("one/only-blocked", "#!/bin/sh\necho never\n", 0o644);
  await script("no-shebang", `echo "ran by sh: $0 $1"\n`);
  await script("no-interpreter", "#!/no/such/interpreter\n");
  await script("empty", "");
  await Deno.mkdir(`${root}/one/only-two`);
  await Deno.symlink(`${root}/two/both`, `${root}/one/link`);
  await Deno.symlink(`${root}/nowhere`, `${root}/one/dangling`);
});

Deno.test.afterAll(async () => {
  await Deno.remove(root, { recursive: true });
});

const dirs = (...names: string[]) =>
  names.map((one) => `${root}/${one}`).join(":");

const FOUND: readonly (readonly [string, Scenario, string])[] = [
  [
    "the child's PATH decides",
    async (C) =>
      outputOf(
        await new C("both", { env: { PATH: dirs("two", "one") } }).output(),
      ),
    "two/both",
  ],
  [
    "the first of two is taken",
    async (C) =>
      outputOf(
        await new C("both", { env: { PATH: dirs("one", "two") } }).output(),
      ),
    "one/both",
  ],
  [
    "a file that may not be executed is passed over",
    async (C) =>
      outputOf(
        await new C("blocked", { env: { PATH: dirs("one", "two") } }).output(),
      ),
    "two/blocked",
  ],
  [
    "a directory of that name is passed over",
    async (C) =>
      outputOf(
        await new C("only-two", { env: { PATH: dirs("one", "two") } }).output(),
      ),
    "two/only-two",
  ],
  [
    "outputSync() looks the same way",
    (C) => outputOf(new C("both", { env: { PATH: dirs("two") } }).outputSync()),
    "two/both",
  ],
  [
    "clearEnv with a PATH",
    async (C) =>
      outputOf(
        await new C("both", { clearEnv: true, env: { PATH: dirs("one") } })
          .output(),
      ),
    "one/both",
  ],
  [
    "a path with a slash needs no PATH",
    async (C) =>
      outputOf(await new C(`${root}/two/both`, { env: { PATH: "" } }).output()),
    "two/both",
  ],
  [
    "a relative program is looked for in the child's cwd",
    async (C) =>
      outputOf(await new C("./both", { cwd: `${root}/work` }).output()),
    "work/both",
  ],
  [
    "a relative program below the child's cwd",
    async (C) =>
      outputOf(await new C("sub/both", { cwd: `${root}/work` }).output()),
    "sub/both",
  ],
  [
    "a relative program above the child's cwd",
    async (C) =>
      outputOf(await new C("../both", { cwd: `${root}/work/sub` }).output()),
    "work/both",
  ],
  [
    "a symbolic link",
    async (C) =>
      outputOf(await new C("link", { env: { PATH: dirs("one") } }).output()),
    "two/both",
  ],
  [
    "arguments follow",
    async (C) =>
      outputOf(
        await new C("both", {
          args: ["a b", "", "c"],
          env: { PATH: dirs("one") },
        }).output(),
      ),
    "a b  c",
  ],
  [
    "a script without an interpreter line is run by sh",
    async (C) =>
      outputOf(await new C(`${root}/no-shebang`, { args: ["x"] }).output()),
    "ran by sh",
  ],
  [
    "an empty file is an empty script",
    async (C) => outputOf(await new C(`${root}/empty`).output()),
    '"code":0',
  ],
  [
    "a program is found in the parent's PATH",
    async (C) =>
      outputOf(await new C("sh", { args: ["-c", "echo found"] }).output()),
    "found",
  ],
  [
    "clearEnv without a PATH falls back to the parent's",
    async (C) =>
      outputOf(
        await new C("sh", { args: ["-c", "echo found"], clearEnv: true })
          .output(),
      ),
    "found",
  ],
  [
    "cwd need not be readable",
    async (C) => outputOf(await new C("pwd", { cwd: "/" }).output()),
    "/",
  ],
];

for (const [name, scenario, part] of FOUND) {
  Deno.test(`a program is found as by Deno.Command: ${name}`, async () => {
    const outcome = JSON.stringify(await sameAsDeno(scenario));
    assertStringIncludes(outcome, part);
  });
}

Deno.test("an empty entry of PATH is skipped", async () => {
  for (const path of ["/nowhere::/usr/bin:/bin", ":/usr/bin:/bin", "/bin:"]) {
    const run = await new Command("uname", {
      cwd: `${root}/shadowed`,
      env: { PATH: path },
    }).output();
    assertEquals(run.code, 0);
    assert(!new TextDecoder().decode(run.stdout).includes("shadowed"));
  }
  for (const path of ["", ":", "/nowhere:"]) {
    assertThrows(
      () =>
        new Command("both", { cwd: `${root}/work`, env: { PATH: path } })
          .spawn(),
      Deno.errors.NotFound,
    );
  }
});

Deno.test("a relative entry of PATH is skipped unless it leads to the program from both directories", async () => {
  const path = { PATH: ".:bin:/usr/bin:/bin" };
  const skipped: Scenario = async (C) =>
    outputOf(
      await new C("uname", { cwd: `${root}/shadowed`, env: path }).output(),
    );
  assert(!JSON.stringify(await sameAsDeno(skipped)).includes("shadowed"));
  const before = Deno.cwd();
  try {
    Deno.chdir(`${root}/work`);
    // What differs is $0, the path as it was found.
    for (const C of [Command, Deno.Command]) {
      const run = await new C("both", { env: { PATH: "sub" } }).output();
      assertStringIncludes(new TextDecoder().decode(run.stdout), "sub/both");
    }
  } finally {
    Deno.chdir(before);
  }
});

Deno.test("a program and a directory that are absolute need no working directory of this process", async () => {
  const gone = await Deno.makeTempDir();
  const before = Deno.cwd();
  try {
    Deno.chdir(gone);
    await Deno.remove(gone);
    for (const cwd of [`${root}/work`, `${root}/one/../work`]) {
      const run = await new Command("./both", { cwd }).output();
      assertStringIncludes(new TextDecoder().decode(run.stdout), "work/both");
    }
    const searched = await new Command("both", {
      env: { PATH: `.:${dirs("two")}` },
      cwd: root,
    }).output();
    assertStringIncludes(
      new TextDecoder().decode(searched.stdout),
      "two/both",
    );
    assertThrows(
      () => new Command("./both").spawn(),
      Deno.errors.NotFound,
      "the working directory of this process is gone",
    );
    assertThrows(
      () => new Command("true", { cwd: "." }).spawn(),
      Deno.errors.NotFound,
      "the working directory of this process is gone",
    );
  } finally {
    Deno.chdir(before);
  }
});

const FAILED: readonly (readonly [string, Scenario, string])[] = [
  [
    "a name that is nowhere in PATH",
    (C) => new C("both", { env: { PATH: "/nowhere" } }).spawn(),
    "'both'",
  ],
  [
    "a name that only a directory has",
    (C) => new C("only-two", { env: { PATH: dirs("one") } }).spawn(),
    "'only-two'",
  ],
  [
    "a dangling symbolic link",
    (C) => new C("dangling", { env: { PATH: dirs("one") } }).spawn(),
    "'dangling'",
  ],
  [
    "a name that only files have that may not be executed",
    (C) => new C("only-blocked", { env: { PATH: dirs("one") } }).spawn(),
    "'only-blocked'",
  ],
  [
    "a name below something that is no directory",
    (C) => new C("both", { env: { PATH: dirs("two/both") } }).spawn(),
    "'both'",
  ],
  [
    "a missing interpreter",
    (C) => new C(`${root}/no-interpreter`).spawn(),
    "its interpreter is missing",
  ],
  [
    "a file that may not be executed",
    (C) => new C(`${root}/one/blocked`).spawn(),
    "Permission denied",
  ],
  ["a directory", (C) => new C(`${root}/one`).spawn(), "is a directory"],
  [
    "a path through a file",
    (C) => new C(`${root}/two/both/x`).spawn(),
    "Not a directory",
  ],
  [
    "a missing cwd",
    (C) => new C("sh", { cwd: `${root}/nowhere` }).spawn(),
    "No such cwd",
  ],
  [
    "a cwd that is a file",
    (C) => new C("sh", { cwd: `${root}/two/both` }).spawn(),
    "cwd is not a directory",
  ],
  [
    "a missing cwd and a missing program",
    (C) => new C("./none", { cwd: `${root}/nowhere` }).spawn(),
    "No such cwd",
  ],
  [
    "a relative program that is only in our cwd",
    (C) => new C("./one/both", { cwd: `${root}/work` }).spawn(),
    "'./one/both'",
  ],
  [
    "an argument list that is too long",
    (C) =>
      new C("true", { args: Array(300).fill("x".repeat(100_000)) }).spawn(),
    "Argument list too long",
  ],
  [
    "one argument that is too long",
    (C) => new C("true", { args: ["x".repeat(2_000_000)] }).spawn(),
    "Argument list too long",
  ],
  [
    "an environment that is too large",
    (C) => new C("true", { env: { X: "x".repeat(2_000_000) } }).spawn(),
    "Argument list too long",
  ],
  [
    "a name that is too long",
    (C) => new C(`/${"x".repeat(300)}`).spawn(),
    "File name too long",
  ],
];

for (const [name, scenario, part] of FAILED) {
  Deno.test(`a failed start is what it is for Deno.Command: ${name}`, async () => {
    const failure = await sameErrorAsDeno(scenario);
    assertStringIncludes(failure.message, part);
  });
}

Deno.test("a failed start carries the system call's error", () => {
  const error = assertThrows(
    () => new Command(`${root}/one/blocked`).spawn(),
    SystemError,
  );
  assertEquals(
    [error.code, error.errno, error.syscall, error.command],
    ["EACCES", 13, "posix_spawn", `${root}/one/blocked`],
  );
});
