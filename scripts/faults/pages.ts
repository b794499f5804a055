import { ROWS } from "../../tests/faults/rows.ts";
import type { Figure } from "../../tests/faults/support.ts";
import { code, table } from "../docs/markdown.ts";

/** The figures in a file of them, one a line. */
export function readFigures(text: string): Figure[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** The page of the tests under fault, load and bad input. */
export function faultsPage(figures: readonly Figure[]): string {
  const rows = ROWS.map(({ number, what, passes, files }) => [
    String(number),
    what,
    passes,
    files.map(code).join(" "),
  ]);
  return `# Faults, load and bad input

${
    code("deno task test:faults")
  } runs these through the real process, from source and compiled, on loopback;
${code("--bounded")} does everything less often, in about two minutes; ${
    code("--write")
  } writes this page from a
full run in which nothing failed or was skipped. What is random has a printed seed, and
${code("FAULTS_SEED")} repeats it. Files are under ${
    code("tests/")
  }; those in other folders run with ${code("deno task test")}.
Row 13, the soak, has [a suite of its own](../soak/README.md).

${table(["row", "what", "passes when", "tests"], rows)}

## Figures

From the run that wrote this page; times are of that machine.

${ROWS.map(({ number }) => listOf(number, figures)).filter((list) => list !== "").join("\n\n")}
`;
}

/** The page of the soak. */
export function soakPage(figures: readonly Figure[]): string {
  return `# Soak

${
    code("deno task soak")
  } receives a million messages of 100 bytes, publishes two hundred thousand and opens
thousands of connections; ${
    code("--bounded")
  } does less of each, in less than a minute. It fails when a
message is lost without being counted, comes twice or out of order, and when memory grows by more
than the bound after the warm-up. ${code("SOAK_MESSAGES")} sets how many are received;
${code("--write")} writes this page.

${listOf(13, figures)}
`;
}

function listOf(row: number, figures: readonly Figure[]): string {
  const lines = figures.filter((figure) => figure.row === row).map(({ line }) => `- ${line}`);
  return lines.length === 0 ? "" : `Row ${row}\n\n${lines.join("\n")}`;
}
