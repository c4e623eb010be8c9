import { assertEquals, assertThrows } from "@std/assert";
import { windowsSpec } from "../../../../process/options/attributes.ts";

Deno.test("windowsSpec() fills in what is not said", () => {
  assertEquals(windowsSpec(undefined), null);
  assertEquals(windowsSpec({}), {
    console: "auto",
    window: "default",
    desktop: null,
    breakaway: false,
  });
  assertEquals(windowsSpec({ console: "none", window: "hidden" }), {
    console: "none",
    window: "hidden",
    desktop: null,
    breakaway: false,
  });
});

Deno.test("windowsSpec() refuses what is no choice", () => {
  for (
    const wrong of [
      { console: "new" },
      { window: "small" },
      { desktop: 1 },
      { desktop: "winsta0\0" },
      { breakaway: "yes" },
      { windowsHide: true },
      "hidden",
      null,
    ]
  ) {
    assertThrows(() => windowsSpec(wrong as never), TypeError);
  }
});
