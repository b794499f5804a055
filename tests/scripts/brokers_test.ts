import { assertStringIncludes } from "@std/assert";
import { brokersPage } from "../../scripts/brokers.ts";

Deno.test({
  name: "the page of brokers has a row for each capability, also where one broker broke off",
  permissions: "none",
  fn() {
    const page = brokersPage([
      { name: "One", version: "1.0", outcomes: { first: "yes" } },
      { name: "Two, MQTT 3.1.1", version: "2.0", outcomes: { first: "no", second: "yes" } },
    ]);
    assertStringIncludes(page, "|  | One 1.0 | Two 2.0, MQTT 3.1.1 |\n");
    assertStringIncludes(page, "| first | yes | no |\n| second | **failed** | yes |\n");
  },
});
