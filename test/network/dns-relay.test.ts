/**
 * The resolver behind native/'s relay: what a container's own programs see at 127.0.0.11.
 * @module
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { perlPath, script } from "../support/scripts.ts";
import { ResolverWorld, until } from "../support/resolver.ts";

const native = join(import.meta.dir, "../../native/build/caisson-native");

async function world(): Promise<ResolverWorld> {
  const place = await ResolverWorld.start();
  const client = place.client();
  client.replace({
    networks: [{ id: "app", name: "app", internal: false }],
    endpoints: [
      { id: "e", network: "app", container: "c", names: ["web"], ipv4: "172.30.0.11", ipv6: "fd00::11" },
    ],
    containers: [{ id: "c", networks: ["app"], links: {}, servers: null, ndots: 0 }],
  });
  await client.flushed();
  place.spawnInside(perlPath, [script("network/start-relay.pl"), native, client.relaySocket, "c"]);
  await until("the relay", () => place.runInside("busybox", ["nslookup", "web", "127.0.0.11"]).code === 0);
  return place;
}

test("busybox's nslookup finds names, addresses, and what others know", async () => {
  await using place = await world();
  const lookUp = (name: string): string =>
    place.runInside("busybox", ["nslookup", name, "127.0.0.11"]).stdout;
  expect(lookUp("WEB.app")).toContain("172.30.0.11");
  expect(lookUp("web")).toContain("fd00::11");
  expect(lookUp("172.30.0.11")).toContain("web.app");
  expect(lookUp("some.example")).toContain("10.1.1.1");
});

test("25,000 queries at 5,000 a second from one container: each is answered", async () => {
  await using place = await world();
  const flood = join(import.meta.dir, "../support/dns-flood.ts");
  const { stdout } = await place.runInsideLater(process.execPath, [flood, "25000", "5000", "web"]);
  expect(JSON.parse(stdout)).toEqual({ answered: 25_000 });
});

test("a relay whose resolver is killed finds the next", async () => {
  await using place = await world();
  for (let round = 0; round < 3; round += 1) {
    await place.killResolver();
    // Not held up: this process is the engine that starts the next.
    const { stdout } = await place.runInsideLater("busybox", ["nslookup", "web", "127.0.0.11"]);
    expect(stdout).toContain("172.30.0.11");
  }
});
