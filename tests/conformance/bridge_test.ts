import { assertEquals, assertStringIncludes } from "@std/assert";
import { spawnCommand } from "../support/server_process.ts";
import { HttpBridge } from "./bridge.ts";

/** A bridge to a shell script that stands for a server. */
function bridgeTo(script: string): HttpBridge {
  return new HttpBridge(() => Promise.resolve(spawnCommand(["/bin/sh", "-c", script], "compiled")));
}

function post(bridge: HttpBridge, body: string, headers: HeadersInit = {}): Promise<Response> {
  return fetch(bridge.url, { method: "POST", body, headers });
}

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "the bridge passes messages on as they are, and what a call tells with the call",
  ignore,
  async fn() {
    const note = '{"jsonrpc":"2.0","method":"notifications/progress"}';
    const answer = '{ "jsonrpc":"2.0",  "id":"a", "result":{} }';
    const script = `read -r line; echo '${note}'; echo '${answer}'; echo "$line" >&2; cat >&2`;
    let lines: readonly string[] = [];
    await using bridge = new HttpBridge(() => {
      const server = spawnCommand(["/bin/sh", "-c", script], "compiled");
      lines = server.stderrLines.all;
      return Promise.resolve(server);
    });
    const odd = '{"method":"x","jsonrpc":"2.0",\n "id":"a","params":{"\\u0041":1.0}}';
    const response = await post(bridge, odd);
    const events = [note, answer].map((line) => `event: message\ndata: ${line}\n\n`).join("");
    assertEquals(await response.text(), events);
    const session = response.headers.get("mcp-session-id") ?? "";
    const end = await fetch(bridge.url, {
      method: "DELETE",
      headers: { "mcp-session-id": session },
    });
    assertEquals(end.status, 204);
    assertEquals(lines, [odd.replace("\n", " ")]);
    assertEquals(bridge.faults, []);
  },
});

Deno.test({
  name: "the bridge finds fault with a server that writes something else, or ends badly",
  ignore,
  async fn() {
    const bridge = bridgeTo("read -r line; echo hello; cat >/dev/null; exit 3");
    {
      await using _ = bridge;
      const response = await post(bridge, '{"jsonrpc":"2.0","method":"notifications/initialized"}');
      assertEquals(response.status, 202);
    }
    const [first = "", second = ""] = bridge.faults;
    assertStringIncludes(first + second, "hello");
    assertStringIncludes(first + second, "exit code 3");
  },
});

Deno.test({
  name: "the bridge leaves nobody waiting for a server that has ended",
  ignore,
  async fn() {
    await using bridge = bridgeTo("read -r line; echo why >&2; exit 1");
    const response = await post(bridge, '{"jsonrpc":"2.0","id":1,"method":"initialize"}');
    assertEquals(await response.text(), "");
    const headers = { "mcp-session-id": response.headers.get("mcp-session-id") ?? "" };
    const next = await post(bridge, '{"jsonrpc":"2.0","id":2,"method":"ping"}', headers);
    assertEquals([next.status, await next.text()], [502, "the server has ended"]);
    const listening = await fetch(bridge.url, { headers });
    assertEquals([listening.status, await listening.text()], [502, "the server has ended"]);
  },
});

Deno.test({
  name: "the bridge serves this machine only, and the session that it began",
  ignore,
  async fn() {
    await using bridge = bridgeTo("cat >/dev/null");
    const foreign = await post(bridge, "{}", { origin: "http://evil.example.com" });
    assertEquals([foreign.status, await foreign.text()], [403, "only for this machine"]);
    const unknown = await post(bridge, "{}", { "mcp-session-id": "1" });
    assertEquals([unknown.status, await unknown.text()], [404, "there is no such session"]);
  },
});
