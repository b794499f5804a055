import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  covers,
  isExactTopic,
  matches,
  mqttStringFault,
  parseFilter,
  topicFilterFault,
  topicNameFault,
} from "../src/topic.ts";

const permissions = "none";
const LONGEST = "x".repeat(65_535);
const LONE_HASH = "'#' must be the last level and stand alone in it";
const LONE_PLUS = "'+' must stand alone in its level";
const SHARE = "$share needs a group name and a topic filter: $share/group/filter";

Deno.test({
  name: "a topic name may have any levels, empty ones too",
  permissions,
  fn() {
    for (
      const name of ["a", "/", "a/b", "/a", "a/", "a//b", "$SYS/x", " ", "grüße/☃/😀", LONGEST]
    ) {
      assertEquals(topicNameFault(name), null, name.slice(0, 20));
    }
  },
});

Deno.test({
  name: "a topic name must not be empty",
  permissions,
  fn() {
    assertEquals(topicNameFault(""), "a topic name must not be empty");
  },
});

Deno.test({
  name: "a topic name must not contain a wildcard",
  permissions,
  fn() {
    for (const name of ["#", "+", "a/#", "a/+/b", "a+b", "a#"]) {
      assertEquals(topicNameFault(name), "a topic name must not contain wildcards", name);
    }
  },
});

Deno.test({
  name: "a topic must not contain NUL or an unpaired surrogate",
  permissions,
  fn() {
    for (const fault of [topicNameFault, topicFilterFault]) {
      assertEquals(fault("a\0b"), "a topic must not contain the NUL character");
      assertEquals(fault("a\uD800b"), "a topic must not contain an unpaired surrogate");
      assertEquals(fault("\uDC00\uD800"), "a topic must not contain an unpaired surrogate");
    }
  },
});

Deno.test({
  name: "a topic is measured in bytes, not in characters",
  permissions,
  fn() {
    const rule = "a topic must be at most 65,535 bytes of UTF-8";
    for (const fault of [topicNameFault, topicFilterFault]) {
      assertEquals(fault(LONGEST), null);
      assertEquals(fault(`${LONGEST}x`), `${rule} (it has 65,536)`);
      assertEquals(fault("☃".repeat(21_845)), null);
      assertEquals(fault("☃".repeat(21_846)), `${rule} (it has 65,538)`);
      assertEquals(fault("😀".repeat(16_384)), `${rule} (it has 65,536)`);
      assertEquals(fault("x".repeat(20_000_000)), `${rule} (it has more than 262,140)`);
    }
    assertEquals(mqttStringFault(`${LONGEST}x`), "must be at most 65,535 bytes of UTF-8");
  },
});

Deno.test({
  name: "a topic filter may have wildcards that stand alone in their levels",
  permissions,
  fn() {
    for (const filter of ["#", "+", "a/#", "+/+", "/+", "+/", "/#", "a/+/#", "$SYS/#", "a b"]) {
      assertEquals(topicFilterFault(filter), null, filter);
    }
  },
});

Deno.test({
  name: "a topic filter breaks a rule by its name",
  permissions,
  fn() {
    assertEquals(topicFilterFault(""), "a topic filter must not be empty");
    for (const filter of ["a#", "#/a", "a/#/b", "a/b#", "##", "#/", "+#", "a/#+"]) {
      assertEquals(topicFilterFault(filter), LONE_HASH, filter);
    }
    for (const filter of ["a+", "+a/b", "a/++", "a/b+/#"]) {
      assertEquals(topicFilterFault(filter), LONE_PLUS, filter);
    }
  },
});

Deno.test({
  name: "a shared subscription needs a group name without wildcards and a valid filter",
  permissions,
  fn() {
    for (const filter of ["$share/g/a", "$share/g/#", "$share/g//", "$share/g/+/b", "$shared/x"]) {
      assertEquals(topicFilterFault(filter), null, filter);
    }
    for (const filter of ["$share", "$share/", "$share/g", "$share/g/", "$share//a"]) {
      assertEquals(topicFilterFault(filter), SHARE, filter);
    }
    for (const filter of ["$share/+/a", "$share/g#/a"]) {
      assertEquals(
        topicFilterFault(filter),
        "a share group name must not contain '+' or '#'",
        filter,
      );
    }
    assertEquals(topicFilterFault("$share/g/a#"), LONE_HASH);
    assertEquals(topicFilterFault("$share/g/a+"), LONE_PLUS);
  },
});

