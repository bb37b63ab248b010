import { expect, test } from "bun:test";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { openSession, type Session } from "./session.ts";
import { Transport } from "./transport.ts";
import type { Credentials, RegistryReference } from "./types.ts";

const login = { username: "anna", password: "secret" };
const transport = new Transport();

function open(
  registry: FakeRegistry,
  credentials?: Credentials,
  reference: RegistryReference = registry.reference(),
): Promise<Session> {
  return openSession(transport, { base: new URL(registry.url), mirror: false }, reference, credentials);
}

/** Demands bearer tokens and issues them; a token named in `stale` is refused. */
function protect(registry: FakeRegistry, stale: string[] = []): void {
  let issued = 0;
  registry.intercept = (request, response) => {
    if (request.url?.startsWith("/token") === true) {
      issued += 1;
      response.end(JSON.stringify({ token: `t${issued}` }));
      return true;
    }
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (token !== undefined && !stale.includes(token)) return false;
    const challenge = `Bearer realm="${registry.url}/token",service="svc",scope="repository:evil:push"`;
    response.writeHead(401, { "www-authenticate": challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    return true;
  };
}

test("the challenge of /v2/ is answered before the first request, with a scope of our own", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage([], "latest");
  protect(registry);
  const session = await open(registry, login);
  await session.manifest("latest");
  await session.manifest("latest");
  expect(registry.log).toEqual([
    "GET /v2/",
    "GET /token?account=anna&service=svc&scope=repository%3Atest%2Fapp%3Apull",
    "GET /v2/test/app/manifests/latest",
    "GET /v2/test/app/manifests/latest",
  ]);
  expect(registry.authorizations.at(-1)).toBe("Bearer t1");
});

test("a refused token is replaced once, then the refusal stands", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage([], "latest");
  protect(registry, ["t1"]);
  const session = await open(registry);
  await session.manifest("latest");
  expect(registry.authorizations.at(-1)).toBe("Bearer t2");
  protect(registry, ["t1", "t2", "t3"]);
  expect(await rejection(session.manifest("latest"))).toBe(
    `pull access denied for ${registry.host}/test/app, repository does not exist or may require 'docker login': unauthorized`,
  );
});

test("a blob's redirect to another host carries no token, and that host's challenge is not answered", async () => {
  await using registry = await FakeRegistry.start();
  await using other = await FakeRegistry.start();
  const { digest } = registry.addBlob("x");
  protect(registry);
  const { intercept } = registry;
  registry.intercept = (request, response) => {
    if (intercept(request, response)) return true;
    response.writeHead(307, { location: `${other.url}/cdn` }).end();
    return true;
  };
  other.intercept = (_request, response) => {
    response.writeHead(401, { "www-authenticate": `Basic realm="x"` }).end();
    return true;
  };
  const session = await open(registry, login);
  const answer = await session.blob(digest, 0);
  expect([answer.status, answer.foreign]).toEqual([401, true]);
  expect(other.authorizations).toEqual([undefined]);
});

test("a Basic challenge without a password has Docker's text, with one it is answered", async () => {
  await using registry = await FakeRegistry.start();
  registry.addImage([], "latest");
  registry.intercept = (request, response) => {
    if (request.headers.authorization === `Basic ${Buffer.from("anna:secret").toString("base64")}`)
      return false;
    response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    return true;
  };
  await (await open(registry, login)).manifest("latest");
  const anonymous = await open(registry);
  expect(await rejection(anonymous.manifest("latest"))).toEndWith("docker login': no basic auth credentials");
  const wrong = await open(registry, { ...login, password: "guess" });
  expect(await rejection(wrong.manifest("latest"))).toEndWith("unauthorized: authentication required");
});

test("errors in the registry's words, fit for a terminal", async () => {
  await using registry = await FakeRegistry.start();
  const session = await open(registry);
  const says = async (status: number, body: string): Promise<string> => {
    registry.intercept = (_request, response) => {
      response.writeHead(status, { "retry-after": "0" }).end(body);
      return true;
    };
    return rejection(session.manifest("latest"));
  };
  const error = (code: string, message: string): string => JSON.stringify({ errors: [{ code, message }] });
  const name = `${registry.host}/test/app`;
  const denied = `pull access denied for ${name}, repository does not exist or may require 'docker login': `;
  expect(await says(403, error("DENIED", "no"))).toBe(`${denied}denied: no`);
  expect(await says(403, "")).toBe(`${denied}denied: requested access to the resource is denied`);
  expect(await says(401, "")).toBe(`${denied}unauthorized: authentication required`);
  expect(await says(404, error("NAME_UNKNOWN", "x"))).toBe(`repository ${name} not found: name unknown: x`);
  expect(await says(404, "<html>")).toContain(`manifest for ${name}:latest not found`);
  expect(await says(429, error("TOOMANYREQUESTS", "slow \u001b[31mdown"))).toBe(
    "toomanyrequests: slow  [31mdown",
  );
  expect(await says(400, error("WEIRD_CODE", "hm"))).toBe("weird code: hm");
  expect(await says(502, "x".repeat(200_000))).toContain("received unexpected HTTP status: 502");
});

test("a manifest that is too long or never ends is refused", async () => {
  await using registry = await FakeRegistry.start();
  const session = await open(registry);
  registry.intercept = (_request, response) => {
    const flood = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
    };
    response.on("drain", flood);
    flood();
    return true;
  };
  expect(await rejection(session.manifest("latest"))).toContain("the manifest is longer than");
});

test("names that would leave the repository's paths are never sent", async () => {
  await using registry = await FakeRegistry.start();
  const session = await open(registry);
  for (const name of ["../../x", "a/b", "", "sha256:../x", "a?b", "-a"])
    expect(await rejection(session.manifest(name))).toContain("invalid tag");
  expect(await rejection(session.blob("sha256:../../x", 0))).toContain("invalid digest");
  for (const repository of ["../x", "a//b", "A", "a/../b", "", "a?b", "a#b"])
    expect(await rejection(open(registry, undefined, { ...registry.reference(), repository }))).toContain(
      "invalid repository",
    );
  expect(registry.log).toEqual(["GET /v2/"]);
});
