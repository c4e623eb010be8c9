/** A slice of the fault table; the rest of it is printed by `main.ts`. */

import { assertEquals } from "@std/assert";
import { endOf } from "./main.ts";

const ignore = Deno.build.os !== "linux";

for (const mechanism of ["lineage", "process-group"]) {
  for (const end of ["Deno.exit()", "SIGKILL"]) {
    Deno.test({
      name: `${mechanism}: the tree ends when the parent ends by ${end}`,
      ignore,
      async fn() {
        // A group does not hold whatever has left it.
        const held = mechanism === "lineage" ? "all ended" : "1 of 4 live on";
        assertEquals(await endOf(mechanism, end), held);
      },
    });
  }
}

Deno.test({
  name: "Deno.Command: the tree lives on when the parent ends by SIGKILL",
  ignore,
  async fn() {
    assertEquals(await endOf("Deno.Command", "SIGKILL"), "all live on");
  },
});
