import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodePayload } from "../../src/payload.ts";
import { fitMessages, presentTopic } from "../../src/tools/messages.ts";
import { hasUnsafeCharacters, toSafeJson } from "../../src/text.ts";
import { message } from "../mqtt/messages.ts";
import { Random } from "../support/random.ts";

const permissions = "none";

/** A result's whole text with these messages. */
function textOf(topic: string, messages: readonly unknown[]): string {
  return toSafeJson({
    success: true,
    topic,
    qos: 1,
    message_count: messages.length,
    messages,
    remaining: 9_999,
    dropped: 1_000_000,
    gaps: [],
    ended_by: "max_messages",
  });
}

Deno.test({
  name: "messages are shown in order with all their fields",
  permissions,
  fn() {
    const { messages, taken } = fitMessages(
      [message("a", "x", { qos: 1 }), message("b", "", { retain: true })],
      45_000,
      { topic: "#" },
    );
    assertEquals(taken, 2);
    const received = "2026-01-01T00:00:00.000Z";
    assertEquals(messages, [
      { topic: "a", payload: "x", retain: false, qos: 1, received },
      { topic: "b", payload: "", retain: true, qos: 0, received },
    ]);
  },
});

Deno.test({
  name: "the properties of MQTT 5 are shown, also those that several have in common",
  permissions,
  fn() {
    const properties = {
      contentType: "text/plain",
      messageExpiryInterval: 60,
      responseTopic: "r",
      correlationData: Uint8Array.of(255),
      userProperties: JSON.parse('{"unit":"C","tags":["a","b"],"__proto__":"odd"}'),
    };
    const [shown] = fitMessages([message("a", "x", { properties })], 45_000, {}).messages;
    assertEquals(shown?.["content_type"], "text/plain");
    assertEquals(shown?.["message_expiry"], 60);
    assertEquals(shown?.["response_topic"], "r");
    assertEquals(
      JSON.stringify(shown?.["user_properties"]),
      '{"unit":"C","tags":["a","b"],"__proto__":"odd"}',
    );
  },
});

Deno.test({
  name: "what does not fit is left for later, and the first message always comes",
  permissions,
  fn() {
    const many = Array.from({ length: 100 }, (_, i) => message("t", String(i).repeat(100)));
    const { messages, taken } = fitMessages(many, 5_000, { topic: "t" });
    assert(taken > 5 && taken < 100);
    assertEquals(messages.length, taken);
    assert(textOf("t", messages).length <= 5_000);
    assertEquals(fitMessages([], 5_000, {}), { messages: [], taken: 0 });
  },
});

Deno.test({
  name: "a payload larger than the bound is cut and marked with its size",
  permissions,
  fn() {
    for (const bound of [1_000, 45_000]) {
      const long = message("t", "x".repeat(1_000_000));
      const { messages: [cut], taken } = fitMessages([long, message("t", "y")], bound, {});
      assertEquals(taken, 1);
      assertEquals([cut?.["truncated"], cut?.["size"]], [true, 1_000_000]);
      assertMatch(String(cut?.["payload"]), /^x+$/);
      assert(textOf("t", [cut]).length <= bound);
      assert(String(cut?.["payload"]).length > bound / 3, String(cut?.["payload"]).length + "");
    }
  },
});

Deno.test({
  name: "a cut payload of any bytes is a beginning of the whole",
  permissions,
  fn() {
    const random = new Random(3);
    for (let i = 0; i < 100; i++) {
      const bytes = random.chance(0.5)
        ? random.bytes(random.int(1_000, 5_000))
        : new TextEncoder().encode(random.text(random.int(1_000, 5_000), 'aä€😀"\\\n\u202e\0'));
      const { messages: [cut] } = fitMessages([message("t", bytes)], 1_000, {});
      if (cut?.["truncated"] !== true) continue;
      const encoding = cut["encoding"] === "base64" ? "base64" : "utf8";
      const shown = decodePayload(String(cut["payload"]), encoding);
      assertEquals(shown, bytes.slice(0, shown.length), `seed 3, round ${i}`);
      assert(textOf("t", [cut]).length <= 1_000);
    }
  },
});

Deno.test({
  name: "whatever comes, the result is never over its bound",
  permissions,
  fn() {
    const random = new Random(11);
    const alphabet = 'abc/ä€😀"\\\n\t\u0001\u202e\u{E0041}';
    for (let i = 0; i < 300; i++) {
      const bound = random.pick([1_000, 2_000, 10_000, 45_000]);
      const filter = random.text(random.int(1, 100), alphabet);
      const messages = Array.from({ length: random.int(0, 20) }, () =>
        message(
          random.text(random.pick([1, 10, 600]), alphabet),
          random.text(random.pick([0, 1, 10, 1_000, 20_000]), alphabet),
        ));
      const fitted = fitMessages(messages, bound, { topic: filter });
      const text = textOf(filter, fitted.messages);
      // An escaped topic of 500 characters may need more than the smallest bound by itself.
      if (bound > 5_000) assert(text.length <= bound, `round ${i}: ${text.length} > ${bound}`);
      assert(!hasUnsafeCharacters(text));
      assertEquals(fitted.taken > 0, messages.length > 0);
    }
  },
});

Deno.test({
  name: "properties as large as a packet allows do not carry a result over its bound",
  permissions,
  fn() {
    const huge = "p".repeat(60_000);
    const all = [
      { userProperties: { huge } },
      { userProperties: { [huge]: "x" } },
      { contentType: huge },
      { responseTopic: huge },
      { correlationData: new Uint8Array(60_000) },
    ];
    for (const properties of all) {
      const { messages, taken } = fitMessages([message("t", "x", { properties })], 45_000, {});
      assertEquals(taken, 1);
      assert(textOf("t", messages).length <= 45_000, Object.keys(properties).join());
    }
  },
});

Deno.test({
  name: "a topic that cannot be shown exactly is marked",
  permissions,
  fn() {
    assertEquals(presentTopic("a/ä/€"), { topic: "a/ä/€" });
    const bidi = presentTopic("a\u202eb");
    assertEquals(bidi, { topic: "a\\u{202E}b", topic_exact: false });
    const long = presentTopic("x".repeat(65_535));
    assertEquals(long["topic_exact"], false);
    assert(String(long["topic"]).length < 600);
    const pair = presentTopic("x".repeat(499) + "😀".repeat(10));
    assert(String(pair["topic"]).isWellFormed());
  },
});
