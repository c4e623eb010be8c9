#!/usr/bin/env bash
# The Linux arm64 lane: runs the unit and conformance tests with the arm64 build
# of Deno under qemu-user, on an x64 machine. Sets itself up when something is
# missing (Debian, as root). Further arguments go to tests/run.ts.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=${DENO_VERSION:-2.9.6}
cache=${KILLABLE_CACHE:-$HOME/.cache/killable-process}/arm64
sysroot=/usr/aarch64-linux-gnu

# Says why there is no lane here, in a way that adds up as one skipped test.
cannot() {
  echo "arm64 lane: cannot be hosted here: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

has_qemu() {
  command -v qemu-aarch64-static >/dev/null &&
    [ -e $sysroot/lib/ld-linux-aarch64.so.1 ] &&
    [ -e $sysroot/lib/libgcc_s.so.1 ]
}

install_qemu() {
  apt-get install -y -q --no-install-recommends \
    qemu-user-static libc6-arm64-cross libgcc-s1-arm64-cross >"$cache/apt.log" 2>&1
}

# Unpacks the binary next to where it belongs and moves it there last, so that
# an interrupted run leaves nothing that looks whole. Where a registry does not
# have the very version, the newest of the same minor does.
fetch_deno() {
  local work package
  work=$(mktemp -d -p "$cache")
  package=@deno/linux-arm64-glibc
  (
    cd "$work"
    npm pack --silent "$package@$version" >/dev/null 2>&1 ||
      npm pack --silent "$package@~${version%.*}.0" >/dev/null 2>&1
    tar -xzf ./*.tgz package/deno
  ) || {
    rm -rf "$work"
    return 1
  }
  mv "$work/package/deno" "$cache/deno-$version"
  rm -rf "$work"
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || cannot "needs Linux on x64"
mkdir -p "$cache"
if ! has_qemu; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
    cannot "needs qemu-user-static, libc6-arm64-cross and libgcc-s1-arm64-cross"
  # An image without package lists, or with old ones, needs an update first.
  install_qemu || { apt-get update -q >/dev/null 2>&1 && install_qemu; } ||
    cannot "apt-get could not install qemu-user-static ($cache/apt.log)"
fi
[ -x "$cache/deno-$version" ] || fetch_deno ||
  cannot "npm has no arm64 build of Deno $version"

# What tests start as Deno: the binary itself does not run on this processor,
# unless the kernel was told of qemu, which a container cannot rely on.
wrapper=$cache/deno
cat >"$wrapper.new" <<EOF
#!/bin/sh
exec qemu-aarch64-static -L $sysroot "$cache/deno-$version" "\$@"
EOF
chmod +x "$wrapper.new"
mv "$wrapper.new" "$wrapper"

export KILLABLE_TEST_DENO=$wrapper KILLABLE_TEST_QEMU=1
# Child programs need no arm64: a Deno takes seconds to start under qemu. The
# path is asked for, since what npm puts on the PATH is a script around it.
KILLABLE_TEST_CHILD_DENO=$(
  npx -y "deno@$version" eval --no-config 'console.log(Deno.execPath())' 2>/dev/null
) || cannot "npm has no Deno $version for this machine"
export KILLABLE_TEST_CHILD_DENO
# Compiled code of one processor is of no use to the other.
export DENO_DIR=$cache/deno_dir
export DENO_NO_UPDATE_CHECK=1
echo "arm64 lane: $("$wrapper" --version | head -n 1) under $(qemu-aarch64-static --version | head -n 1)"
# Types are checked by the main run: checking is slow under qemu.
if [ $# -eq 0 ]; then set -- tests/unit tests/conformance; fi
exec "$wrapper" run -A --no-lock tests/run.ts --offline --no-check "$@"
