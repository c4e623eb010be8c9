#!/bin/sh
# What tree.c does, as far as a shell can: where there is no C compiler.
# tree TABLE INDEX [GENERATION] | tree stranger CODE MS
if [ "$1" = stranger ]; then
  # Long ones only have to be there; they are ended by a signal.
  [ "$3" -lt 1000 ] || exec sleep 3600
  sleep "$(printf '0.%03d' "$3")"
  exit "$2"
fi
self=$0 table=$1 index=$2 generation=${3:-0}
set -f
IFS=';'
set -- $table
shift "$index"
node=$1
IFS=,
ops=${node%%:*} children=${node#*:}
case $ops in *i*) trap '' TERM INT HUP QUIT USR1 PIPE ;; esac
case $ops in
*x*) [ "$generation" -gt 0 ] || exec "$self" "$table" "$index" 1 ;;
*s* | *g*) [ "$generation" -gt 0 ] || exec setsid -f "$self" "$table" "$index" 1 ;;
esac
for child in $children; do
  number=${child#?}
  case $child in
  d*) setsid -f "$self" "$table" "$number" ;;
  *) "$self" "$table" "$number" & ;;
  esac
done
case $ops in *p*) ;; *) exec </dev/null >/dev/null 2>&1 ;; esac
case $ops in
*l*) exit 7 ;;
*L*) sleep 0.005; exit 7 ;;
*t*) kill -STOP $$ ;;
esac
exec sleep 3600
