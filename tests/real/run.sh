#!/usr/bin/env bash
# Runs tests/real against real programs. As root on Debian, installs those that
# are missing, without starting their services; otherwise tests what is there.
# Packages of npm go to $KILLABLE_CACHE. Arguments go to tests/run.ts, such as
# --filter=nginx.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The programs run as `nobody`, which cannot look into root's home.
[ "$(id -u)" = 0 ] && home=/var/cache || home=$HOME/.cache
cache=${KILLABLE_CACHE:-$home/killable-process}/real
mkdir -p "$cache"

packages=()
need() {
  [ -n "$(command -v "$1" || ls -d "$1" 2>/dev/null)" ] || packages+=("${@:2}")
}
need /usr/lib/postgresql postgresql
need /usr/sbin/nginx nginx-light
need redis-server redis-server
need tmux tmux
need ssh-agent openssh-client
need make make
need gcc gcc libc6-dev
need chromium chromium chromium-sandbox
need perl perl-base
need sudo sudo
need python3 python3-minimal
need memcached memcached
need lighttpd lighttpd
need apache2 apache2-bin
need haproxy haproxy
need gunicorn gunicorn
need php php-cli
need /usr/sbin/sshd openssh-server
need dnsmasq dnsmasq-base
need socat socat
need busybox busybox
need dbus-daemon dbus
need gpg-agent gpg-agent
need erl erlang-base
need inotifywait inotify-tools
need supervisord supervisor
need svscan daemontools
need daemon daemon
need screen screen
need dtach dtach
need script bsdutils
need parallel parallel
need bwrap bubblewrap

install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
    --no-install-recommends "${packages[@]}" >"$cache/apt.log" 2>&1
}

# Debian starts a server when it installs it, unless this says no.
policy=/usr/sbin/policy-rc.d
if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "real programs: installing ${packages[*]}"
  if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
  fi
  install || { apt-get update -q >/dev/null 2>&1 && install; } ||
    echo "real programs: apt-get failed, see $cache/apt.log"
fi

if command -v npm >/dev/null && [ ! -e "$cache/node_modules/pm2" ]; then
  echo "real programs: installing vite, esbuild, pm2 and concurrently"
  npm install --silent --no-fund --no-audit --prefix "$cache" \
    esbuild@0 vite@7 pm2@6 concurrently@9 >"$cache/npm.log" 2>&1 ||
    echo "real programs: npm failed, see $cache/npm.log"
fi
chmod -R a+rX "$cache"

deno=(deno)
command -v deno >/dev/null || deno=(npx -y deno@2.9.6)
KILLABLE_REAL_CACHE=$cache "${deno[@]}" run --no-lock -A tests/run.ts "$@" \
  tests/real/real_test.ts
