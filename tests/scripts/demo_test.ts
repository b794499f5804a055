import { assertEquals, assertMatch } from "@std/assert";
import { run } from "../../scripts/lib/process.ts";
import { ROOT } from "../../scripts/lib/paths.ts";

Deno.test("the demo holds at every step, and shows no secret", async () => {
  const result = await run(
    Deno.execPath(),
    ["run", "-A", "--quiet", "--no-lock", "scripts/demo.ts"],
    { cwd: ROOT, deadlineMs: 60_000 },
  );
  assertEquals(result.code, 0, result.stdout + result.stderr);
  assertMatch(result.stdout, /^All \d+ steps gave what they should/m);
  assertMatch(result.stdout, /"MQTT_USER":"\*+","MQTT_PASS":"\*+"/);
});
