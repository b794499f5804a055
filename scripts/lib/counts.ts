/** What a run of tests or checks came to. */
export interface Counts {
  /** How many held. */
  passed: number;
  /** How many did not. */
  failed: number;
  /** How many were not run. */
  skipped: number;
}

/** The sum of two runs. */
export function add(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** The closing line of a run, as `.ci/run` and people read it. */
export function closingLine(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

/**
 * Counts the cases of a JUnit report, a test's steps included.
 *
 * @param xml as written by `deno test --junit-path`
 * @returns `undefined` if the text is not such a report
 */
export function fromJUnit(xml: string): Counts | undefined {
  if (!/<testsuites[\s>]/.test(xml)) return undefined;
  const cases = [...xml.matchAll(/<testcase\b[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)];
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, body = ""] of cases) {
    if (/<(failure|error)\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    else counts.passed++;
  }
  return counts;
}
