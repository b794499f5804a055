import { ROOT } from "../lib/paths.ts";

/** Milliseconds for formatting one file. */
const FORMAT_MS = 30_000;

/** A table; the formatter aligns its columns. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Text as code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/**
 * A file's text as `deno fmt` leaves it.
 *
 * @throws {Error} with the formatter's words
 */
export async function formatted(text: string, extension: "json" | "md"): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--ext", extension, "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(FORMAT_MS),
  }).spawn();
  const input = new Blob([text]).stream().pipeTo(child.stdin);
  const { code, stdout, stderr } = await child.output();
  if (code !== 0) throw new Error(`Cannot format: ${new TextDecoder().decode(stderr)}`);
  await input;
  return new TextDecoder().decode(stdout);
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
