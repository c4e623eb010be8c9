import { assertEquals } from "@std/assert";
import {
  findCgroup2Mount,
  ownCgroupDirectory,
} from "../../../../posix/containment/cgroup.ts";

const UNIFIED =
  "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
const HYBRID =
  "31 24 0:27 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 none rw";
const V1 =
  "32 24 0:28 / /sys/fs/cgroup/cpu rw shared:10 - cgroup cgroup rw,cpu";

Deno.test("findCgroup2Mount() finds the v2 hierarchy, wherever it is mounted", () => {
  assertEquals(
    findCgroup2Mount(`${V1}\n${UNIFIED}\n`)?.point,
    "/sys/fs/cgroup",
  );
  assertEquals(findCgroup2Mount(HYBRID)?.point, "/sys/fs/cgroup/unified");
  assertEquals(findCgroup2Mount(V1), null);
  assertEquals(findCgroup2Mount(""), null);
  const spaced = "30 23 0:26 / /a\\040b rw - cgroup2 cgroup2 rw";
  assertEquals(findCgroup2Mount(spaced)?.point, "/a b");
});

Deno.test("ownCgroupDirectory() joins mount and membership", () => {
  const own = (mount: string, path: string): string | null =>
    ownCgroupDirectory(mount, `12:cpu:/x\n0::${path}\n`);
  assertEquals(own(UNIFIED, "/"), "/sys/fs/cgroup");
  assertEquals(own(UNIFIED, "/user.slice/a"), "/sys/fs/cgroup/user.slice/a");
  // A container sees its own part of the hierarchy as the mount's root.
  const part = UNIFIED.replace("0:26 / ", "0:26 /docker/1 ");
  assertEquals(own(part, "/docker/1/sub"), "/sys/fs/cgroup/sub");
  assertEquals(ownCgroupDirectory(UNIFIED, "12:cpu:/x\n"), null);
  assertEquals(ownCgroupDirectory(V1, "0::/\n"), null);
});
