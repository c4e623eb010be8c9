#!/usr/bin/env bash
# The lane of the release build: `deno task build`, and the conformance and cli
# suites over the two files that it makes, which stand in for mod.ts and cli.ts in
# a copy of this tree. Further arguments go to tests/run.ts.
set -euo pipefail
cd "$(dirname "$0")/../.."

deno=(npx -y "deno@${DENO_VERSION:-2.9.6}")
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar --exclude=./.git --exclude=./dist --exclude=node_modules -cf - . | tar -xf - -C "$copy"
cd "$copy"

if ! "${deno[@]}" run --no-lock -A tests/release/build.ts dist >build.log 2>&1; then
  cat build.log
  # deno bundle is esbuild, which it fetches from npm.
  if grep -qE 'error sending request|tcp connect error' build.log; then
    echo "release build: cannot be made here: npm does not answer"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
  fi
  echo "0 passed, 1 failed"
  exit 1
fi
cat build.log

# The types are those of the modules: a program that uses them is checked.
cat >consumer.ts <<'END'
import { Command, type CommandOutput, TimeoutExpired } from "./dist/killable_process.js";
const output: CommandOutput = await new Command("true", { timeout: 1000 }).output();
const code: number = output.code;
console.log(code, TimeoutExpired.name);
// @ts-expect-error: not an option
new Command("true", { timeuot: 1 });
END
if ! "${deno[@]}" check --quiet --no-config --no-lock consumer.ts; then
  echo "0 passed, 1 failed"
  exit 1
fi

# The modules stay for tests that look at a part by itself; what imports the
# library or runs the program gets the one file. It has no types of its own.
cp dist/killable_process.js mod.ts
cp dist/killable.js cli.ts
if [ $# = 0 ]; then set -- tests/conformance tests/cli tests/release; fi
"${deno[@]}" run --no-lock -A tests/run.ts --no-check "$@"
