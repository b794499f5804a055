import { assertEquals } from "@std/assert";
import { parseArgs as original } from "@std/cli/parse-args";
import { parseArgs as standIn } from "../../scripts/offline/cli.ts";

// Where JSR answers, the first of the two is the real one: both must give the same. Its types are
// narrower, flag by flag, which is of no use here.
const both: [whose: string, parseArgs: typeof standIn][] = [
  ["mapped", original as unknown as typeof standIn],
  ["stand-in", standIn],
];

for (const [whose, parseArgs] of both) {
  const test = (name: string, fn: () => void): void =>
    Deno.test({ name: `parseArgs, ${whose}: ${name}`, permissions: "none", fn });

  test("reads booleans and strings, in both notations", () => {
    const options = { boolean: ["all"], string: ["target", "output"] };
    const args = parseArgs(["--all", "--target", "t", "--output=o", "rest"], options);
    assertEquals({ ...args }, { _: ["rest"], all: true, target: "t", output: "o" });
  });

  test("a boolean that was not given is false, a string undefined", () => {
    const args = parseArgs([], { boolean: ["all"], string: ["target"] });
    assertEquals([args.all, args.target], [false, undefined]);
  });

  test("a default holds until the flag is given", () => {
    const options = { string: ["runs"], default: { runs: "5" } };
    assertEquals(parseArgs([], options).runs, "5");
    assertEquals(parseArgs(["--runs", "7"], options).runs, "7");
  });

  test("a collected flag is an array", () => {
    const options = { string: ["only"], collect: ["only"] };
    assertEquals(parseArgs([], options).only, []);
    assertEquals(parseArgs(["--only", "a", "--only=b"], options).only, ["a", "b"]);
  });

  test("nothing after -- is a flag", () => {
    assertEquals(parseArgs(["--", "--all"], { boolean: ["all"] })._, ["--all"]);
  });

  test("unknown hears of each argument that no option names, and may leave it out", () => {
    const heard: string[] = [];
    const args = parseArgs(["--all", "rest", "--what"], {
      boolean: ["all"],
      unknown: (arg: string): boolean => heard.push(arg) < 0,
    });
    assertEquals(heard, ["rest", "--what"]);
    assertEquals(args._, []);
  });
}
