#!/usr/bin/env bash
# The lanes of unusual hosts: the conformance suite where /proc hides processes, in
# a user namespace, as process 1, with few descriptors and few processes, and with
# a root that cannot be written. Each in namespaces of its own; needs root and
# unshare(1). `run.sh [HOST...] [-- FILES...]`; without files, the ones of FILES.
set -uo pipefail
cd "$(dirname "$0")/../.."

version=${DENO_VERSION:-2.9.6}
user=65534 # nobody: owns nothing, and may have no home
hosts=() files=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do hosts+=("$1") && shift; done
[ $# -eq 0 ] || { shift && files=("$@"); }
[ ${#hosts[@]} -gt 0 ] || hosts=(process1 hidepid userns few readonly)
# The files that depend on what the host is: trees, reports, limits, workers.
[ ${#files[@]} -gt 0 ] || files=(
  tests/conformance/{stop,stop_report,job,foreign_tree,isolates}_test.ts
)

cannot() {
  echo "unusual hosts: cannot be had here: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}
[ "$(uname -s)" = Linux ] || cannot "needs Linux"
[ "$(id -u)" = 0 ] || cannot "needs root, for mounts and namespaces"
unshare --mount --pid --fork --mount-proc true 2>/dev/null ||
  cannot "unshare(1) is refused"

# One folder that an ordinary user may read and write: a copy of this tree, Deno,
# and a home.
world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT
tar --exclude=./.git --exclude=./dist --exclude=node_modules -cf - . |
  tar -xf - -C "$world"
mkdir -p "$world/home" "$world/tmp"
cp "$(npx -y "deno@$version" eval --no-config 'console.log(Deno.execPath())')" \
  "$world/deno" || cannot "npm has no Deno $version for this machine"
chown -R "$user:$user" "$world"
chmod 755 "$world"
export HOME=$world/home DENO_DIR=$world/home/deno TMPDIR=$world/tmp
export DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 PATH="$world:$PATH"
run=("$world/deno" test --no-lock -A --no-check --quiet
  --import-map=tests/offline/import_map.json "${files[@]}")
as_user=(setpriv "--reuid=$user" "--regid=$user" --clear-groups)

# Every host is a command that ends as the tests do. Process 1 is Deno itself.
in_host() {
  case $1 in
    process1) unshare --pid --fork --mount-proc --kill-child "${run[@]}" ;;
    hidepid)
      # A mount of its own: a remount would change that of the whole machine.
      unshare --mount sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' \
        sh setsid --wait "${as_user[@]}" "${run[@]}"
      ;;
    userns) "${as_user[@]}" unshare --user "${run[@]}" ;;
    few) "${as_user[@]}" sh -c 'ulimit -n 160; ulimit -u 200; exec "$@"' sh "${run[@]}" ;;
    readonly)
      unshare --mount sh -c '
        mount --bind "$0" "$0" && mount -o remount,bind,ro / &&
          { [ ! -w /etc ] || exit 99; } && exec "$@"' "$world" "${run[@]}"
      ;;
    *) echo "no such host: $1" >&2 && return 2 ;;
  esac
}

passed=0 failed=0 skipped=0
for host in "${hosts[@]}"; do
  log=$world/$host.log code=0
  (cd "$world" && in_host "$host") >"$log" 2>&1 </dev/null || code=$?
  cat "$log"
  line=$(grep -E '^(ok|FAILED) \| [0-9]+ passed' "$log" | tail -n 1)
  count() { sed -nE "s/.* ([0-9]+) $1.*/\\1/p" <<<"$line" | grep . || echo 0; }
  passed=$((passed + $(count passed))) skipped=$((skipped + $(count ignored)))
  failed=$((failed + $(count failed)))
  # A run that ended without saying what failed.
  [ "$code" = 0 ] || [ "$(count failed)" != 0 ] || failed=$((failed + 1))
  echo "== host $host: exit code $code, ${line:-no summary}, after $SECONDS s"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
