import { expect, test } from "bun:test";
import { KernelError, ProgramBuilder } from "../kernel/mod.ts";
import { messageOf } from "../errors/mod.ts";
import type { Container } from "./container-store.ts";
import { SETTING_UP, type Place } from "./endpoints.ts";
import { portConflict, PortTries } from "./port-conflicts.ts";

const EPROTONOSUPPORT = 93;
const EADDRINUSE = 98;
const EADDRNOTAVAIL = 99;

function bindFailure(label: string, errno: number): KernelError {
  const b = new ProgramBuilder();
  b.call(label, "bind", [3, "x", 16]);
  return new KernelError(b.build(), 0, errno);
}

function container(hostPort: string): Container {
  const hostConfig = { PortBindings: { "80/tcp": [{ HostPort: hostPort }] }, PublishAllPorts: false };
  return { name: "web", state: {}, record: { hostConfig, config: {} } } as unknown as Container;
}

const label = "bind host port 0.0.0.0:8181:172.17.0.2:80/tcp";
const places = [{ endpoint: { id: "e1", ports: [{}] } }] as unknown as Place[];

test.each([
  [EADDRINUSE, "address already in use"],
  [EADDRNOTAVAIL, "cannot assign requested address"],
])("errno %p is told as dockerd tells it", (errno, reason) => {
  const told = portConflict(bindFailure(label, errno), container("8181"), places, SETTING_UP);
  expect(messageOf(told)).toBe(
    `failed to set up container networking: driver failed programming external connectivity on endpoint web (e1): failed to bind host port for 0.0.0.0:8181:172.17.0.2:80/tcp: ${reason}`,
  );
});

test("a protocol that the kernel lacks is told as dockerd tells it", () => {
  const sctp = "bind host port [::]:9000:172.17.0.2:90/sctp: open a socket";
  const told = portConflict(bindFailure(sctp, EPROTONOSUPPORT), container("9000"), places);
  expect(messageOf(told)).toBe(
    "driver failed programming external connectivity on endpoint web (e1): error starting userland proxy: failed to listen on [::]:9000: protocol not supported",
  );
});

test("other failures stay what they are", () => {
  const other = bindFailure("mount the root", EADDRINUSE);
  expect(portConflict(other, container("8181"), places)).toBe(other);
});

test("a fixed port is tried once more; any port gives way to another", async () => {
  const told = portConflict(bindFailure(label, EADDRINUSE), container("8181"), places);
  const fixed = new PortTries(container("8181"));
  expect(await fixed.again(told)).toBe(true);
  expect(await fixed.again(told)).toBe(false);
  const any = new PortTries(container(""));
  const listening = bindFailure("bind host port [::]:32768:[fd00::2]:80/tcp: listen", EADDRINUSE);
  expect(await any.again(listening)).toBe(true);
  expect(any.passing.get("tcp")).toEqual(new Set([32768]));
  expect(await any.again(bindFailure(label, EADDRNOTAVAIL))).toBe(false);
});
