import { expect, test } from "bun:test";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { login } from "./login.ts";

const good = { username: "anna", password: "secret" };
const expected = `Basic ${Buffer.from("anna:secret").toString("base64")}`;

test("a registry without accounts takes everybody", async () => {
  await using registry = await FakeRegistry.start();
  await login(new URL(registry.url).host, good, {});
});

test("Basic credentials are checked", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = (request, response) => {
    if (request.headers.authorization === expected) return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    return true;
  };
  const { host } = new URL(registry.url);
  await login(host, good, {});
  const bad = { username: "anna", password: "wrong" };
  const message = `login attempt to ${registry.url}/v2/ failed with status: 401 Unauthorized`;
  expect(await rejection(login(host, bad, {}))).toContain(message);
  expect(await rejection(login(host, {}, {}))).toContain(message);
});

test("a token server checks them, too", async () => {
  await using registry = await FakeRegistry.start();
  registry.intercept = (request, response) => {
    if (request.url?.startsWith("/token") === true) {
      const known = request.headers.authorization === expected;
      response.writeHead(known ? 200 : 401).end(JSON.stringify({ token: "t1" }));
      return true;
    }
    if (request.headers.authorization === "Bearer t1") return false;
    const challenge = `Bearer realm="${registry.url}/token",service="svc"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return true;
  };
  const { host } = new URL(registry.url);
  await login(host, good, {});
  expect(await rejection(login(host, { username: "anna", password: "x" }, {}))).toContain(
    "unauthorized: incorrect username or password",
  );
});

test("no registry is told as such", async () => {
  expect(await rejection(login("127.0.0.1:1", good, {}))).toContain("connection refused");
});
