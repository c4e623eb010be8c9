#!/usr/bin/env bash
# The Windows lane: runs the unit, conformance and Windows tests with the Windows
# build of Deno under Wine 10, on an x64 Linux machine. Sets itself up when
# something is missing (Debian, as root), about 40 seconds, and keeps what it
# made in $KILLABLE_CACHE. Further arguments go to tests/run.ts; after "--run"
# they are a script and its arguments, which is run instead of tests.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=${DENO_VERSION:-2.9.6}
cache=${KILLABLE_CACHE:-$HOME/.cache/killable-process}/wine
wine=$cache/wine10
patience=${KILLABLE_WINE_PATIENCE:-1700}

# Says why there is no lane here, in a way that adds up as one skipped test.
cannot() {
  echo "windows lane: cannot be hosted here: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

has_tools() {
  command -v patchelf >/dev/null && command -v strip >/dev/null
}

install_tools() {
  apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends \
    patchelf binutils \
    >"$cache/apt.log" 2>&1
}

# Unpacks next to where it belongs and moves it there last, so that an
# interrupted run leaves nothing that looks whole. Where a registry does not
# have the very version, the newest of the same minor does.
fetch_deno() {
  local work
  work=$(mktemp -d -p "$cache")
  (
    cd "$work"
    npm pack --silent "@deno/win32-x64@$version" >/dev/null 2>&1 ||
      npm pack --silent "@deno/win32-x64@~${version%.*}.0" >/dev/null 2>&1
    tar -xzf ./*.tgz package/deno.exe
  ) || {
    rm -rf "$work"
    return 1
  }
  mv "$work/package/deno.exe" "$cache/deno-$version.exe"
  rm -rf "$work"
}

# A prefix is made aside and moved, like the rest. It may be moved, unlike Wine.
make_prefix() {
  local prefix=$cache/prefix.new
  rm -rf "$prefix"
  WINEPREFIX=$prefix timeout 180 "$wine/bin/wine" wineboot -i \
    </dev/null >"$cache/wineboot.log" 2>&1 9>&- || return 1
  WINEPREFIX=$prefix timeout 60 "$wine/bin/wineserver" -w 9>&- || return 1
  mv "$prefix" "$cache/prefix"
}

# Without a display a program can have no window, unless nothing draws it.
allow_windows() {
  [ -e "$WINEPREFIX/.windows" ] && return
  timeout 60 "$wine/bin/wine" reg add 'HKCU\Software\Wine\Drivers' \
    /v Graphics /d null /f </dev/null >"$cache/wineboot.log" 2>&1 9>&- || return 1
  # A process that is still there has begun without.
  timeout 60 "$wine/bin/wineserver" -w 9>&- || return 1
  touch "$WINEPREFIX/.windows"
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || cannot "needs Linux on x64"
command -v npm >/dev/null || cannot "needs npm, for the Windows build of Deno"
[ -r /proc/self/stat ] || cannot "Wine needs /proc"
mkdir -p "$cache"
# Two runs share the prefix, and the first to end would stop its server. What is
# started below does not inherit the lock ("9>&-"): it would keep it.
exec 9>"$cache/lock"
flock -w "$patience" 9 || cannot "another run has been using $cache for long"

export WINEDEBUG=-all WINEPREFIX=$cache/prefix
# Every start would leave a copy of the binary in DENO_DIR otherwise.
export DENO_DISABLE_NODE_SHIM=1 DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
# Paths of this system, which mean nothing to a Windows program.
unset NODE_EXTRA_CA_CERTS RUST_BACKTRACE DENO_DIR

if [ ! -x "$wine/bin/wine" ]; then
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    cannot "needs apt-get and dpkg-deb, to fetch Wine"
  if ! has_tools; then
    [ "$(id -u)" = 0 ] || cannot "needs patchelf and binutils"
    # An image without package lists, or with old ones, needs an update first.
    install_tools || { apt-get update -q >/dev/null 2>&1 && install_tools; } ||
      cannot "apt-get could not install patchelf and binutils ($cache/apt.log)"
  fi
  echo "windows lane: fetching Wine (once, about 20 seconds)"
  bash tests/wine/setup.sh "$wine" >"$cache/setup.log" 2>&1 ||
    cannot "Wine could not be set up ($cache/setup.log)"
fi
[ -e "$cache/deno-$version.exe" ] || fetch_deno ||
  cannot "npm has no Windows build of Deno $version"

# The server ends its clients; one that was just starting may miss that, and is
# found by its program, which nothing else uses while the lock is held.
stop_wine() {
  timeout 30 "$wine/bin/wineserver" -k >/dev/null 2>&1 9>&- || true
  timeout 30 "$wine/bin/wineserver" -w >/dev/null 2>&1 9>&- || true
  local process
  for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null) in
      "$wine"/*) kill -KILL "${process#/proc/}" 2>/dev/null || true ;;
    esac
  done
}
trap stop_wine EXIT

[ -d "$WINEPREFIX" ] || make_prefix ||
  cannot "wineboot failed ($cache/wineboot.log)"

allow_windows || cannot "Wine cannot do without a display ($cache/wineboot.log)"

# Output goes to a file: Wine's services would hold a pipe open for ever.
deno() {
  timeout "$patience" "$wine/bin/wine" "$cache/deno-$version.exe" "$@" \
    </dev/null >"$cache/output.log" 2>&1 9>&-
}

deno --version || {
  cat "$cache/output.log"
  cannot "the Windows build of Deno does not start under Wine"
}
echo "windows lane: $(head -n 1 "$cache/output.log" | tr -d '\r') under Wine"

status=0
if [ "${1:-}" = --run ]; then
  shift
  deno run -A --no-lock --no-check "$@" || status=$?
  tr -d '\r' <"$cache/output.log"
  exit "$status"
fi

if [ $# -eq 0 ]; then
  for folder in tests/unit tests/conformance tests/windows; do
    if find "$folder" -name '*_test.ts' | grep -q .; then
      set -- "$@" "$folder"
    fi
  done
fi
# Types are checked by the main run: checking is slow under Wine.
deno run -A --no-lock tests/run.ts --offline --no-check "$@" || status=$?
tr -d '\r' <"$cache/output.log"
[ "$status" != 124 ] || {
  echo "windows lane: not through after $patience seconds"
  echo "0 passed, 1 failed"
}
exit "$status"
