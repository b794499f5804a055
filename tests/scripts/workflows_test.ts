import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "yaml";
import { suffix, TARGETS } from "../../scripts/compile/targets.ts";
import { ROOT } from "../../scripts/lib/paths.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly "runs-on": string;
  readonly "timeout-minutes"?: number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly include: readonly Record<string, string>[] } };
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = `${ROOT}/.github/workflows`;

async function workflows(): Promise<{ name: string; text: string; workflow: Workflow }[]> {
  const names = await Array.fromAsync(Deno.readDir(FOLDER), ({ name }) => name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const text = await Deno.readTextFile(`${FOLDER}/${name}`);
      return { name, text, workflow: parse(text) as Workflow };
    }),
  );
}

const all = await workflows();
const jobs = all.flatMap(({ name, workflow }) =>
  Object.entries(workflow.jobs).map(([id, job]) => ({ id: `${name}: ${id}`, job }))
);
const steps = jobs.flatMap(({ id, job }) => job.steps.map((step) => ({ id, step })));

Deno.test("there is a workflow for every change, and one for releases", () => {
  assertEquals(all.map(({ name }) => name), ["ci.yml", "release.yml"]);
});

Deno.test("every action is pinned by the digest of a commit, and its version is named", () => {
  const used = all.flatMap(({ text }) => text.split("\n").filter((line) => /\buses:/.test(line)));
  assert(used.length >= steps.filter(({ step }) => step.uses !== undefined).length);
  for (const line of used) {
    assertMatch(line, /^ +- uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  }
});

Deno.test("one action has one digest everywhere", () => {
  const digests = new Map<string, string>();
  for (const { step } of steps) {
    const [action = "", digest = ""] = step.uses?.split("@") ?? [];
    assertEquals(digests.get(action) ?? digest, digest, action);
    digests.set(action, digest);
  }
});

Deno.test("no workflow has permissions, and a job only those it declares", () => {
  for (const { name, workflow } of all) assertEquals(workflow.permissions, {}, name);
  const writing = jobs.filter(({ id, job }) => {
    assert(job.permissions !== undefined, id);
    return Object.values(job.permissions).includes("write");
  });
  assertEquals(writing.map(({ id, job: { permissions } }) => [id, permissions]), [
    ["release.yml: attest", { "id-token": "write", attestations: "write" }],
    ["release.yml: publish", { contents: "write" }],
  ]);
});

Deno.test("no job that may write runs the code of a checkout", () => {
  for (const { id, step } of steps) {
    if (!/attest|publish/.test(id)) continue;
    assert(!step.uses?.startsWith("actions/checkout@"), id);
    assert(!step.run?.includes("npx"), id);
  }
});

Deno.test("a checkout keeps no credentials, and every job has an end", () => {
  for (const { id, step } of steps) {
    if (!step.uses?.startsWith("actions/checkout@")) continue;
    assertEquals(step.with?.["persist-credentials"], false, id);
  }
  for (const { id, job } of jobs) assert((job["timeout-minutes"] ?? 1_000) <= 60, id);
});

Deno.test("nothing from outside is put into a shell command", () => {
  for (const { id, step } of steps) assert(!step.run?.includes("${{"), `${id}: ${step.run}`);
});

Deno.test("every system that the product is compiled for has a smoke run", () => {
  const release = all.find(({ name }) => name === "release.yml")?.workflow;
  const runs = release?.jobs.smoke?.strategy?.matrix.include ?? [];
  assertEquals(runs.map(({ target }) => target), [...TARGETS]);
  for (const [i, target] of TARGETS.entries()) {
    assertEquals(runs[i]?.suffix ?? "", suffix(target));
  }
  assertEquals(new Set(runs.map(({ runner }) => runner)).size, TARGETS.length);
});

Deno.test("every workflow takes the Deno that .ci/run takes", async () => {
  const [wanted] = /deno@[\d.]+\d/.exec(await Deno.readTextFile(`${ROOT}/.ci/run`)) ?? [];
  assert(wanted !== undefined);
  for (const { id, step } of steps) {
    for (const [found] of step.run?.matchAll(/deno@[\d.]+\d/g) ?? []) {
      assertEquals(found, wanted, id);
    }
  }
});

Deno.test("a release is never made on the base for tests", () => {
  const made = steps.filter(({ step }) => step.run?.includes("task release"));
  assertEquals(made.map(({ step }) => step.run), [
    'npx --yes deno@2.9.6 task release --tag "$GITHUB_REF_NAME"',
  ]);
});
