import { afterEach, beforeEach, expect, test } from "bun:test";
import { Container } from "./container-store.ts";
import { newState, type ContainerNetwork } from "./container.ts";
import type { HostConfig } from "./container-types.ts";
import { networksJson, portListJson, portMapJson } from "./endpoint-json.ts";
import { givePlacesBack, placesOf, takePlaces } from "./endpoints.ts";
import { FakeServices } from "./fake-services.ts";
import { NetworkService } from "./networks.ts";
import { ensurePredefined } from "./predefined-networks.ts";
import { exampleRecord } from "./testing.ts";
import { portBindings, republish } from "./republishing.ts";

let fake: FakeServices;
beforeEach(async () => {
  fake = new FakeServices();
  await ensurePredefined(fake.services.networks, fake.services.database);
  const service = new NetworkService(fake.services);
  await service.create({ Name: "n1", IPAM: { Config: [{ Subnet: "10.99.0.0/24" }] } });
  await service.create({ Name: "n2", EnableIPv6: true });
  await service.create({ Name: "inside", Internal: true });
});
afterEach(() => fake[Symbol.dispose]());

let count = 0;
function container(networks: readonly ContainerNetwork[], host: Partial<HostConfig> = {}): Container {
  const [first] = networks;
  const id = String(count++).padStart(12, "0").padEnd(64, "f");
  const record = exampleRecord({
    host: { NetworkMode: first?.name ?? "none", ...host },
    config: { ExposedPorts: { "90/tcp": {} } },
    record: { id },
  });
  return new Container(record, "web", { ...newState(), networks });
}

/** Takes the places and writes them down, as a start does; the container runs then. */
function run(made: Container): void {
  fake.services.networks.store.addEndpoints(takePlaces(fake.services, made).map(({ endpoint }) => endpoint));
  made.state.status = "running";
}

const web = { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } };

test("a container gets an address of each family on each network; one network is its way out", () => {
  const made = container([
    { name: "n2", settings: {} },
    { name: "n1", settings: { GwPriority: 5, IPAMConfig: { IPv4Address: "10.99.0.7" } } },
  ]);
  const places = takePlaces(fake.services, made);
  expect(places.map(({ endpoint }) => endpoint)).toMatchObject([
    { ipv4: "172.18.0.2", interface: "eth0", gateway4: false, gateway6: true },
    { ipv4: "10.99.0.7", interface: "eth1", gateway4: true, gateway6: false },
  ]);
  expect(places[0]?.endpoint.ipv6).toMatch(/^fd.*::2$/);
  expect(places.every(({ endpoint: { mac } }) => (Number.parseInt(mac.slice(0, 2), 16) & 3) === 2)).toBe(
    true,
  );
  const indices = places.map(({ endpoint }) => endpoint.interfaceIndex);
  expect(new Set(indices).size).toBe(2);
});

test("what fails takes nothing: addresses and ports are free afterwards", () => {
  const { networks } = fake.services;
  const first = container([{ name: "n1", settings: {} }], web);
  run(first);
  const second = container(
    [
      { name: "n2", settings: {} },
      { name: "n1", settings: {} },
    ],
    web,
  );
  expect(() => takePlaces(fake.services, second)).toThrow(
    /^failed to set up container networking: driver failed programming external connectivity on endpoint web \([0-9a-f]{64}\): Bind for 0.0.0.0:8080 failed: port is already allocated$/,
  );
  givePlacesBack(fake.services, placesOf(fake.services, first));
  networks.store.removeEndpoints(networks.store.endpointsOf(first.id));
  // Released addresses come back last.
  expect(takePlaces(fake.services, second).map(({ endpoint }) => endpoint.ipv4)).toEqual([
    "172.18.0.3",
    "10.99.0.4",
  ]);
});

test("a network that isn't there is told, and one without a way out publishes nothing", () => {
  expect(() => takePlaces(fake.services, container([{ name: "nope", settings: {} }]))).toThrow(
    "failed to set up container networking: network nope not found",
  );
  const [place] = takePlaces(fake.services, container([{ name: "inside", settings: {} }], web));
  expect(place?.endpoint).toMatchObject({ gateway4: false, ports: [] });
});

test("a running container's networks and ports, as dockerd shows them", () => {
  const { store } = fake.services.networks;
  const made = container(
    [{ name: "n1", settings: { IPAMConfig: { IPv4Address: "10.99.0.7" }, Aliases: ["al"] } }],
    web,
  );
  expect(networksJson(store, made, true)).toMatchObject({
    n1: { IPAddress: "", EndpointID: "", DNSNames: ["web", "al", made.id.slice(0, 12), "0123456789ab"] },
  });
  expect(portMapJson(store, made)).toEqual({});
  run(made);
  expect(networksJson(store, made, true)).toMatchObject({
    n1: {
      IPAMConfig: { IPv4Address: "10.99.0.7" },
      Aliases: ["al"],
      Gateway: "10.99.0.1",
      IPAddress: "10.99.0.7",
      IPPrefixLen: 24,
      GlobalIPv6Address: "",
    },
  });
  expect(networksJson(store, made, false)).toMatchObject({ n1: { Aliases: null, DNSNames: null } });
  const hosts = [...new Set(portListJson(store, made).map(({ IP }) => IP))];
  expect(hosts).toContain("0.0.0.0");
  expect(portMapJson(store, made)).toMatchObject({ "90/tcp": null });
  expect(portListJson(store, made)).toContainEqual({ PrivatePort: 90, Type: "tcp" });
  expect(portListJson(store, made)).toContainEqual({
    IP: "0.0.0.0",
    PrivatePort: 80,
    PublicPort: 8080,
    Type: "tcp",
  });
});

test("other ports than it was made with are remembered, wrong ones change nothing", async () => {
  const made = container([{ name: "bridge", settings: {} }], web);
  await republish(fake.services, made, { "80/tcp": [{ HostPort: "8081" }] });
  expect(portBindings(made)).toEqual({ "80/tcp": [{ HostPort: "8081" }] });
  const wrong = republish(fake.services, made, { "80/tcp": [{ HostPort: "99999" }] });
  expect(wrong).rejects.toThrow('invalid port specification: "99999"');
  await wrong.catch(() => undefined);
  expect(portBindings(made)).toEqual({ "80/tcp": [{ HostPort: "8081" }] });
  const [place] = takePlaces(fake.services, made);
  expect(place?.endpoint.ports[0]).toMatchObject({
    hostAddress: "0.0.0.0",
    hostPort: 8081,
    containerPort: 80,
  });
  const none = container([], { NetworkMode: "none" });
  expect(republish(fake.services, none, {})).rejects.toThrow(
    "conflicting options: port publishing and the network mode none",
  );
});

test("the same store finds everything again", () => {
  const { database, networks } = fake.services;
  run(container([{ name: "n1", settings: {} }], web));
  const [endpoint] = database.endpoints();
  expect(endpoint).toMatchObject({ ipv4: "10.99.0.2", ipv6: null });
  expect(networks.store.endpointsOn(networks.id("n1"))).toHaveLength(1);
  expect(() => database.insertEndpoint({ ...endpoint!, id: "another" })).toThrow("UNIQUE");
});
