#!/usr/bin/env bash
# The macOS lane: runs the tests of the library and of the command line with the
# code for macOS, over an emulation of its C library (Linux on x64). Further
# arguments go to tests/run.ts.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Says why there is no lane here, in a way that adds up as one skipped test.
cannot() {
  echo "macOS lane: cannot be hosted here: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || cannot "needs Linux on x64"
[ -x /bin/ps ] || cannot "needs ps, of the package procps"

deno=(npx -y "deno@${DENO_VERSION:-2.9.6}")
here=$PWD/tests/macos
export KILLABLE_TEST_PRELOAD=$here/preload.ts
export KILLABLE_TEST_DENO=$here/bin/deno
KILLABLE_TEST_REAL_DENO=$("${deno[@]}" eval "console.log(Deno.execPath())")
export KILLABLE_TEST_REAL_DENO

if [ $# = 0 ]; then set -- tests/unit tests/conformance tests/posix tests/cli; fi
exec "$KILLABLE_TEST_REAL_DENO" run --no-lock -A tests/run.ts "$@"
