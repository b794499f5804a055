import { assertEquals } from "@std/assert";
import { makeCertificates } from "../support/certificates.ts";
import { Client } from "../tools/client.ts";
import { type BrokerKind, KINDS } from "./kinds.ts";
import { writeOutcomes } from "./outcomes.ts";
import { ROWS } from "./rows.ts";
import { connectBare, credentialsOf, WORKS } from "./stage.ts";

async function tryRows(kind: BrokerKind, place: number, t: Deno.TestContext): Promise<void> {
  await using certificates = await makeCertificates();
  await using broker = await kind.start(certificates);
  const credentials = credentialsOf(kind, broker);
  await using client = new Client(credentials);
  await client.connected();
  const outcomes: Record<string, string> = {};
  for (const [index, { title, usual = WORKS, run }] of ROWS.entries()) {
    await t.step(title, async () => {
      await using peer = await connectBare(broker);
      const topic = `row-${index}`;
      const ca = certificates.ca.cert;
      const outcome = await run({ broker, ca, client, peer, credentials, topic });
      outcomes[title] = outcome;
      assertEquals(outcome, kind.departures[title] ?? usual);
    });
  }
  await writeOutcomes(place, { name: kind.name, version: broker.version, outcomes });
}

for (const [place, kind] of KINDS.entries()) {
  Deno.test({
    name: `the tools work on ${kind.name}, or say what it cannot do`,
    ignore: kind.ignore,
    fn: (t) => tryRows(kind, place, t),
  });
}
