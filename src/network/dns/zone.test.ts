import { expect, test } from "bun:test";
import fc from "fast-check";
import type { DnsChange, DnsContainer } from "./types.ts";
import { Zone } from "./zone.ts";

const asker: DnsContainer = { id: "c", networks: ["n0", "n1", "n2"], links: {}, servers: null, ndots: 0 };
const names = ["web", "db", "a.b", "n1"];

const endpoint = fc.record({
  id: fc.constantFrom("e0", "e1", "e2", "e3"),
  network: fc.constantFrom("n0", "n1", "n2"),
  container: fc.constant("x"),
  names: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
  ipv4: fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3"),
});
const change: fc.Arbitrary<DnsChange> = fc.oneof(
  endpoint.map((value) => ({ op: "endpoint", endpoint: value }) as const),
  fc.constantFrom("e0", "e1", "e2", "e3").map((id) => ({ op: "endpoint-gone", id }) as const),
  fc
    .record({ id: fc.constantFrom("n0", "n1", "n2"), internal: fc.boolean() })
    .map(({ id, internal }) => ({ op: "network", network: { id, name: id, internal } }) as const),
  fc.constantFrom("n0", "n1", "n2").map((id) => ({ op: "network-gone", id }) as const),
);

test("changes one by one lead to what the whole state leads to", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const stepwise = new Zone();
      stepwise.apply({ op: "container", container: asker });
      for (const each of changes) stepwise.apply(each);
      const atOnce = new Zone();
      atOnce.replace(stepwise.state());
      for (const name of [...names, ...names.map((each) => `${each}.n1`)])
        expect([...(stepwise.find(asker, name, "ipv4")?.addresses ?? ["none"])].sort()).toEqual(
          [...(atOnce.find(asker, name, "ipv4")?.addresses ?? ["none"])].sort(),
        );
      expect(stepwise.reachesOutside(asker)).toBe(atOnce.reachesOutside(asker));
      for (const { id } of atOnce.state().endpoints) stepwise.apply({ op: "endpoint-gone", id });
      for (const { id } of atOnce.state().networks) stepwise.apply({ op: "network-gone", id });
      stepwise.apply({ op: "container-gone", id: "c" });
      expect(stepwise.state()).toEqual({ networks: [], endpoints: [], containers: [] });
      expect(stepwise.askers).toBe(0);
    }),
  );
});

test("a name belongs to the first network that has it with an address of the family", () => {
  const zone = new Zone();
  for (const id of ["n0", "n1"]) zone.apply({ op: "network", network: { id, name: id, internal: true } });
  zone.apply({
    op: "endpoint",
    endpoint: { id: "a", network: "n0", container: "x", names: ["web"], ipv4: "10.0.0.1" },
  });
  zone.apply({
    op: "endpoint",
    endpoint: { id: "b", network: "n1", container: "y", names: ["web"], ipv4: "10.1.0.1", ipv6: "fd00::1" },
  });
  expect(zone.find(asker, "web", "ipv4")?.addresses).toEqual(["10.0.0.1"]);
  expect(zone.find(asker, "web", "ipv6")?.addresses).toEqual(["fd00::1"]);
  expect(zone.find({ ...asker, networks: ["n1", "n0"] }, "web", "ipv4")?.addresses).toEqual(["10.1.0.1"]);
  expect(zone.find({ ...asker, networks: ["n0"] }, "web", "ipv6")?.addresses).toEqual([]);
  expect(zone.find({ ...asker, networks: ["n2"] }, "web", "ipv4")).toBeUndefined();
  expect(zone.reachesOutside(asker)).toBe(false);
});

test("networks' names may have dots, and a link hides a name", () => {
  const zone = new Zone();
  zone.apply({ op: "network", network: { id: "n0", name: "my.net", internal: false } });
  zone.apply({
    op: "endpoint",
    endpoint: { id: "a", network: "n0", container: "x", names: ["web", "w.x"], ipv4: "10.0.0.1" },
  });
  zone.apply({
    op: "endpoint",
    endpoint: { id: "b", network: "n0", container: "y", names: ["db"], ipv4: "10.0.0.2" },
  });
  for (const name of ["web.my.net", "w.x.my.net", "w.x"])
    expect(zone.find(asker, name, "ipv4")?.addresses).toEqual(["10.0.0.1"]);
  const linked = { ...asker, links: { n0: { Web: "db" } } };
  expect(zone.find(linked, "web", "ipv4")?.addresses).toEqual(["10.0.0.2"]);
  expect(zone.reverse(asker, "10.0.0.2")).toBe("db.my.net");
  expect(zone.find(asker, "constructor", "ipv4")).toBeUndefined();
  expect(zone.find(asker, "", "ipv4")).toBeUndefined();
});
