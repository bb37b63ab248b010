/**
 * Networks and endpoints for tests.
 * @module
 */
import { int, printProgram, ProgramBuilder } from "../../kernel/mod.ts";
import type { AttachPlace, LinkFacts, NetworkDriver, NetworkStep } from "../driver.ts";
import type { Endpoint, NetworkRecord } from "../types.ts";

const id = "0a7c5b3249af81b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182934";

/** A network with options. */
export function network(
  driver: string,
  options: Record<string, string> = {},
  more: Partial<NetworkRecord> = {},
): NetworkRecord {
  return {
    id,
    name: "web",
    driver,
    created: "2026-01-02T03:04:05.000000006Z",
    enableIPv4: true,
    enableIPv6: false,
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    configFrom: "",
    ipam: { driver: "default", options: null, pools: [{ subnet: "172.30.0.0/16", gateway: "172.30.0.1" }] },
    options,
    labels: {},
    ...more,
  };
}

/** The pools of a network with both families. */
export const dual: Partial<NetworkRecord> = {
  enableIPv6: true,
  ipam: {
    driver: "default",
    options: null,
    pools: [
      { subnet: "172.30.0.0/16", gateway: "172.30.0.1" },
      { subnet: "fd30::/64", gateway: "fd30::1" },
    ],
  },
};

/** The first endpoint on it. */
export function endpoint(more: Partial<Endpoint> = {}): Endpoint {
  return {
    id: "e1".repeat(32),
    network: id,
    container: "c0".repeat(32),
    ipv4: "172.30.0.2",
    mac: "02:42:ac:1e:00:02",
    interface: "eth0",
    interfaceIndex: 16,
    hostLink: "veth1a2b3c4",
    gateway4: true,
    gateway6: false,
    ports: [],
    ...more,
  };
}

/** What a step adds, as text, when the host has these links. */
export function printStep(step: NetworkStep | undefined, links: Readonly<Record<string, LinkFacts>>): string {
  const b = new ProgramBuilder();
  step?.add(
    b,
    step.links.map((name) => links[name]),
  );
  return printProgram(b.build());
}

/** What `attach` and `configure` add, as text. */
export function printEndpoint(
  driver: NetworkDriver,
  of: NetworkRecord,
  on: Endpoint,
  more: Pick<AttachPlace, "hairpin" | "unfiltered"> = {},
): string {
  const b = new ProgramBuilder();
  const socket = b.slot("host");
  const pid = b.clone("make a process", { flags: int(0, "0"), channel: b.slot("channel") }, () => {});
  const link = { index: 4, mtu: 1500 };
  driver.attach(b, of, on, { socket, sandbox: { pid }, link, ...more });
  driver.configure(b, of, on, b.slot("inside"));
  return printProgram(b.build());
}
