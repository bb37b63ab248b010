/**
 * The socket by which an executor changes the firewall in one program after the other.
 * @module
 */
import { expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { ProgramBuilder } from "../../src/kernel/mod.ts";
import {
  add,
  Firewall,
  keepFirewall,
  networkElements,
  portElements,
  remove,
} from "../../src/network/firewall/mod.ts";
import { bridge, port } from "./networks.ts";
import { NetworkHost } from "./world.ts";

test("one socket serves one program of an executor after the other", async () => {
  using host = new NetworkHost();
  await host.ready();
  using executors = host.executors();
  const executor = executors.warm();
  const network = bridge(1);
  await new Firewall({ executor: () => executor, run: host.run }).ensure(networkElements(network));
  const descriptors = (): string[] =>
    readdirSync(`/proc/${executor.pid}/fd`).map((fd) => readlinkSync(`/proc/${executor.pid}/fd/${fd}`));
  // It has executed itself by then, and has what it has.
  await executor.run(new ProgramBuilder().build());
  const before = descriptors();
  const elements = portElements(network, [port("0.0.0.0", 8090, "172.30.1.2", 80)]);
  for (const how of [add, remove, add, remove]) {
    const b = new ProgramBuilder();
    b.slot("one of an ordinary program");
    how(b, "through the socket that is kept", keepFirewall(b), elements);
    await executor.run(b.build());
    expect(host.sh("nft list map inet caisson any4").includes("8090")).toBe(how === add);
    const more = descriptors().filter((name) => !before.includes(name));
    expect(more).toEqual([expect.stringMatching(/^socket:/)]);
  }
});
