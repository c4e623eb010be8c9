/**
 * The script of the guard, for a POSIX shell: it waits for the end of the owner and ends its trees.
 *
 * It reads lines until the end of its standard input, a pipe whose other end only
 * the owner holds: the end of file is the end of the owner, whatever caused it.
 * Then every tree of the owner gets one sequence: its soft signal and SIGCONT, its
 * grace, SIGKILL until it is empty.
 *
 * - Signals of a terminal or an administrator do not end the script.
 * - `t N SIGNAL GRACE` has the terms of the tree with this number in its tag, the
 *   grace in hundredths of a second; `a N` says that it has been sent its signal,
 *   `l N PID` the same of one process of it.
 * - `+ PGID SIGNAL GRACE` registers a process group, `- PGID` forgets it
 *   (containment without tags); `b PGID` says that it has been sent its signal.
 * - `c GRACE DIRECTORY` registers a cgroup: killed and removed.
 * - `m LOW HIGH PATTERN` has the slices that mark this owner's trees, and what they
 *   look like in `/proc/<pid>/sched`; `w LOW` takes them back. `k SLICE N` says which
 *   tree has a mark, where more is known of that tree than the defaults.
 * - `p PID N` has the leader of a tree where there are no marks, `q PID` says that it
 *   is reaped.
 * - `f N PID` has the leader that gets the signal of its tree first: the others of the
 *   tree get it when a look between two naps shows that it has ended. `x PGID` says
 *   the same of a group and its leader.
 * - `e` says that only an isolate ends, and its process may go on.
 * - Members are sent the soft signal once. A process that is found later was
 *   forked by a member that has it, perhaps for the clean-up.
 * - Members that are due are stopped before any is killed, and the script looks
 *   again until nothing is found twice in a row, nothing has gone or died during
 *   the look, and nothing was forked but its own `grep`: the last pid in
 *   `/proc/loadavg` tells.
 * - When members are found in the third look, or it has not come to rest after six,
 *   something is faster than a shell, or the host is busy: `guard_sweep.ts` goes on,
 *   where there is a Deno and room for it. When that has failed, the shell does.
 * - Without tags, members that have left a registered group are found by descent,
 *   which shows as long as parents live: so the family is noted before the signal,
 *   and all are stopped before any is killed.
 * - A tree may have taken every process that this user, cgroup or machine has:
 *   then there is none for `grep` or `sleep`, and a shell that cannot fork ends. On
 *   its way out it does the hard part with what is built into it.
 *
 * @module
 */

/**
 * The script. Its arguments: the pattern for grep, empty when there are no tags;
 * the same as globs; the name that it takes, or ""; the number of digits of a tree
 * in a tag; the command of the second stage, if there is one.
 */
