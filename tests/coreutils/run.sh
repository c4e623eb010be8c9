#!/usr/bin/env bash
# run.sh [FOLDER]: GNU coreutils' own tests of timeout, against `cli.ts timeout`.
# FOLDER is an unpacked release of coreutils; without one, `apt-get source` gets
# it where Debian's sources are enabled. What differs and why: README.md here.
set -uo pipefail
cd "$(dirname "$0")/../.."
project=$PWD

skip() {
  echo "coreutils: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=${1-}
if [ -z "$source" ]; then
  command -v apt-get >/dev/null || skip "name a folder with its sources"
  (cd "$work" && apt-get source -q --download-only coreutils >apt.log 2>&1) ||
    skip "its sources cannot be had here: enable deb-src, or name a folder with them"
  mkdir "$work/source"
  tar -xf "$work"/coreutils_*.orig.tar.xz -C "$work/source" --strip-components=1
  source=$work/source
fi
[ -f "$source/tests/init.sh" ] || skip "$source has no tests/init.sh"

# Where their tests look for what they test, and for what they are made with.
place=$work/place
mkdir -p "$place/src"
cp -r "$source/tests" "$source/init.cfg" "$place"
deno=(deno)
command -v deno >/dev/null || deno=(npx -y deno@2.9.6)
cat >"$place/src/timeout" <<EOF
#!/bin/sh
exec ${deno[*]} run --quiet --no-lock --no-check --no-config -A \\
  --import-map "$project/tests/offline/import_map.json" "$project/cli.ts" timeout "\$@"
EOF
# The numbers that src/getlimits of coreutils prints, for a machine of 64 bits.
ldbl_max=$(perl -MMath::BigInt -e '
  my $two = Math::BigInt->new(2);
  print $two->copy->bpow(16384)->bsub($two->copy->bpow(16320))')
cat >"$place/src/getlimits" <<EOF
#!/bin/sh
echo INT_MAX=2147483647 UINT_MAX=4294967295 UINT_OFLOW=4294967296
echo TIME_T_MAX=9223372036854775807 TIME_T_OFLOW=9223372036854775808
echo LDBL_MAX=$ldbl_max
EOF
chmod +x "$place/src/timeout" "$place/src/getlimits"
ln -s "$(command -v env)" "$place/src/env"
# What timeout is built with on Linux: some of the tests ask.
echo '#define HAVE_PRCTL 1' >"$place/config.h"

# without_differences NAME: takes out of a test what README.md here explains.
# Fails where there is nothing of the kind.
without_differences() {
  case $1 in
    */timeout-group.sh) : >"$place/config.h" ;;
    */timeout.sh)
      sed -i -e "s/sending signal EXIT to/sending signal 0 to/" \
        -e "/^(trap '' PIPE && timeout/,/|| fail=1/d" "$place/$1"
      ;;
    *) return 1 ;;
  esac
}

run() {
  cd "$place" || return
  export srcdir=$place abs_srcdir=$place abs_top_builddir=$place
  export built_programs='timeout env getlimits' CONFIG_HEADER=$place/config.h
  export AWK=awk LC_ALL=C SHELL=/bin/bash PATH=$place/src:$PATH VERBOSE=no
  case $1 in
    *.pl) perl -w -I"$place/tests" -MCuSkip -MCoreutils -M"CuTmpdir qw($1)" "$1" ;;
    *) bash "$1" ;;
  esac
}

passed=0 failed=0 skipped=0
shopt -s nullglob
for test in "$source"/tests/timeout/* "$source"/tests/misc/timeout*; do
  name=${test#"$source"/}
  (run "$name") >"$work/log" 2>&1 9>&2 </dev/null
  code=$?
  if [ "$code" != 0 ] && [ "$code" != 77 ] && without_differences "$name" &&
    (run "$name") >"$work/rest.log" 2>&1 9>&2 </dev/null; then
    code=differs
  fi
  case $code in
    0) passed=$((passed + 1)) said=ok ;;
    differs) skipped=$((skipped + 1)) said='ok but for what README.md explains' ;;
    77) skipped=$((skipped + 1)) said=skipped ;;
    *) failed=$((failed + 1)) said=FAILED ;;
  esac
  echo "$name ... $said"
  [ "$said" = ok ] || tail -n 12 "$work/log" | cut -c 1-200 | sed 's/^/  /'
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
