import { assert, assertEquals } from "@std/assert";
import { covers, matches, topicFilterFault, topicNameFault } from "../src/topic.ts";
import { Random } from "./support/random.ts";
import { allFilters, allNames, asRegExp, slowlyMatches } from "./support/topics.ts";

const permissions = "none";

// "z" stands for every level that no filter names; two levels deeper than the filters stand for
// every depth.
const FILTERS = allFilters(["", "a", "$x"], 3);
const NAMES = allNames(["", "a", "$x", "z"], 5);

function namesOf(filter: string): Set<number> {
  const pattern = asRegExp(filter);
  return new Set(NAMES.keys().filter((index) => pattern.test(NAMES[index] ?? "")));
}

Deno.test({
  name: "every small filter and name is valid",
  permissions,
  fn() {
    for (const filter of FILTERS) assertEquals(topicFilterFault(filter), null, filter);
    for (const name of NAMES) assertEquals(topicNameFault(name), null, name);
    assertEquals(new Set(FILTERS).size, FILTERS.length);
    assert(FILTERS.length > 90);
    assert(NAMES.length > 1_000);
  },
});

Deno.test({
  name: "matching agrees with a regular expression on every small filter and name",
  permissions,
  fn() {
    for (const filter of FILTERS) {
      const pattern = asRegExp(filter);
      for (const name of NAMES) {
        const expected = pattern.test(name);
        if (matches(filter, name) !== expected) {
          assertEquals(matches(filter, name), expected, `${filter} ${name}`);
        }
      }
    }
  },
});

Deno.test({
  name: "containment agrees with brute force on every pair of small filters",
  permissions,
  fn() {
    const namesByFilter = new Map(FILTERS.map((filter) => [filter, namesOf(filter)]));
    for (const [a, ofA] of namesByFilter) {
      for (const [b, ofB] of namesByFilter) {
        const contained = ofB.isSubsetOf(ofA);
        if (covers(a, b) !== contained) assertEquals(covers(a, b), contained, `${a} covers ${b}`);
      }
    }
  },
});

Deno.test({
  name: "matching agrees with a regular expression on random filters and names",
  permissions,
  fn() {
    const random = new Random(3);
    for (let round = 0; round < 20_000; round++) {
      const filter = randomFilter(random);
      const name = randomName(random, filter);
      assertEquals(
        matches(filter, name),
        slowlyMatches(filter, name),
        `seed ${random.seed}: ${filter} ${name}`,
      );
    }
  },
});

Deno.test({
  name: "what a filter covers it matches, on random filters and names",
  permissions,
  fn() {
    const random = new Random(4);
    let covered = 0;
    for (let round = 0; round < 20_000; round++) {
      const outer = randomFilter(random);
      const inner = randomName(random, randomFilter(random)).replace(/^[^$/]+/, "+");
      const name = randomName(random, inner);
      if (!matches(inner, name)) continue;
      if (covers(outer, inner)) {
        covered++;
        assert(matches(outer, name), `seed ${random.seed}: ${outer} ${inner} ${name}`);
      }
    }
    assert(covered > 100, `covered ${covered}`);
  },
});

function randomFilter(random: Random): string {
  const levels = Array.from(
    { length: random.int(1, 6) },
    () => random.pick(["a", "b", "ab", "", "+", "$x", "a.b", "ü"]),
  );
  if (random.chance(0.3)) levels.push("#");
  return levels.join("/") || "/";
}

/** A name that `filter` often matches. */
function randomName(random: Random, filter: string): string {
  const levels = filter.split("/").flatMap((level) => {
    if (level === "+") return [random.pick(["a", "b", "", "$x", "q"])];
    if (level === "#") {
      return Array.from({ length: random.int(0, 3) }, () => random.pick(["a", ""]));
    }
    return [level];
  });
  if (random.chance(0.2)) levels.push("a");
  if (random.chance(0.2)) levels[random.int(0, levels.length - 1)] = random.pick(["a", "b", "axb"]);
  return levels.join("/") || "/";
}