Deno.test({
  name: "a shared filter is split into group and filter",
  permissions,
  fn() {
    assertEquals(parseFilter("$share/g/a/#"), { group: "g", filter: "a/#" });
    assertEquals(parseFilter("$share/g//"), { group: "g", filter: "/" });
    assertEquals(parseFilter("a/$share/g/x"), { group: null, filter: "a/$share/g/x" });
    assertEquals(parseFilter("$share/g"), { group: null, filter: "$share/g" });
  },
});

Deno.test({
  name: "an exact topic has no wildcard and no $share",
  permissions,
  fn() {
    for (const filter of ["a", "a/b", "$SYS/x", "/"]) assert(isExactTopic(filter), filter);
    for (const filter of ["#", "a/+", "$share/g/a"]) assertFalse(isExactTopic(filter), filter);
  },
});

Deno.test({
  name: "filters match by the examples of the standard",
  permissions,
  fn() {
    const yes: [string, string][] = [
      ["sport/tennis/player1/#", "sport/tennis/player1"],
      ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"],
      ["sport/#", "sport"],
      ["#", "a/b"],
      ["sport/+", "sport/"],
      ["+/+", "/finance"],
      ["/+", "/finance"],
      ["$SYS/#", "$SYS/a"],
      ["$SYS/#", "$SYS"],
      ["$SYS/monitor/+", "$SYS/monitor/Clients"],
      ["a/+", "a/$b"],
      ["#", "/"],
    ];
    for (const [filter, name] of yes) assert(matches(filter, name), `${filter} ${name}`);
    const no: [string, string][] = [
      ["sport/+", "sport"],
      ["+", "/finance"],
      ["#", "$SYS/a"],
      ["+/monitor/Clients", "$SYS/monitor/Clients"],
      ["a/b", "a/bc"],
      ["a/bc", "a/b"],
      ["a.b/c", "axb/c"],
      ["A", "a"],
      ["a", "a/"],
      ["a/", "a"],
      ["a/b/#", "a"],
    ];
    for (const [filter, name] of no) assertFalse(matches(filter, name), `${filter} ${name}`);
  },
});

Deno.test({
  name: "containment by example",
  permissions,
  fn() {
    const yes: [string, string][] = [
      ["#", "#"],
      ["#", "+/#"],
      ["+/#", "#"],
      ["a/#", "a"],
      ["a/#", "a/+/b"],
      ["a/#", "a/#"],
      ["a/+/#", "a/b/#"],
      ["$SYS/#", "$SYS/+/x"],
      ["+/+", "a/"],
    ];
    for (const [outer, inner] of yes) assert(covers(outer, inner), `${outer} ${inner}`);
    const no: [string, string][] = [
      ["sensors/+", "sensors/#"],
      ["a/+/#", "a/#"],
      ["#", "$SYS/#"],
      ["#", "$SYS/x"],
      ["+/x", "$SYS/x"],
      ["+/#", "$SYS/#"],
      ["a.b/c", "axb/c"],
      ["a", "a/#"],
      ["+/+/#", "#"],
      ["a/b", "a/+"],
    ];
    for (const [outer, inner] of no) assertFalse(covers(outer, inner), `${outer} ${inner}`);
  },
});

Deno.test({
  name: "the longest filters are handled without deep recursion",
  permissions,
  fn() {
    const deep = "/".repeat(65_535);
    const wild = `${"+/".repeat(32_767)}#`;
    assertEquals(topicFilterFault(deep), null);
    assertEquals(topicFilterFault(wild), null);
    assert(matches(wild, deep));
    assert(covers(wild, deep));
    assertFalse(covers(deep, wild));
  },
});
