import { assert, assertEquals, assertFalse } from "@std/assert";
import { Policy, type PolicyRules } from "../src/policy.ts";
import { Random } from "./support/random.ts";
import { allFilters, allNames, slowlyMatches } from "./support/topics.ts";

const permissions = "none";
const OPEN: PolicyRules = {
  readOnly: false,
  allowPublish: null,
  denyPublish: [],
  allowSubscribe: null,
  denySubscribe: [],
};
const NO_PUBLISH = "no filter of MQTT_ALLOW_PUBLISH covers it";
const NO_SUBSCRIBE = "no filter of MQTT_ALLOW_SUBSCRIBE covers it";

function policy(rules: Partial<PolicyRules>): Policy {
  return new Policy({ ...OPEN, ...rules });
}

Deno.test({
  name: "without rules everything is allowed",
  permissions,
  fn() {
    const open = policy({});
    assertEquals(open.refusePublish("$SYS/x"), null);
    assertEquals(open.refuseSubscribe("#"), null);
    assert(open.mayDeliver("a"));
    assertFalse(open.restricted);
    assertFalse(open.readOnly);
  },
});

Deno.test({
  name: "any rule makes a policy restricted",
  permissions,
  fn() {
    assert(policy({ readOnly: true }).restricted);
    assert(policy({ allowPublish: [] }).restricted);
    assert(policy({ denyPublish: ["a"] }).restricted);
    assert(policy({ allowSubscribe: ["a"] }).restricted);
    assert(policy({ denySubscribe: ["a"] }).restricted);
  },
});

Deno.test({
  name: "read-only refuses every publish and no subscription",
  permissions,
  fn() {
    const readOnly = policy({ readOnly: true, allowPublish: ["a"] });
    assert(readOnly.readOnly);
    assertEquals(readOnly.refusePublish("a"), "MQTT_READ_ONLY is set");
    assertEquals(readOnly.refuseSubscribe("#"), null);
  },
});

Deno.test({
  name: "publishing needs an allowed topic, and deny wins",
  permissions,
  fn() {
    const rules = policy({ allowPublish: ["lamp/+/set", "x"], denyPublish: ["lamp/door/#"] });
    assertEquals(rules.refusePublish("lamp/kitchen/set"), null);
    assertEquals(rules.refusePublish("x"), null);
    assertEquals(rules.refusePublish("lamp/door/set"), "MQTT_DENY_PUBLISH denies 'lamp/door/#'");
    assertEquals(rules.refusePublish("lamp/kitchen/state"), NO_PUBLISH);
    assertEquals(policy({ allowPublish: ["#"] }).refusePublish("$SYS/x"), NO_PUBLISH);
    assertEquals(policy({ allowPublish: [] }).refusePublish("a"), NO_PUBLISH);
  },
});

Deno.test({
  name: "a subscription must be contained in an allowed filter",
  permissions,
  fn() {
    const rules = policy({ allowSubscribe: ["sensors/+", "a.b/c"] });
    assertEquals(rules.refuseSubscribe("sensors/x"), null);
    assertEquals(rules.refuseSubscribe("sensors/+"), null);
    assertEquals(rules.refuseSubscribe("sensors/#"), NO_SUBSCRIBE);
    assertEquals(rules.refuseSubscribe("#"), NO_SUBSCRIBE);
    assertEquals(rules.refuseSubscribe("axb/c"), NO_SUBSCRIBE);
    assertEquals(policy({ allowSubscribe: ["#"] }).refuseSubscribe("$SYS/#"), NO_SUBSCRIBE);
  },
});

Deno.test({
  name: "a shared subscription counts as its filter",
  permissions,
  fn() {
    const rules = policy({ allowSubscribe: ["a/#"], denySubscribe: ["a/secret/#"] });
    assertEquals(rules.refuseSubscribe("$share/g/a/+"), null);
    assertEquals(rules.refuseSubscribe("$share/a/b"), NO_SUBSCRIBE);
    assertEquals(
      rules.refuseSubscribe("$share/g/a/secret/x"),
      "MQTT_DENY_SUBSCRIBE denies 'a/secret/#'",
    );
  },
});

Deno.test({
  name: "a filter wider than a denied one is allowed, and delivery keeps the denied topics out",
  permissions,
  fn() {
    const rules = policy({ denySubscribe: ["home/alarm/#"] });
    assertEquals(rules.refuseSubscribe("home/#"), null);
    assertEquals(rules.refuseSubscribe("home/+/state"), null);
    assertEquals(
      rules.refuseSubscribe("home/alarm/+"),
      "MQTT_DENY_SUBSCRIBE denies 'home/alarm/#'",
    );
    assert(rules.mayDeliver("home/lamp/state"));
    assertFalse(rules.mayDeliver("home/alarm/state"));
    assertFalse(rules.mayDeliver("home/alarm"));
  },
});

Deno.test({
  name: "what the broker sends unasked is not delivered",
  permissions,
  fn() {
    assertFalse(policy({ allowSubscribe: ["a/#"] }).mayDeliver("b"));
    assertFalse(policy({ allowSubscribe: ["#"] }).mayDeliver("$SYS/uptime"));
  },
});

Deno.test({
  name: "decisions agree with brute force over every small name, for random policies",
  permissions,
  fn() {
    const random = new Random(13);
    const filters = allFilters(["a", "$x", ""], 2);
    const names = allNames(["a", "$x", "", "z"], 4);
    const some = (max: number) =>
      Array.from({ length: random.int(0, max) }, () => random.pick(filters));
    let granted = 0;
    for (let round = 0; round < 400; round++) {
      const rules: PolicyRules = {
        readOnly: random.chance(0.1),
        allowPublish: random.chance(0.5) ? some(3) : null,
        denyPublish: some(2),
        allowSubscribe: random.chance(0.7) ? some(3) : null,
        denySubscribe: some(2),
      };
      const decided = new Policy(rules);
      const where = `seed 13, round ${round}: ${JSON.stringify(rules)}`;
      const hits = (list: readonly string[], name: string) =>
        list.some((filter) => slowlyMatches(filter, name));
      const readable = (name: string) =>
        !hits(rules.denySubscribe, name) &&
        (rules.allowSubscribe === null || hits(rules.allowSubscribe, name));
      for (const name of names.slice(0, 60)) {
        const writable = !rules.readOnly && !hits(rules.denyPublish, name) &&
          (rules.allowPublish === null || hits(rules.allowPublish, name));
        assertEquals(decided.refusePublish(name) === null, writable, `${name}, ${where}`);
        assertEquals(decided.mayDeliver(name), readable(name), `${name}, ${where}`);
      }
      const asked = random.pick(filters);
      const matched = names.filter((name) => slowlyMatches(asked, name));
      const isWithin = (outer: string) => matched.every((name) => slowlyMatches(outer, name));
      const expected = !rules.denySubscribe.some(isWithin) &&
        (rules.allowSubscribe?.some(isWithin) ?? true);
      assertEquals(decided.refuseSubscribe(asked) === null, expected, `${asked}, ${where}`);
      assertEquals(decided.refuseSubscribe(`$share/g/${asked}`) === null, expected, where);
      if (expected) granted++;
    }
    assert(granted > 50 && granted < 350, `${granted}`);
  },
});
