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
 *   until nothing is found twice in a row, nobody has gone or died under its eyes,
 *   and nothing was forked but its own `grep`: the last pid in `/proc/loadavg`
 *   tells.
 * - When it still finds somebody in its third look, or has not come to rest after
 *   six, something is faster than a shell, or the host is busy: `guard_sweep.ts` does it, where there is a Deno
 *   and room for it. When that has failed, the shell goes on.
 * - Where there are no tags, who has left a registered group is looked for by
 *   descent, which shows as long as parents live: so all are stopped before anybody
 *   is killed.
 * - A tree may have taken every process that this user, cgroup or machine has:
 *   then there is none for `grep`, and a shell that cannot fork ends. On its way
 *   out it does the same with nothing but what is built into it.
 *
 * @module
 */

/**
 * The script. Its arguments are the pattern for grep, empty when there are no
 * tags; the same as globs; and the command of the second stage, if there is one.
 */
export const GUARD_SCRIPT = `
trap '' HUP INT QUIT TERM TSTP TTIN TTOU PIPE ALRM USR1 USR2
groups= directories= by_hand=
# The fields from the third on: a zombie is over when it has no other thread.
over() {
  case $1 in
  X) return 0 ;;
  Z) [ "\${18}" -le 1 ] ;;
  *) return 1 ;;
  esac
}
# What grep does, for one file of limits.
tagged() {
  while read -r max what kind soft rest; do
    [ "$max $what $kind" = "Max file locks" ] || continue
    for glob in $globs; do
      case $soft in $glob) return 0 ;; esac
    done
  done <$1
  return 1
}
sweep() {
  quiet=0 round=0 patience=100 late= dead=
  # Nobody waits for a moment of rest on a busy host with looks as slow as these.
  [ -z "$by_hand" ] || patience=3
  while [ $quiet -lt 2 ] && [ $round -lt 500 ]; do
    round=$((round + 1))
    read -r a b c d before </proc/loadavg
    files='/proc/[0-9]*/limits'
    [ -n "$by_hand" ] || files=$(grep -lsE "$pattern" $files)
    read -r a b c d after </proc/loadavg
    alive= moved=
    for file in $files; do
      [ -z "$by_hand" ] || tagged $file || continue
      pid=\${file#/proc/} pid=\${pid%/limits}
      stat=
      # A name may contain a newline, and the text of a zombie.
      while read -r line; do stat="$stat $line"; done </proc/$pid/stat
      # Who was tagged and has gone or died since may have left a successor.
      if [ -z "$stat" ]; then
        moved=yes
        continue
      fi
      if over \${stat##*) }; then
        case "$dead " in *" $pid "*) ;; *) moved=yes dead="$dead $pid" ;; esac
        continue
      fi
      kill -STOP $pid
      alive="$alive $pid"
    done
    [ -z "$by_hand" ] || read -r a b c d after </proc/loadavg
    if [ -n "$alive" ]; then
      kill -KILL $alive
      # These have left nobody who is not found by the next look.
      dead="$dead$alive"
      quiet=0
    elif [ -n "$moved" ]; then
      quiet=0
    else
      # Less than none: numbers have wrapped, and anything may have been overlooked.
      forks=$((after - before))
      if [ $forks -eq 0 ] || [ $forks -eq 1 ] || [ $round -gt $patience ]; then
        quiet=$((quiet + 1))
      fi
    fi
    # Who is still there in the third look may be faster than this.
    [ $round -eq 3 ] && [ -n "$alive" ] && late=yes
    [ $((round % 50)) -eq 6 ] && late=yes
    if [ -n "$late" ] && [ -z "$by_hand" ] && [ $# -gt 0 ]; then
      late=
      "$@" && return
    fi
  done
}
# Stops who is in a registered group or descends from one who is.
descend() {
  # The end of file comes while the parent is still exiting. The kernel then sends
  # SIGHUP to a group that it leaves with a stopped member (_exit(2)): whoever ends
  # by that is no parent any more for the others to be found by. When it is over,
  # this shell has another parent.
  round=0
  while [ $round -lt 50 ]; do
    round=$((round + 1))
    set -- $(ps -o ppid= -p $$)
    [ "$1" = $PPID ] || break
  done
  round=0 fresh=yes
  while [ -n "$fresh" ] && [ $round -lt 20 ]; do
    round=$((round + 1)) fresh= more=yes
    table=$(ps -A -o pid= -o ppid= -o pgid=)
    # A child may be listed before its parent.
    while [ -n "$more" ]; do
      more=
      while read -r pid ppid pgid; do
        case "$family " in *" $pid "*) continue ;; esac
        case "$groups " in
        *" $pgid "*) ;;
        *)
          # Or in a group that one of them leads: what a guard of theirs, which is
          # stopped as well, would have ended.
          case "$family " in *" $ppid "* | *" $pgid "*) ;; *) continue ;; esac
          ;;
        esac
        kill -STOP $pid
        family="$family $pid" fresh=yes more=yes
      done <<TABLE
$table
TABLE
    done
  done
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
# All that was found; who was stopped must not stay so.
end() {
  # Not "kill -KILL --": dash takes that for a signal named after nothing.
  for g in $groups; do kill -s KILL -- "-$g"; done
  [ -z "$family" ] || kill -KILL $family
}
family=
if [ -z "$1" ] && [ -n "$groups" ]; then
  # A shell that cannot fork for ps ends, but not before these.
  trap end EXIT
  descend
  trap - EXIT
fi
end
for d in $directories; do [ -d $d ] && echo 1 >$d/cgroup.kill; done
[ -n "$1" ] || exit 0
pattern=$1 globs=$2
shift 2
trap 'by_hand=yes; sweep' EXIT
sweep "$@"
trap - EXIT
[ -z "$directories" ] || rmdir $directories
`;
