import { assert, assertEquals, assertLess } from "@std/assert";
import { startAedes } from "../support/aedes.ts";
import { credentialsFor, testEachKind } from "../support/server_process.ts";
import { PlainServer } from "./lines.ts";
import { peakMiB, report, residentMiB } from "./support.ts";

const MIB = 1024 * 1024;
const CHUNK = new Uint8Array(MIB).fill(0x78);

testEachKind(
  "lines of 1, 9.9, 11 and 64 MiB are answered, and the server is never deaf",
  async (kind) => {
    await using broker = await startAedes();
    await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
    const before = await residentMiB(server.pid);
    const utf8 = new TextEncoder();
    for (const mib of [1, 9.9, 11]) {
      const pad = "x".repeat(mib * MIB);
      await server.write(
        utf8.encode(`{"jsonrpc":"2.0","id":"${mib}","method":"ping","params":{"pad":"${pad}"}}\n`),
      );
      const { result } = await server.strays.find(({ id }) => id === `${mib}`);
      assertEquals(result, {});
      const sent = await server.call("publish", { topic: "big", message: pad });
      assertEquals(sent.success, true, `${mib} MiB: ${JSON.stringify(sent).slice(0, 300)}`);
    }
    await server.write('{"jsonrpc":"2.0","id":"64","method":"ping","params":{"pad":"');
    for (let i = 0; i < 64; i++) await server.write(CHUNK);
    await server.write('"}}\n');
    const refusal = await server.strays.find(({ id }) => id === null);
    assert(refusal.error?.message.includes("at most"), JSON.stringify(refusal));
    assertEquals((await server.request("ping")).result, {});
    const sizes = broker.packets.all.flatMap(({ packet }) =>
      packet.cmd === "publish" ? [packet.payload.length] : []
    );
    assertEquals(sizes, [1, 9.9, 11].map((mib) => Math.floor(mib * MIB)));
    report(
      2,
      `long lines (${kind}): memory ${before} MiB, at most ${await peakMiB(server.pid)} MiB`,
    );
  },
);

testEachKind("a line without an end costs no memory, and its end is answered", async (kind) => {
  await using broker = await startAedes();
  await using server = await PlainServer.start({ kind, credentials: credentialsFor(broker) });
  for (let i = 0; i < 20; i++) await server.write(CHUNK);
  const early = await residentMiB(server.pid);
  for (let i = 0; i < 500; i++) await server.write(CHUNK);
  const late = await residentMiB(server.pid);
  await server.write("\n");
  assertEquals((await server.request("ping")).result, {});
  assertEquals(server.strays.all.map(({ id }) => id), [null]);
  report(2, `520 MiB without an end (${kind}): memory ${early} -> ${late} MiB`);
  if (early !== undefined && late !== undefined) assertLess(late, early + 100);
});
