/**
 * The guard: one small process that ends our trees when this process has ended,
 * by whatever cause, SIGKILL and the out-of-memory killer included.
 *
 * A shell with a session of its own and an empty environment, started with the
 * first child that wants it. It needs to be told nothing about tagged trees: it
 * looks for this isolate's tag, so there is no moment between a spawn and its
 * registration. It ends by itself, when this process does.
 *
 * @module
 */

import { cString, cStringArray } from "../../ffi/c_string.ts";
import { addressOf } from "../../ffi/library.ts";
import { findExecutable, type SearchPlaces } from "../spawn/executable.ts";
import { openPipe } from "../stdio/pipe.ts";
import { DARWIN, libc } from "../system/libc.ts";
import { attributes, FileActions } from "../system/posix_spawn.ts";
import { readLink } from "../system/proc_files.ts";
import { sweepArguments } from "./guard_sweep.ts";
import { ownerNumbers } from "./owner.ts";
import { guardedGlobs, guardedPattern, type OwnerNumbers } from "./tag.ts";

const SHELL = "/bin/sh";
const WNOHANG = 1;
const SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

interface Guard {
  readonly pid: number;
  /** The writing end of its standard input. */
  readonly pipe: number;
}

let guard: Guard | null = null;
const groups = new Set<number>();
const directories = new Set<string>();

/**
 * Sees to it that the guard runs.
 *
 * @returns Why there is none, or `""`.
 */
export function ensureGuard(): string {
  if (guard !== null && isAlive(guard)) return "";
  if (guard !== null) libc().close(guard.pipe);
  guard = null;
  const obstacle = guardObstacle();
  if (obstacle !== "") return obstacle;
  const pipe = openPipe("in");
  const pid = startShell(pipe.far);
  libc().close(pipe.far);
  if (pid <= 0) {
    libc().close(pipe.near);
    return `${SHELL} could not be started as the guard`;
  }
  guard = { pid, pipe: pipe.near };
  // A guard that was killed and started again is told what the first one knew.
  groups.forEach((pgid) => tell(`+ ${pgid}`));
  directories.forEach((directory) => tell(`c ${directory}`));
  return "";
}

function places(path: string): SearchPlaces {
  return { path, cwd: "/", own: null };
}

/**
 * Whether there can be a guard.
 *
 * @returns Why not, or `""`.
 */
export function guardObstacle(): string {
  if ("errno" in findExecutable("sh", places("/bin"))) {
    return "there is no /bin/sh to run the guard";
  }
  if (!DARWIN && "errno" in findExecutable("grep", places(SYSTEM_PATH))) {
    return "there is no grep for the guard to look for tags with";
  }
  return "";
}

// One system call: also reaps a guard that somebody killed.
function isAlive(one: Guard): boolean {
  return libc().wait4(one.pid, null, WNOHANG, null) === 0;
}

function startShell(input: number): number {
  using actions = new FileActions();
  actions.descriptor(0, input);
  actions.descriptor(1, "null");
  actions.descriptor(2, "null");
  actions.directory("/");
  actions.closeFrom(3);
  const numbers = DARWIN ? null : ownerNumbers();
  const pattern = numbers === null ? "" : guardedPattern(numbers);
  const globs = numbers === null ? "" : guardedGlobs(numbers);
  const argv = [SHELL, "-c", GUARD_SCRIPT, "killable-guard", pattern, globs];
  const args = cStringArray(argv.concat(secondStage(numbers)));
  const env = cStringArray(guardEnvironment());
  const pid = new Int32Array(1);
  const error = libc().posix_spawn(
    new Uint8Array(pid.buffer),
    cString(SHELL),
    actions.bytes,
    attributes({ group: "session", suspended: false, cgroup: -1 }),
    new Uint8Array(args.pointers.buffer),
    addressOf(env.pointers),
  );
  return error === 0 ? pid[0] as number : -error;
}

// The program that helps the shell when that is too slow: this Deno, running a
// module of this library. A compiled program has no Deno to run it with.
function secondStage(numbers: OwnerNumbers | null): string[] {
  const { standalone } = Deno.build as { standalone?: boolean };
  if (numbers === null || standalone === true) return [];
  const deno = readLink("/proc/self/exe");
  if (deno === null) return [];
  return [deno].concat(sweepArguments(numbers));
}

// Nothing of ours but where Deno keeps its cache: the second stage needs it.
function guardEnvironment(): string[] {
  const env = [`PATH=${SYSTEM_PATH}`, "LC_ALL=C"];
  for (let i = 0; i < CACHE_VARIABLES.length; i++) {
    const name = CACHE_VARIABLES[i] as string;
    const pointer = libc().getenv(cString(name));
    if (pointer === null) continue;
    const value = Deno.UnsafePointerView.getCString(pointer);
    env[env.length] = `${name}=${value}`;
  }
  return env;
}

const CACHE_VARIABLES = ["DENO_DIR", "XDG_CACHE_HOME", "HOME"];

function tell(line: string): void {
  if (guard === null) return;
  const bytes = new TextEncoder().encode(`${line}\n`);
  // A full pipe would mean a guard that no longer reads; it is not waited for.
  libc().write(guard.pipe, bytes, BigInt(bytes.length));
}

/**
 * Has the guard end a process group, where no tag tells it what is ours.
 *
 * @param pgid The group; greater than 1.
 */
export function guardGroup(pgid: number): void {
  groups.add(pgid);
  tell(`+ ${pgid}`);
}

/**
 * Has the guard end and remove a cgroup.
 *
 * @param directory Its directory; without spaces.
 */
export function guardDirectory(directory: string): void {
  directories.add(directory);
  tell(`c ${directory}`);
}

/**
 * The cgroup is empty and about to be removed by ourselves.
 *
 * @param directory Its directory.
 */
export function forgetDirectory(directory: string): void {
  // A directory that is gone is nothing to the guard: it needs not be told.
  directories.delete(directory);
}

/**
 * The group is empty: its number may be a stranger's from now on.
 *
 * @param pgid The group.
 */
export function forgetGroup(pgid: number): void {
  if (groups.delete(pgid)) tell(`- ${pgid}`);
}

// What the guard runs: a POSIX shell script. Pure text; `guard.ts` starts it.
//
// It reads lines until the end of its standard input, which is a pipe whose
// other end only the parent holds: the end of file is the parent's death, by
// whatever cause. Then it ends what is registered, and everything that carries
// the parent's tag.
//
// - Signals of a terminal or a tidy administrator do not end it.
// - `+ N` registers a process group, `- N` forgets it (containment without tags).
// - `c D` registers a cgroup's directory: killed and removed.
// - Everything found is stopped before anything is killed, and it looks again
//   until nothing is found twice in a row, nobody has gone or died under its eyes,
//   and nothing was forked but its own `grep`: the last pid in `/proc/loadavg`
//   tells.
// - When it still finds somebody in its third look, or has not come to rest after
//   six, something is faster than a shell, or the host is busy: `guard_sweep.ts` does it, where there is a Deno
//   and room for it. When that has failed, the shell goes on.
// - Where there are no tags, who has left a registered group is looked for by
//   descent, which shows as long as parents live: so all are stopped before anybody
//   is killed.
// - A tree may have taken every process that this user, cgroup or machine has:
//   then there is none for `grep`, and a shell that cannot fork ends. On its way
//   out it does the same with nothing but what is built into it.

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
