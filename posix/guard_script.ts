/**
 * What the guard runs: a POSIX shell script. Pure text; `guard.ts` starts it.
 *
 * It reads lines until the end of its standard input, which is a pipe whose
 * other end only the parent holds: the end of file is the parent's death, by
 * whatever cause. Then it ends what is registered, and everything that carries
 * the parent's tag.
 *
 * - Signals of a terminal or a tidy administrator do not end it.
 * - `+ N` registers a process group, `- N` forgets it (containment without tags).
 * - `c D` registers a cgroup's directory: killed and removed.
 * - Everything found is stopped before anything is killed, and it looks again
 *   until nothing is found twice in a row with nothing having been forked
 *   meanwhile but its own `grep`: the last pid in `/proc/loadavg` tells.
 *
 * - When it has not come to rest after six looks, something is faster than a
 *   shell, or the host is busy: it hands over to `guard_sweep.ts` where it can.
 *
 * @module
 */

/**
 * The script. Its first argument is the pattern for grep; empty: no tags. The
 * others are the command of the second stage, if there is one.
 */
export const GUARD_SCRIPT = `
trap '' HUP INT QUIT TERM TSTP TTIN TTOU PIPE ALRM USR1 USR2
groups= directories=
# The fields from the third on: a zombie is over when it has no other thread.
over() {
  case $1 in
  X) return 0 ;;
  Z) [ "\${18}" -le 1 ] ;;
  *) return 1 ;;
  esac
}
while read -r op id; do
  case $op in
  +) groups="$groups $id" ;;
  -) rest=
     for g in $groups; do [ "$g" = "$id" ] || rest="$rest $g"; done
     groups=$rest ;;
  c) directories="$directories $id" ;;
  esac
done
# Not "kill -KILL --": dash takes that for a signal named after nothing.
for g in $groups; do kill -s KILL -- "-$g"; done
for d in $directories; do [ -d $d ] && echo 1 >$d/cgroup.kill; done
[ -n "$1" ] || exit 0
quiet=0 round=0
while [ $quiet -lt 2 ] && [ $round -lt 500 ]; do
  round=$((round + 1))
  read -r a b c d before </proc/loadavg
  found=$(grep -lsE "$1" /proc/[0-9]*/limits)
  read -r a b c d after </proc/loadavg
  alive=
  for file in $found; do
    pid=\${file#/proc/} pid=\${pid%/limits}
    stat=
    # A name may contain a newline, and the text of a zombie.
    while read -r line; do stat="$stat $line"; done </proc/$pid/stat
    [ -n "$stat" ] || continue
    over \${stat##*) } && continue
    kill -STOP $pid
    alive="$alive $pid"
  done
  if [ -n "$alive" ]; then
    kill -KILL $alive
    quiet=0
  else
    # Less than none: numbers have wrapped, and anything may have been overlooked.
    forks=$((after - before))
    if [ $forks -eq 0 ] || [ $forks -eq 1 ] || [ $round -gt 100 ]; then
      quiet=$((quiet + 1))
    fi
  fi
  if [ $round -eq 6 ] && [ -n "$2" ]; then
    [ -z "$directories" ] || rmdir $directories
    shift
    exec "$@"
  fi
done
[ -z "$directories" ] || rmdir $directories
`;
