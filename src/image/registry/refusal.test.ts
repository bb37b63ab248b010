import { expect, test } from "bun:test";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { openSession } from "./session.ts";
import { Transport } from "./transport.ts";
import { pushRefusalOf, refusalOf } from "./refusal.ts";

const transport = new Transport();

/** What comes of an answer to a request. */
async function refused(
  status: number,
  body: unknown,
  push = false,
): Promise<{ code: string; message: string }> {
  await using registry = await FakeRegistry.start();
  registry.intercept = (request, response) => {
    if (request.url === "/v2/") return false;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
    return true;
  };
  const endpoint = { base: new URL(registry.url), mirror: false };
  const session = await openSession(transport, endpoint, registry.reference("1"), undefined);
  const answer = await session.send({ path: "manifests/1" });
  const error = await (push ? pushRefusalOf(answer) : refusalOf(answer, session.reference));
  return { code: error.code, message: error.message.replaceAll(registry.host, "HOST") };
}

const errors = (code: string, message: string): object => ({
  errors: [{ code, message }, { code: "OTHER" }],
});

test.each([
  [
    404,
    errors("MANIFEST_UNKNOWN", "manifest unknown"),
    "manifest-unknown",
    "manifest for HOST/test/app:1 not found",
  ],
  [404, "not json", "manifest-unknown", "manifest for HOST/test/app:1 not found"],
  [
    404,
    errors("name_unknown", "no such"),
    "not-found",
    "repository HOST/test/app not found: name unknown: no such",
  ],
  [403, {}, "registry-denied", "denied: requested access to the resource is denied"],
  [403, { errors: [] }, "registry-denied", "requested access to the resource is denied"],
  [400, errors("DENIED", "no"), "registry-denied", "denied: no"],
  [400, errors("TAG_INVALID", "bad\u001b[31m\n tag"), "registry-refused", "tag invalid: bad [31m  tag"],
  [403, { details: "incorrect password" }, "registry-denied", "unauthorized: incorrect password"],
])("a pull: %d %j is %s", async (status, body, code, message) => {
  const found = await refused(status, body);
  expect(found.code).toBe(code);
  expect(found.message).toContain(message);
});

test("the server's own trouble may pass; its words are kept", async () => {
  expect((await refused(503, "")).code).toBe("registry-unreachable");
  expect(await refused(429, errors("TOOMANYREQUESTS", "slow down"))).toEqual({
    code: "registry-refused",
    message: "toomanyrequests: slow down",
  });
});

test("a push: the registry's own words, and docker's where it has none", async () => {
  expect((await refused(400, errors("DIGEST_INVALID", "wrong"), true)).message).toBe("digest invalid: wrong");
  expect((await refused(403, "", true)).message).toBe("denied: requested access to the resource is denied");
  expect((await refused(507, "", true)).code).toBe("registry-unreachable");
});

test("a long text is cut", async () => {
  const { message } = await refused(400, errors("X", "y".repeat(5000)));
  expect(message).toBe(`x: ${"y".repeat(512)}`);
});

test("rejection is of this registry's own errors", async () => {
  expect(await rejection(Promise.resolve(1))).toBe("");
});
