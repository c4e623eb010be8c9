/** Output to a file on a full disk: the child is told, or the error names the call. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { IS_ROOT } from "./place.ts";

Deno.test({
  name:
    "a full disk fails the child that writes, and the file that cannot be made",
  ignore: !IS_ROOT, // Mounts need root.
  async fn() {
    const folder = await Deno.makeTempDir();
    const mod = import.meta.resolve("../../../mod.ts");
    const script = import.meta.resolve("./disk.ts");
    try {
      const { stdout, stderr } = await new Deno.Command("unshare", {
        // deno-fmt-ignore
        args: ["-m", "sh", "-c",
          'mount -t tmpfs -o size=64k,nr_inodes=3 none "$0"; exec "$@"', folder,
          Deno.execPath(), "run", "--quiet", "--no-config", "--no-lock", "-A", script, mod, folder],
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(stdout);
      assertEquals(text === "", false, new TextDecoder().decode(stderr));
      const [first, second, third, children] = JSON.parse(text);
      for (const [success, told] of [first, second]) {
        assertEquals(success, false);
        assertStringIncludes(told, "No space left on device");
      }
      assertEquals(third.slice(0, 2), ["ENOSPC", "open"]);
      assertStringIncludes(third[2], `${folder}/new`);
      // The guard.
      assertEquals(children, 1);
    } finally {
      await Deno.remove(folder);
    }
  },
});
