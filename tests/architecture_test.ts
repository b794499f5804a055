import { assert, assertEquals } from "@std/assert";
import { ROOT, ROOT_URL } from "./support/server_process.ts";

/** What each part of the source may import: parts further down, or itself. */
const LEVELS: readonly (readonly string[])[] = [
  [
    "errors",
    "clock",
    "text",
    "bytes",
    "wait",
    "topic",
    "topic_index",
    "payload",
    "version",
    "rpc_error",
  ],
  ["lines", "redact", "log", "policy", "empty_env"],
  ["ready", "handshake", "credential_rules", "credentials", "config"],
  ["flags", "confinement", "rpc", "transport", "mqtt/"],
  ["tools/"],
  ["resources"],
  ["mcp_protocol", "server"],
  ["serve"],
  ["worker", "confined"],
  ["privileged"],
];

/** The entries of the two halves of the program. */
const ENTRIES = ["main.ts", "src/worker.ts"];

/** The files that may reach for `Deno.`: the two halves, and what one starts the other by. */
const EDGES = [...ENTRIES, "src/privileged.ts", "src/confined.ts"];

interface Dependency {
  readonly specifier: string;
  readonly code?: { specifier?: string };
  readonly type?: { specifier?: string };
  readonly isDynamic?: boolean;
}

interface Module {
  readonly specifier: string;
  readonly kind?: string;
  readonly dependencies?: Dependency[];
}

/** The modules behind an entry, as `deno info` sees them. */
async function graphOf(entry: string): Promise<Module[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", entry],
    cwd: ROOT,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)).modules;
}

/** A module's path in the checkout; undefined for what is not of this project. */
function ownPath(specifier: string): string | undefined {
  const base = ROOT_URL;
  return specifier.startsWith(base) ? specifier.slice(base.length) : undefined;
}

/** Everything that is loaded with `entry`, without what is imported only when it is needed. */
function staticClosure(modules: readonly Module[], entry: string): Set<string> {
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const seen = new Set<string>();
  const visit = (specifier: string): void => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    for (const { code, isDynamic } of bySpecifier.get(specifier)?.dependencies ?? []) {
      if (code?.specifier !== undefined && isDynamic !== true) visit(code.specifier);
    }
  };
  visit(`${ROOT_URL}${entry}`);
  return seen;
}

function levelOf(path: string): number {
  const name = path.replace(/^src\//, "").replace(/\.ts$/, "");
  const level = LEVELS.findIndex((parts) =>
    parts.some((part) => part.endsWith("/") ? name.startsWith(part) : name === part)
  );
  assert(level >= 0, `${path} has no level: give it one in LEVELS`);
  return level;
}

function partOf(path: string): string {
  return path.match(/^src\/[^/]+\//)?.[0] ?? path;
}

async function sources(folder = "src"): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
    if (isDirectory) files.push(...await sources(`${folder}/${name}`));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) files.push(`${folder}/${name}`);
  }
  return files.sort();
}

/** Source text without comments and strings, roughly: enough to look for names. */
async function codeOf(path: string): Promise<string> {
  const text = await Deno.readTextFile(`${ROOT}${path}`);
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:"'`])\/\/.*$/gm, "$1")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}

for (const entry of ENTRIES) {
  Deno.test(`imports behind ${entry} go down only`, async () => {
    const wrong: string[] = [];
    for (const { specifier, dependencies = [] } of await graphOf(entry)) {
      const importer = ownPath(specifier);
      if (importer === undefined || !importer.startsWith("src/")) continue;
      for (const { code, type } of dependencies) {
        const imported = ownPath(code?.specifier ?? type?.specifier ?? "");
        if (imported === undefined || partOf(imported) === partOf(importer)) continue;
        const goesDown = levelOf(imported) < levelOf(importer) ||
          // Within one level there is an order too; a circle would show in the next test.
          (levelOf(imported) === levelOf(importer) && partOf(imported) === imported);
        if (!imported.startsWith("src/") || !goesDown) wrong.push(`${importer} -> ${imported}`);
      }
    }
    assertEquals(wrong, []);
  });

  Deno.test(`imports behind ${entry} make no circle`, async () => {
    const modules = await graphOf(entry);
    const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
    const done = new Set<string>();
    const visit = (specifier: string, trail: readonly string[]): void => {
      const circle = trail.indexOf(specifier);
      assert(circle < 0, [...trail.slice(circle), specifier].map(ownPath).join(" -> "));
      if (done.has(specifier) || ownPath(specifier) === undefined) return;
      for (const { code } of bySpecifier.get(specifier)?.dependencies ?? []) {
        if (code?.specifier !== undefined) visit(code.specifier, [...trail, specifier]);
      }
      done.add(specifier);
    };
    visit(`${ROOT_URL}${entry}`, []);
  });

  Deno.test(`nothing behind ${entry} comes from JSR or from a URL`, async () => {
    const foreign = (await graphOf(entry)).flatMap(({ dependencies = [] }) =>
      dependencies.map(({ specifier }) => specifier).filter((specifier) =>
        /^(jsr:|https?:|@std\/)/.test(specifier)
      )
    );
    assertEquals(foreign, []);
  });
}

Deno.test("main.ts loads nothing but what it takes to say +READY before it has said it", async () => {
  const loaded = [...staticClosure(await graphOf("main.ts"), "main.ts")];
  assertEquals(loaded.map(ownPath), ["main.ts", "src/ready.ts", "src/lines.ts"]);
});

Deno.test("only src/mqtt/ imports MQTT.js, and nothing in it imports the MCP SDK", async () => {
  for (const { specifier, dependencies = [] } of await graphOf("src/worker.ts")) {
    const path = ownPath(specifier);
    if (path === undefined) continue;
    const imported = dependencies.map(({ specifier }) => specifier);
    const usesMqtt = imported.some((name) => /^(npm:\/?)?mqtt(@|\/|$)/.test(name));
    const usesSdk = imported.some((name) => name.includes("@modelcontextprotocol/sdk"));
    assert(!usesMqtt || path.startsWith("src/mqtt/"), `${path} imports MQTT.js`);
    assert(!usesSdk || !path.startsWith("src/mqtt/"), `${path} imports the MCP SDK`);
  }
});

Deno.test("every source file is loaded by one of the two halves", async () => {
  const loaded = new Set<string | undefined>();
  for (const entry of ENTRIES) {
    for (const { specifier } of await graphOf(entry)) loaded.add(ownPath(specifier));
  }
  assertEquals((await sources()).filter((path) => !loaded.has(path)), []);
});

Deno.test("Deno's own interface is used only at the edges of the program", async () => {
  const wrong: string[] = [];
  for (const path of await sources()) {
    if (!EDGES.includes(path) && /\bDeno\.(?!PermissionOptionsObject\b)/.test(await codeOf(path))) {
      wrong.push(path);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("nothing writes to the console", async () => {
  const wrong: string[] = [];
  for (const path of ["main.ts", ...await sources()]) {
    if (/\bconsole\b/.test(await codeOf(path))) wrong.push(path);
  }
  assertEquals(wrong, []);
});
