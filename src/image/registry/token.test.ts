import { expect, test } from "bun:test";
import type { IncomingMessage } from "node:http";
import { FakeRegistry, rejection } from "./fake-registry.ts";
import { Authorizer } from "./token.ts";
import { Transport } from "./transport.ts";
import type { Credentials } from "./types.ts";

const scope = "repository:test/app:pull";
const login = { username: "anna", password: "pass:wörd" };
const basic = `Basic ${Buffer.from("anna:pass:wörd").toString("base64")}`;
const bearer = (realm: string): { scheme: string; params: Record<string, string> }[] => [
  { scheme: "bearer", params: { realm, service: "svc" } },
];

function authorizer(base: string, credentials?: Credentials, mirror = false): Authorizer {
  const transport = new Transport({ insecureRegistries: ["plain.example", "auth.example"] });
  return new Authorizer(transport, { base: new URL(base), mirror }, credentials);
}

/** Serves tokens t1, t2, … and notes the requests. */
function serveTokens(registry: FakeRegistry, seconds?: number): { bodies: string[] } {
  const bodies: string[] = [];
  let count = 0;
  registry.intercept = (request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      count += 1;
      response.end(JSON.stringify({ token: `t${count}`, expires_in: seconds }));
    });
    return true;
  };
  return { bodies };
}

async function text(request: IncomingMessage): Promise<string> {
  return Buffer.concat((await Array.fromAsync(request)) as Buffer[]).toString();
}

test("anonymous: a token for the scope, asked for once even by many at a time", async () => {
  await using registry = await FakeRegistry.start();
  serveTokens(registry);
  const auth = authorizer(registry.url);
  const challenge = bearer(`${registry.url}/token?a=b`);
  const headers = await Promise.all([1, 2, 3].map(() => auth.header(challenge, scope)));
  expect(headers).toEqual(["Bearer t1", "Bearer t1", "Bearer t1"]);
  expect(registry.log).toEqual(["GET /token?a=b&service=svc&scope=repository%3Atest%2Fapp%3Apull"]);
  expect(registry.authorizations).toEqual([undefined]);
  expect(await auth.header(challenge, "repository:other:pull")).toBe("Bearer t2");
  auth.forget(scope);
  expect(await auth.header(challenge, scope)).toBe("Bearer t3");
});

test("a token is used until shortly before it expires, at least a minute", async () => {
  await using registry = await FakeRegistry.start();
  const real = performance.now.bind(performance);
  try {
    for (const [seconds, later, expected] of [
      [undefined, 45, "Bearer t1"],
      [undefined, 55, "Bearer t2"],
      [1, 45, "Bearer t1"],
      [600, 580, "Bearer t1"],
      [600, 595, "Bearer t2"],
    ] as const) {
      serveTokens(registry, seconds);
      const auth = authorizer(registry.url);
      await auth.header(bearer(`${registry.url}/token`), scope);
      performance.now = (): number => real() + later * 1000;
      expect(await auth.header(bearer(`${registry.url}/token`), scope)).toBe(expected);
      performance.now = real;
    }
  } finally {
    performance.now = real;
  }
});

test("with a password the token server gets it; with an identity token it gets that by POST", async () => {
  await using registry = await FakeRegistry.start();
  const { bodies } = serveTokens(registry);
  const challenge = bearer(`${registry.url}/token`);
  await authorizer(registry.url, login).header(challenge, scope);
  expect(registry.authorizations).toEqual([basic]);
  expect(registry.log[0]).toContain("account=anna");
  await authorizer(registry.url, { ...login, identitytoken: "refresh" }).header(challenge, scope);
  expect(registry.log[1]).toBe("POST /token");
  expect(Object.fromEntries(new URLSearchParams(bodies[1]))).toEqual({
    grant_type: "refresh_token",
    refresh_token: "refresh",
    service: "svc",
    scope,
    client_id: "caisson",
  });
});

