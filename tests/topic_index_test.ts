import { assert, assertEquals, assertFalse } from "@std/assert";
import { TopicIndex } from "../src/topic_index.ts";
import { Random } from "./support/random.ts";
import { allFilters, allNames, slowlyMatches } from "./support/topics.ts";

const permissions = "none";

Deno.test({
  name: "the index finds the values of all matching filters",
  permissions,
  fn() {
    const index = new TopicIndex<number>();
    index.add("a/#", 1);
    index.add("a/+", 2);
    index.add("a/b", 3);
    index.add("c", 4);
    index.add("a/b", 5);
    assertEquals(index.match("a/b").sort(), [1, 2, 3, 5]);
    assertEquals(index.match("a"), [1]);
    assertEquals(index.match("d"), []);
    assertEquals(index.size, 5);
  },
});

Deno.test({
  name: "the same pair counts once, and a value under two filters is found twice",
  permissions,
  fn() {
    const index = new TopicIndex<string>();
    index.add("a", "x");
    index.add("a", "x");
    index.add("+", "x");
    assertEquals(index.size, 2);
    assertEquals(index.match("a"), ["x", "x"]);
  },
});

Deno.test({
  name: "only what was added can be deleted, once",
  permissions,
  fn() {
    const index = new TopicIndex<string>();
    index.add("a/+/#", "x");
    assertFalse(index.delete("a/+", "x"));
    assertFalse(index.delete("a/+/#", "y"));
    assertFalse(index.delete("b", "x"));
    assert(index.delete("a/+/#", "x"));
    assertFalse(index.delete("a/+/#", "x"));
    assertEquals(index.size, 0);
    assertEquals(index.match("a/b/c"), []);
  },
});

Deno.test({
  name: "deleting a filter leaves its parents and children",
  permissions,
  fn() {
    const index = new TopicIndex<string>();
    for (const filter of ["a", "a/b", "a/b/c", "a/+", "a/#"]) index.add(filter, filter);
    assert(index.delete("a/b", "a/b"));
    assertEquals(index.match("a").sort(), ["a", "a/#"]);
    assertEquals(index.match("a/b").sort(), ["a/#", "a/+"]);
    assertEquals(index.match("a/b/c").sort(), ["a/#", "a/b/c"]);
  },
});

Deno.test({
  name: "the index agrees with a regular expression on every small filter and name",
  permissions,
  fn() {
    const filters = allFilters(["", "a", "$x"], 3);
    const index = new TopicIndex<string>();
    for (const filter of filters) index.add(filter, filter);
    for (const name of allNames(["", "a", "$x", "z"], 4)) {
      const expected = filters.filter((filter) => slowlyMatches(filter, name)).sort();
      assertEquals(index.match(name).sort(), expected, name);
    }
  },
});

Deno.test({
  name: "the index agrees with a plain list under random additions and deletions",
  permissions,
  fn() {
    const random = new Random(5);
    const filters = allFilters(["", "a", "$x"], 2);
    const names = allNames(["", "a", "$x", "z"], 3);
    const index = new TopicIndex<number>();
    const list = new Set<string>();
    for (let round = 0; round < 5_000; round++) {
      const filter = random.pick(filters);
      const value = random.int(0, 3);
      const pair = `${value}${filter}`;
      if (random.chance(0.5)) {
        index.add(filter, value);
        list.add(pair);
      } else {
        assertEquals(index.delete(filter, value), list.delete(pair), `seed 5, round ${round}`);
      }
      assertEquals(index.size, list.size);
      const name = random.pick(names);
      const expected = [...list].filter((p) => slowlyMatches(p.slice(1), name)).map((p) => +p[0]!);
      assertEquals(index.match(name).sort(), expected.sort(), `seed 5, round ${round}: ${name}`);
    }
  },
});

Deno.test({
  name: "the longest filters and names do not exhaust the stack",
  permissions,
  fn() {
    const index = new TopicIndex<string>();
    const deep = "/".repeat(65_535);
    const wild = `${"+/".repeat(32_767)}#`;
    index.add(deep, "deep");
    index.add(wild, "wild");
    assertEquals(index.match(deep).sort(), ["deep", "wild"]);
    assert(index.delete(deep, "deep"));
    assert(index.delete(wild, "wild"));
    assertEquals(index.match(deep), []);
  },
});

Deno.test({
  name: "unrelated filters are not visited by a match",
  permissions,
  fn() {
    const index = new TopicIndex<object>();
    for (let i = 0; i < 20_000; i++) index.add(`other/${i}/+/#`, {});
    const mine = {};
    index.add("mine/+", mine);
    // A scan would take 2,000,000,000 comparisons.
    for (let i = 0; i < 100_000; i++) index.match("mine/x");
    assertEquals(index.match("mine/x"), [mine]);
  },
});
