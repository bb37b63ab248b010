/**
 * Three hundred containers at once on one network, whatever happens to the engine meanwhile.
 * @module
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ApiClient } from "../../support/api.ts";
import { eventually, execute, must, removeAll } from "../../support/containers.ts";
import { TestEngine } from "../../support/engine.ts";
import { importBusybox } from "../../support/image.ts";
import { patience } from "../../support/patience.ts";
import { tracesOf } from "./left.ts";

const COUNT = 300;
/** All of them where faults are tried at length; else so many that other tests have their turn. */
const AT_ONCE = process.env["CAISSON_FAULT_SECONDS"] === undefined ? 16 : COUNT;
const name = (i: number): string => `c${i}x`;
const LIMIT = 240_000 * patience;

/** Does `work` for each number, so many at a time. */
async function each(work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < COUNT) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const body = {
  Image: "busybox",
  Cmd: ["sleep", "1000"],
  HostConfig: { NetworkMode: "storm", PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } },
  ExposedPorts: { "80/tcp": {} },
};

interface Placed {
  readonly name: string;
  readonly address: string;
  readonly port: string;
  readonly pid: number;
}

interface Inspected {
  readonly State: { readonly Pid: number; readonly Running: boolean };
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
    readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>>;
  };
}

async function inspectAll(client: ApiClient): Promise<Placed[]> {
  const placed: Placed[] = [];
  await each(async (i) => {
    const { status, text } = await client.call("GET", `/containers/${name(i)}/json`);
    if (status !== 200) return;
    const { State, NetworkSettings } = JSON.parse(text) as Inspected;
    if (!State.Running) return;
    placed.push({
      name: name(i),
      address: NetworkSettings.Networks["storm"]?.IPAddress ?? "",
      port: NetworkSettings.Ports["80/tcp"]?.[0]?.HostPort ?? "",
      pid: State.Pid,
    });
  });
  return placed;
}

/** Addresses that the container's process has in its namespace, loopback's left out. */
function addressesOf(pid: number): string[] {
  const trie = readFileSync(`/proc/${pid}/net/fib_trie`, "utf8");
  const found = [...trie.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)].map(([, address = ""]) => address);
  return [...new Set(found)].filter((address) => !address.startsWith("127."));
}

/** Each has an address and a port of its own, and has that address indeed; all find each other by name. */
function expectOrder(engine: TestEngine, placed: readonly Placed[]): void {
  expect(new Set(placed.map(({ address }) => address)).size).toBe(placed.length);
  expect(new Set(placed.map(({ port }) => port)).size).toBe(placed.length);
  for (const { pid, address } of placed) expect(addressesOf(pid)).toEqual([address]);
  const [from] = placed;
  if (from === undefined) throw new Error("nothing runs");
  const names = placed.map((other) => other.name).join(" ");
  const script = `for n in ${names}; do echo $n $(nslookup -type=a $n 127.0.0.11 | awk '/^Address/ {a = $NF} END {print a}'); done`;
  const answers = execute(engine, from.name, script).split("\n").sort();
  expect(answers).toEqual(placed.map((other) => `${other.name} ${other.address}`).sort());
}

async function prepare(): Promise<TestEngine> {
  const engine = await TestEngine.start();
  await importBusybox(engine);
  must(engine, ["network", "create", "storm"]);
  // The first one brings what stays: the firewall, the resolver.
  must(engine, ["run", "--rm", "--network", "storm", "busybox", "true"]);
  await eventually("its endpoint is written off", () => tracesOf(engine).endpoints === 0, 30);
  return engine;
}

/** Removes all, and waits until nothing of them is left. */
async function expectNothingLeft(engine: TestEngine, before: ReturnType<typeof tracesOf>): Promise<void> {
  await removeAll(engine);
  await eventually(
    "the links are gone with their namespaces",
    () => tracesOf(engine).links.length === before.links.length,
    30,
  );
  expect(tracesOf(engine)).toEqual(before);
}

test(
  `${COUNT} containers, ${AT_ONCE} at a time: addresses, names, and nothing left`,
  async () => {
    await using engine = await prepare();
    const before = tracesOf(engine);
    using client = new ApiClient(engine, AT_ONCE);
    await each(async (i) => {
      expect((await client.call("POST", `/containers/create?name=${name(i)}`, body)).status).toBe(201);
      expect((await client.call("POST", `/containers/${name(i)}/start`)).status).toBe(204);
    });
    const placed = await inspectAll(client);
    expect(placed).toHaveLength(COUNT);
    expect(tracesOf(engine).endpoints).toBe(COUNT);
    expectOrder(engine, placed);
    await expectNothingLeft(engine, before);
  },
  LIMIT,
);

test(
  "the same when the engine is killed in the middle, and another one goes on",
  async () => {
    await using engine = await prepare();
    const before = tracesOf(engine);
    using client = new ApiClient(engine, AT_ONCE);
    let started = 0;
    let killed: Promise<void> | undefined;
    await each(async (i) => {
      if (killed !== undefined) return;
      try {
        await client.call("POST", `/containers/create?name=${name(i)}`, body);
        await client.call("POST", `/containers/${name(i)}/start`);
        started++;
      } catch {
        // The engine is gone.
      }
      if (started >= COUNT / 3) killed ??= engine.kill();
    });
    await killed;
    await engine.resume();
    const survivors = await inspectAll(client);
    expect(survivors.length).toBeGreaterThanOrEqual(COUNT / 3);
    expect(tracesOf(engine).endpoints).toBe(survivors.length);
    expectOrder(engine, survivors);
    await each(async (i) => {
      const created = await client.call("POST", `/containers/create?name=${name(i)}`, body);
      expect([201, 409]).toContain(created.status);
      expect([204, 304]).toContain((await client.call("POST", `/containers/${name(i)}/start`)).status);
    });
    const all = await inspectAll(client);
    expect(all).toHaveLength(COUNT);
    expectOrder(engine, all);
    await expectNothingLeft(engine, before);
  },
  LIMIT,
);
