#!/usr/bin/env bash
# The commands of README.md's start, as a newcomer types them, on a machine with
# Node and npm and no Deno: the demo, the first script, the installed command.
set -euo pipefail
cd "$(dirname "$0")/../.."

export DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"; rm -f first.ts' EXIT

# block LANGUAGE N: the Nth block of that language in README.md.
block() {
  awk -v fence="\`\`\`$1" -v wanted="$2" '
    $0 == fence { n++; inside = n == wanted; next }
    /^```/ { inside = 0 }
    inside' README.md
}

echo "== the demo"
demo=$(block sh 1 | grep ' task demo' | sed 's/ *#.*//')
eval "$demo" | tee "$folder/demo"
grep -qF "@killable/process: 0 are left after stop()" "$folder/demo"

echo "== the first script"
block ts 1 >first.ts
grep -q '^// first.ts$' first.ts
first=$(block sh 1 | grep ' first.ts' | sed 's/ *#.*//')
wanted=$(sed -n 's/^console.log(.*); \/\/ //p' first.ts)
said=$(eval "$first")
echo "$said"
[ "$said" = "$wanted" ]

echo "== the installed command"
export npm_config_prefix=$folder/npm DENO_INSTALL_ROOT=$folder/deno
export PATH="$folder/npm/bin:$folder/deno/bin:$PATH"
npm=$(block sh 2 | grep '^npm install' | sed 's/ *#.*//')
install=$(block sh 2 | grep '^deno install')
eval "$npm" >/dev/null
eval "$install"
killable --version
code=0
killable timeout -k 5 1 sleep 60 || code=$?
[ "$code" = 124 ]
code=0
killable run -- sh -c 'exit 3' || code=$?
[ "$code" = 3 ]
echo "all as README.md says"