test("a registry token and Basic need no request", async () => {
  await using registry = await FakeRegistry.start();
  const challenge = bearer(`${registry.url}/token`);
  expect(await authorizer(registry.url, { registrytoken: "mine" }).header(challenge, scope)).toBe(
    "Bearer mine",
  );
  const plain = [{ scheme: "basic", params: { realm: "x" } }];
  expect(await authorizer(registry.url, login).header(plain, scope)).toBe(basic);
  expect(await authorizer(registry.url).header(plain, scope)).toBeUndefined();
  expect(
    await authorizer(registry.url, login).header([{ scheme: "negotiate", params: {} }], scope),
  ).toBeUndefined();
  expect(registry.log).toEqual([]);
});

test("a mirror never gets the credentials of the registry that it mirrors", async () => {
  await using registry = await FakeRegistry.start();
  serveTokens(registry);
  const auth = authorizer(registry.url, login, true);
  expect(await auth.header([{ scheme: "basic", params: {} }], scope)).toBeUndefined();
  await auth.header(bearer(`${registry.url}/token`), scope);
  expect(registry.authorizations).toEqual([undefined]);
});

test("realms that no honest registry names are refused", async () => {
  const refused = async (base: string, realm: string, credentials?: Credentials): Promise<string> =>
    rejection(authorizer(base, credentials).header(bearer(realm), scope));
  for (const realm of ["http://auth.example/token", "file:///etc/passwd", "ftp://auth.example/"])
    expect(await refused("https://registry.example", realm)).toContain("not https");
  for (const realm of ["https://127.0.0.1/token", "https://localhost/", "https://[::1]/"])
    expect(await refused("https://registry.example", realm)).toContain("it is this machine");
  expect(await refused("https://registry.example", "https://a:b@auth.example/")).toContain(
    "it has credentials",
  );
  expect(await refused("https://registry.example", "token")).toContain("names no realm");
});

test("credentials don't follow a challenge that came in the clear to another host", async () => {
  const auth = authorizer("http://plain.example", login);
  for (const realm of ["https://auth.example/token", "http://auth.example/token"])
    expect(await rejection(auth.header(bearer(realm), scope))).toContain(
      "refusing to send credentials to auth.example, which it named without encryption",
    );
});

test("a token server that redirects gets no credentials carried along", async () => {
  await using registry = await FakeRegistry.start();
  await using thief = await FakeRegistry.start();
  registry.intercept = (_request, response) => {
    response.writeHead(307, { location: `${thief.url}/token` }).end();
    return true;
  };
  serveTokens(thief);
  const challenge = bearer(`${registry.url}/token`);
  expect(await rejection(authorizer(registry.url, login).header(challenge, scope))).toContain("307");
  expect(thief.log).toEqual([]);
  expect(await authorizer(registry.url).header(challenge, scope)).toBe("Bearer t1");
  expect(thief.authorizations).toEqual([undefined]);
});

test("answers that hold no usable token are refused; a failure is not remembered", async () => {
  await using registry = await FakeRegistry.start();
  const auth = authorizer(registry.url);
  const challenge = bearer(`${registry.url}/token`);
  for (const answer of [
    "",
    "[]",
    "null",
    "{}",
    '{"token": 1}',
    '{"token": "a\\r\\nX: y"}',
    '{"token": "ü"}',
  ]) {
    registry.intercept = (_request, response) => {
      response.end(answer);
      return true;
    };
    expect(await rejection(auth.header(challenge, scope))).toContain("no usable token");
  }
  registry.intercept = (_request, response) => {
    response.end(JSON.stringify({ token: "x".repeat(2_000_000) }));
    return true;
  };
  expect(await rejection(auth.header(challenge, scope))).toContain("longer than");
  registry.intercept = (_request, response) => {
    response.writeHead(401).end();
    return true;
  };
  expect(await rejection(auth.header(challenge, scope))).toBe("unauthorized: incorrect username or password");
  registry.intercept = (_request, response) => {
    response.end('{"access_token": "ok"}');
    return true;
  };
  expect(await auth.header(challenge, scope)).toBe("Bearer ok");
});
