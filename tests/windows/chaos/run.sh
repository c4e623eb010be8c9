#!/usr/bin/env bash
# Random trees on Windows, under Wine: compiles tree.c (Debian's cross compiler,
# installed when it is missing) and runs main.ts with the given arguments.
set -euo pipefail
cd "$(dirname "$0")/../../.."

compiler=x86_64-w64-mingw32-gcc
command -v "$compiler" >/dev/null ||
  apt-get install -y -qq --no-install-recommends gcc-mingw-w64-x86-64-win32 \
    >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$compiler" -O1 -Wall -Wextra -o "$work/tree.exe" tests/windows/chaos/tree.c \
  -ladvapi32
# Wine shows the root of this machine as drive Z.
bash tests/wine/run.sh --run tests/windows/chaos/main.ts \
  --program "Z:${work//\//\\}\\tree.exe" "$@"
