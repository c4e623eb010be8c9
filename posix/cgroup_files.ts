/**
 * Where this process's cgroup v2 is, from `/proc`: pure, tested on every OS.
 *
 * @module
 */

/**
 * The mount point of the cgroup v2 hierarchy.
 *
 * @param mountinfo `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
 * @returns The mount point and the root of the hierarchy that is mounted there, or `null`.
 */
export function findCgroup2Mount(
  mountinfo: string,
): { point: string; root: string } | null {
  const lines = mountinfo.split("\n");
  for (let i = 0; i < lines.length; i++) {
    // Optional fields end with " - "; behind it stand type, source, options.
    const halves = (lines[i] as string).split(" - ");
    if (halves[1]?.split(" ")[0] !== "cgroup2") continue;
    const fields = (halves[0] as string).split(" ");
    return {
      root: unescape(fields[3] ?? "/"),
      point: unescape(fields[4] ?? ""),
    };
  }
  return null;
}

// Space, tab, newline and backslash stand there as three octal digits.
function unescape(text: string): string {
  return text.replace(
    /\\([0-7]{3})/g,
    (_, digits) => String.fromCharCode(parseInt(digits, 8)),
  );
}

/**
 * The directory of this process's cgroup.
 *
 * @param mountinfo `/proc/self/mountinfo`.
 * @param membership `/proc/self/cgroup` (cgroups(7)): the v2 line is `0::/path`.
 * @returns The directory, or `null` when there is no v2 hierarchy to be seen.
 */
export function ownCgroupDirectory(
  mountinfo: string,
  membership: string,
): string | null {
  const mount = findCgroup2Mount(mountinfo);
  const path = /^0::(\/.*)$/m.exec(membership)?.[1];
  if (mount === null || path === undefined) return null;
  const { point, root } = mount;
  if (root === "/" || !path.startsWith(root)) {
    return path === "/" ? point : point + path;
  }
  return point + path.slice(root.length);
}