export const GUARD_SCRIPT = `
trap '' HUP INT QUIT TERM TSTP TTIN TTOU PIPE ALRM USR1 USR2
pattern=$1 globs=$2 digits=$4
[ -z "$3" ] || echo "$3" >/proc/$$/comm
shift 4
groups= directories= hard= family= asked= mail= waiting= by_hand= mains= later=
marks= slices= ranges= leaders= parents= kin= looks=0 sweeps=0 sifts=0
elapsed=0 next=0 groups_next=0 naps=0 from= then=yes
# The fields from the third on: a zombie is over when it has no other thread.
over() {
  case $1 in
  X) return 0 ;;
  Z) [ "\${18}" -le 1 ] ;;
  *) return 1 ;;
  esac
}
# A name may contain a newline.
read_stat() {
  stat=
  while read -r line; do stat="$stat $line"; done </proc/$1/stat
  [ -n "$stat" ]
}
# Whether the grace of a tree is over, by the tag of a member, "u" and its slice, or
# "n" and the number of the tree.
due() {
  case $1 in
  u*) eval "tree=\\\${k_\${1#u}:-none}" ;;
  n*) tree=\${1#n} ;;
  *)
    case $digits in
    4) tree=\${1#????????} tree=\${tree%???????} ;;
    *) tree=\${1#????????????????} ;;
    esac
    ;;
  esac
  eval "terms=\\\${t_$tree:-TERM:500} told=\\\$a_$tree leader=\\\$l_$tree main=\\\$f_$tree"
  soft=\${terms%:*} grace=\${terms#*:}
  [ $grace -le $elapsed ]
}
lives() {
  read_stat $1 && ! over \${stat##*) }
}
# Whether one of the leaders that hear first has ended: then all are looked at again.
mains_over() {
  for one in $mains; do
    lives $one && continue
    mains= asking=yes
    return 0
  done
  # A leader that is gone, or is a zombie of an owner that lives on.
  rest=
  for g in $later; do
    state=$(ps -o stat= -p $g)
    case $state in
    '' | Z*) tell_group ;;
    *) rest="$rest $g" ;;
    esac
  done
  later=$rest
  return 1
}
tell_group() {
  eval "terms=\\\$g_$g"
  kill -s \${terms%:*} -- "-$g"
  kill -s CONT -- "-$g"
}
# Notes the earliest end of a grace.
note_next() {
  [ $next -ne 0 ] && [ $next -le $1 ] || next=$1
}
# What grep does, for one file of limits: sets tag.
tagged() {
  while read -r max what kind tag rest; do
    [ "$max $what $kind" = "Max file locks" ] || continue
    for glob in $globs; do
      case $tag in $glob) return 0 ;; esac
    done
  done <$1
  return 1
}
# The same for the slice in one file of scheduling figures.
marked() {
  while read -r name colon tag rest; do
    [ "$name" = se.slice ] || continue
    for range in $ranges; do
      [ $tag -lt \${range%:*} ] || [ $tag -gt \${range#*:} ] || return 0
    done
    return 1
  done <$1
  return 1
}
# Whether a process with one of these slices is of another owner's tree: it, or its
# first parent that has a tag, has one that is not of this owner.
others() {
  up=$1 passed=
  while [ "$up" -gt 1 ]; do
    eval "own=\\\$o_$up"
    [ "$own" != $looks ] || break
    passed="$passed $up" tag=
    while read -r max what kind limit rest; do
      [ "$max $what $kind" != "Max file locks" ] || { tag=$limit && break; }
    done </proc/$up/limits
    case $tag in
    7[5-9]????????????????? | 8[0-2]?????????????????)
      for glob in $globs; do
        case $tag in $glob) break 2 ;; esac
      done
      return 0
      ;;
    esac
    read_stat $up || break
    set -- \${stat##*) }
    up=$2
  done
  # A shell reads byte by byte, and parents are shared: the answer holds for this look.
  for step in $passed; do eval "o_$step=$looks"; done
  return 1
}
# All members by what they carry, as words FILE:TAG or FILE:uSLICE.
look() {
  found= file= looks=$((looks + 1))
  if [ -n "$by_hand" ]; then
    for file in /proc/[0-9]*/limits; do
      tagged $file && found="$found $file:$tag"
    done
    [ -n "$ranges" ] || return
    for file in /proc/[0-9]*/sched; do
      marked $file && found="$found $file:u$tag"
    done
    return
  fi
  # The null device makes grep name the file even when there is only one.
  for word in $(grep -sE "$pattern$slices" /dev/null $files); do
    case $word in
    /proc/*:Max) file=\${word%:Max}: ;;
    /proc/*:se.slice) file=\${word%:se.slice}:u ;;
    [0-9]*) [ -z "$file" ] || found="$found $file$word" file= ;;
    esac
  done
}
# Notes which of many processes are not over, by one grep: a shell reads byte by byte,
# and thousands of zombies would take it seconds.
sift() {
  sifted=
  [ $# -gt 64 ] && [ -z "$by_hand" ] || return
  sifts=$((sifts + 1)) names=
  for pid; do names="$names /proc/$pid/status"; done
  # The grep itself comes last, and lives: without it the answer is not whole, as when
  # it was killed or could not be started, and nothing is left out.
  for word in $(grep -sE '^(State:.[^ZX]|Threads:.([2-9]|..))' $names /proc/self/status); do
    case $word in
    /proc/self/status:*) sifted=yes ;;
    /proc/*/status:*) pid=\${word#/proc/} && eval "n_\${pid%%/*}=$sifts" ;;
    esac
  done
}
# Whether a process is over, or gone, by the last of these.
sifted_out() {
  [ -n "$sifted" ] && eval "sifted_in=\\$n_$1" && [ "$sifted_in" != $sifts ]
}
# A living member: stopped when it is due, spared when it is not.
take() {
  if due $1; then
    kill -STOP $pid
    alive="$alive $pid"
  else
    spare
  fi
  parents="$parents $pid:$1"
}
# Takes what descends from the members, whatever it carries: down their lists of
# children, for which nothing is forked.
follow() {
  pids=
  for one in $kin; do pids="$pids \${one%%:*}"; done
  sift $pids
  for one in $kin; do
    pid=\${one%%:*}
    fresh $pid && ! sifted_out $pid && read_stat $pid && ! over \${stat##*) } || continue
    started \${stat##*) }
    [ "$start" != \${one##*:} ] || { one=\${one#*:} && take \${one%:*}; }
  done
  for one in $leaders; do
    pid=\${one%:*}
    fresh $pid && read_stat $pid && ! over \${stat##*) } && take n\${one#*:}
    # With a zombie as its leader it is the same group.
    if due n\${one#*:}; then kill -s KILL -- "-$pid"; fi
  done
  while [ -n "$parents" ]; do
    generation=$parents parents=
    for parent in $generation; do
      for list in /proc/\${parent%%:*}/task/*/children; do
        kids=
        read -r kids <$list
        sift $kids
        for pid in $kids; do
          fresh $pid && ! sifted_out $pid && read_stat $pid && ! over \${stat##*) } || continue
          # A member also when its parents are gone.
          started \${stat##*) }
          kin="$kin $pid:\${parent#*:}:$start"
          take \${parent#*:}
        done
      done
    done
  done
}
started() {
  start=\${20}
}
# Whether a process has not been taken in this look.
fresh() {
  eval "last=\\\$m_$1 m_$1=$looks"
  [ "$last" != $looks ]
}
# A member whose grace is not over: to be sent its signal in the first look of all.
spare() {
  waiting="$waiting $pid"
  note_next $grace
  [ -z "$asking" ] && return
  case "$asked " in *" $pid "*) return ;; esac
  if [ "\${main:-$pid}" != $pid ] && lives $main; then
    mains="$mains $main"
    return
  fi
  asked="$asked $pid"
  [ -z "$told" ] && [ "$pid" != "$leader" ] || return
  mail="$mail $soft:$pid"
}
# Sends the signals. At the end of the look: what a member forks for its clean-up
# would be found by a look that goes on.
deliver() {
  asking=
  for one in $mail; do
    kill -s \${one%:*} \${one#*:}
    kill -s CONT \${one#*:}
  done
  mail=
  # Each has its grace from here on.
  [ -n "$from" ] || { clock && from=$now; }
}
# Ends the members that are due, until there are none. Those that are not are left
# in $waiting; with none of these, it returns when the emptiness is proved.
sweep() {
  quiet=0 round=0 patience=100 late= sweeps=$((sweeps + 1))
  # With looks as slow as these a busy host is not waited for.
  [ -z "$by_hand" ] || patience=3
  while [ $quiet -lt 2 ] && [ $round -lt 500 ]; do
    round=$((round + 1))
    read -r a b c d before </proc/loadavg
    look
    read -r a b c d after </proc/loadavg
    alive= moved= waiting= next=$groups_next pids=
    for one in $found; do one=\${one#/proc/} && pids="$pids \${one%%/*}"; done
    sift $pids
    for one in $found; do
      pid=\${one#/proc/} pid=\${pid%%/*}
      fresh $pid || continue
      # A tagged process that has gone or died since may have left a successor.
      if ! sifted_out $pid && ! read_stat $pid; then
        moved=yes
        continue
      fi
      # grep finds the text of a zombie, too.
      if sifted_out $pid || over \${stat##*) }; then
        eval "died=\\$d_$pid d_$pid=$sweeps"
        [ "$died" = $sweeps ] || moved=yes
        continue
      fi
      case \${one##*:} in
      u*) others $pid && continue ;;
      esac
      take \${one##*:}
    done
    follow
    deliver
    [ -z "$by_hand" ] || read -r a b c d after </proc/loadavg
    if [ -n "$alive" ]; then
      kill -KILL $alive
      # These have left nothing that is not found by the next look.
      for pid in $alive; do eval "d_$pid=$sweeps"; done
      quiet=0
    elif [ -n "$moved" ]; then
      quiet=0
    elif [ -n "$waiting" ]; then
      return
    else
      # Less than none: numbers have wrapped, and anything may have been overlooked.
      forks=$((after - before))
      if [ $forks -eq 0 ] || [ $forks -eq 1 ] || [ $round -gt $patience ]; then
        quiet=$((quiet + 1))
      fi
    fi
    # The second stage ends all there are; and it may be needed again later.
    if [ -n "$waiting" ]; then
      # Looks at a tree that restarts what dies follow one another without a nap.
      tick 0
      [ $round -lt 20 ] || return
      continue
    fi
    # What is found in the third look may be faster than this.
    [ $round -eq 3 ] && [ -n "$alive" ] && late=yes
    [ $((round % 50)) -eq 6 ] && late=yes
    if [ -n "$late" ] && [ -z "$by_hand" ] && [ $# -gt 0 ]; then
      late=
      "$@" $ranges && return
    fi
  done
}
# Finds the processes that are in the groups $1 or descend from one that is: "stop"
# as $2 stops each at once.
descend() {
  # The end of file comes while the owner's process is still exiting. The kernel
  # then sends SIGHUP to a group that it leaves with a stopped member (_exit(2)): a
  # process that ends by that is no parent any more by which others are found. When
  # it is over, this shell has another parent. The process may also live on, when
  # only an isolate has ended in it.
  round=0
  while [ $round -lt 50 ] && [ -n "$then" ]; do
    round=$((round + 1))
    parent=$(ps -o ppid= -p $$)
    [ "$((parent))" = $PPID ] || break
  done
  then=
  round=0 fresh=yes
  while [ -n "$fresh" ] && [ $round -lt 20 ]; do
    round=$((round + 1)) fresh= more=yes
    table=$(ps -A -o pid= -o ppid= -o pgid= -o lstart=)
    # A child may be listed before its parent.
    while [ -n "$more" ]; do
      more=
      while read -r pid ppid pgid start; do
        case "$family " in *" $pid "*) continue ;; esac
        eval "known=\\\$s_$pid"
        if [ -z "$known" ] || [ "$known" != "$start" ]; then
          case "$1 " in
          *" $pgid "*) ;;
          *)
            # Or in a group that one of them leads: the work of a guard among them,
            # which is stopped as well.
            case "$family " in *" $ppid "* | *" $pgid "*) ;; *) continue ;; esac
            ;;
          esac
        fi
        [ "$2" != stop ] || kill -STOP $pid
        family="$family $pid" fresh=yes more=yes
        eval "s_$pid=\\\$start"
      done <<TABLE
$table
TABLE
    done
  done
}
# Kills the groups that are due, and with a family also that.
end() {
  # Not "kill -KILL --": dash takes that for a signal named after nothing.
  for g in $hard; do kill -s KILL -- "-$g"; done
  [ -z "$family" ] || kill -KILL $family
}
# Moves the groups that are due from $groups to $hard, and kills due cgroups.
divide() {
  rest= next=0
  for g in $groups; do
    eval "terms=\\\$g_$g"
    if [ \${terms#*:} -le $elapsed ]; then
      hard="$hard $g"
    else
      rest="$rest $g"
      note_next \${terms#*:}
    fi
  done
  groups=$rest groups_next=$next
  for one in $directories; do
    [ \${one%%:*} -gt $elapsed ] || [ ! -d \${one#*:} ] ||
      echo 1 >\${one#*:}/cgroup.kill
  done
}
# Forgets the groups in which nothing lives any more: the number may be given again.
forget_groups() {
  states=$(ps -A -o pgid= -o stat=) || states=
  living=
  while read -r pgid state; do
    case $state in Z*) ;; *) living="$living $pgid" ;; esac
  done <<STATES
$states
STATES
  rest=
  for g in $groups; do
    if [ -n "$states" ]; then
      case "$living " in *" $g "*) rest="$rest $g" ;; esac
    else
      kill -s 0 -- "-$g" && rest="$rest $g"
    fi
  done
  groups=$rest
}
# Whether anything lives that waits for the end of its grace.
present() {
  for pid in $waiting; do
    read_stat $pid && ! over \${stat##*) } && return 0
  done
  [ -z "$groups" ] || forget_groups
  [ -n "$groups" ]
}
# Hundredths of a second since boot.
clock() {
  now=
  read -r now rest </proc/uptime || return
  now=\${now%.*}\${now#*.}
  while :; do
    case $now in 0?*) now=\${now#0} ;; *) break ;; esac
  done
}
# Adds the time since the last call to $elapsed, or $1 without a clock: never more than
# a second, since what was stopped meanwhile, with the whole machine or alone, had no
# time to end.
tick() {
  moment=$1
  clock
  [ -z "$now" ] || [ -z "$from" ] || moment=$((now - from))
  [ $moment -le 100 ] || moment=100
  from=$now elapsed=$((elapsed + moment))
}
# Waits for a moment.
nap() {
  naps=$((naps + 1)) moment=10
  [ $naps -gt 10 ] || moment=2
  if ! sleep 0.\$((moment / 10))\$((moment % 10)); then
    moment=100
    # Without a way to wait there is no grace.
    sleep 1 || elapsed=99999999
  fi
  tick $moment
}
while read -r op id soft grace; do
  case $op in
  t) eval "t_$id=\\\$soft:\\\$grace a_$id= l_$id=" ;;
  a | b | x) eval "\${op}_$id=yes" ;;
  l | f) eval "\${op}_$id=\\\${soft#0}" ;;
  +) groups="$groups $id"
     eval "g_$id=\\\$soft:\\\$grace" ;;
  -) rest=
     for g in $groups; do [ "$g" = "$id" ] || rest="$rest $g"; done
     groups=$rest
     unset g_$id b_$id x_$id ;;
  c) directories="$directories $id:$soft" ;;
  m) marks="$marks $id:$soft:$grace" ;;
  w) rest=
     for m in $marks; do case $m in $id:*) ;; *) rest="$rest $m" ;; esac; done
     marks=$rest ;;
  k) eval "k_$id=\\$soft" ;;
  p) leaders="$leaders $id:$soft" ;;
  q) rest=
     for p in $leaders; do [ "\${p%:*}" = "$id" ] || rest="$rest $p"; done
     leaders=$rest ;;
  e) then= ;;
  esac
done
asking=yes
for m in $marks; do
  slices="$slices\${slices:+|}\${m##*:}"
  ranges="$ranges \${m%:*}"
done
files='/proc/[0-9]*/limits'
if [ -n "$slices" ]; then
  slices="|^se\\.slice +: +($slices)$"
  files="$files /proc/[0-9]*/sched"
fi
# A shell that cannot fork ends, and does this on its way out.
trap 'elapsed=99999999 by_hand=yes asking=; divide; end; [ -z "$pattern" ] || sweep' EXIT
divide
if [ -z "$pattern" ] && [ -n "$hard" ]; then descend "$hard" stop; fi
end
if [ -z "$pattern" ] && [ -n "$groups" ]; then
  family=
  descend "$groups" note
fi
# What is frozen hears nothing.
for one in $directories; do echo 0 >\${one#*:}/cgroup.freeze; done
for g in $groups; do
  eval "terms=\\\$g_$g told=\\\$b_$g first=\\\$x_$g"
  [ -z "$told" ] || continue
  if [ -n "$first" ] && kill -s \${terms%:*} $g; then
    kill -s CONT $g
    later="$later $g"
  else
    tell_group
  fi
done
[ -z "$pattern" ] || sweep "$@"
while [ -n "$waiting$groups" ]; do
  while present && [ $elapsed -lt $next ]; do
    nap
    mains_over && break
  done
  hard=
  divide
  if [ -z "$pattern" ] && [ -n "$hard" -o -z "$groups" ]; then
    # What has left a group and is known ends with the last of them.
    family=
    descend "$hard" stop
  fi
  end
  [ -z "$pattern" ] || sweep "$@"
done
trap - EXIT
elapsed=99999999
divide
for one in $directories; do rmdir \${one#*:}; done
`;
