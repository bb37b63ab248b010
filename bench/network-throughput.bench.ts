/**
 * How fast networks are once they are there: between containers, to published ports, out by NAT; the same load on both
 * engines.
 * @module
 */
import { join } from "node:path";
import { ApiConnection } from "./api.ts";
import { startCaisson, startDockerd, startEngines, type RunningEngine } from "./engines.ts";
import {
  alternate,
  contestant,
  firstLine,
  ratioGoal,
  type Bench,
  type Contestant,
  type Goal,
  type Report,
  type Row,
} from "./harness.ts";
import { inNetworkOf, lan, serve, startContainer, startNeighbour } from "./network-lab.ts";
import { output, type Scratch } from "./scratch.ts";
import { digits, duration, type Summary } from "./statistics.ts";

const script = join(import.meta.dir, "network-load.ts");
/** Where the servers listen, in containers and, published, on the host. */
const port = { stream: 5201, echo: 7000 } as const;

/** One way that packets go: from where (a pid whose namespace it is), to which address. */
interface Way {
  readonly name: string;
  readonly from: number;
  readonly to: string;
}

/** Of each way: the most that caisson's time may be of dockerd's. */
const ways: Readonly<Record<string, number>> = {
  "container to container": 1,
  "container to a neighbour, by NAT": 1,
  "neighbour to a published port": 1,
  "host to its published port": 1,
  "host to 127.0.0.1": 1,
  "host to [::1], by the proxies": 1 / 2,
};

/** Measures throughput and latency. */
export default async function throughput(bench: Bench): Promise<Report> {
  const { scratch, quick } = bench;
  const { running, notes } = await startEngines([
    ["caisson", () => startCaisson(scratch, "caisson")],
    ["dockerd", () => startDockerd(scratch)],
  ]);
  const contestants: Contestant[] = [];
  for (const engine of running.values()) {
    try {
      for (const way of await lay(scratch, engine))
        contestants.push(...contestantsOf(engine.name, way, quick));
    } catch (error) {
      notes.push(`${engine.name} is missing: ${firstLine(error)}`);
    }
  }
  // Of each way first one engine, then the other: what the machine does meanwhile meets both.
  const order = Object.keys(ways).flatMap((way) =>
    contestants.filter(({ names }) => names.some((name) => name.includes(`, ${way}, `))),
  );
  const { summaries, notes: missing } = await alternate(bench, order, quick ? 5 : 12);
  return {
    title: "Networks: throughput and latency",
    columns: ["caisson", "dockerd", "caisson / dockerd", "latency, caisson", "latency, dockerd"],
    rows: Object.keys(ways).map((way) => row(way, summaries)),
    goals: Object.entries(ways).flatMap(([way, limit]) => goals(way, limit, summaries)),
    notes: [
      "Throughput: medians of iperf3 with one TCP connection for a second. Latency: one byte there and back over one " +
        "connection between two Bun processes, medians of medians. Servers and clients are processes of the host in the " +
        "containers' network namespaces. dockerd serves 127.0.0.1 and [::1] by docker-proxy; caisson serves 127.0.0.1 " +
        "by the kernel and [::1] by its proxy.",
      ...notes,
      ...missing,
    ],
  };
}

const streamName = (engine: string, way: string): string => `${engine}, ${way}, a GiB`;
const echoName = (engine: string, way: string): string => `${engine}, ${way}, a byte`;

function goals(way: string, limit: number, summaries: ReadonlyMap<string, Summary>): Goal[] {
  const goal = (what: string, name: typeof streamName, most: number): Goal =>
    ratioGoal(
      `${way}: ${what}, caisson / dockerd`,
      summaries,
      name("caisson", way),
      name("dockerd", way),
      most,
    );
  return [goal("time for a GiB", streamName, limit), goal("latency", echoName, 1)];
}

function row(way: string, summaries: ReadonlyMap<string, Summary>): Row {
  const median = (name: string): number => summaries.get(name)?.median ?? Number.NaN;
  const engines = ["caisson", "dockerd"];
  const [ours = Number.NaN, theirs = Number.NaN] = engines.map(
    (engine) => (8 * (1 << 30)) / median(streamName(engine, way)) / 1000,
  );
  return {
    name: way,
    cells: [
      ...[ours, theirs].map((speed) => `${digits(speed)} Gbit/s`),
      digits(ours / theirs),
      ...engines.map((engine) => duration(median(echoName(engine, way)))),
    ],
  };
}

/** Starts servers and clients of one engine. */
async function lay(scratch: Scratch, engine: RunningEngine): Promise<Way[]> {
  using api = new ApiConnection(engine.socket);
  const neighbour = await startNeighbour(scratch, engine);
  const publish = Object.values(port).map((one) => [one, one] as const);
  const server = await startContainer(api, { network: "bridge", publish });
  const client = await startContainer(api, { network: "bridge" });
  for (const pid of [server.pid, neighbour]) {
    await serve(scratch, pid, port.stream, ["iperf3", "-s", "-p", String(port.stream)]);
    await serve(scratch, pid, port.echo, [process.execPath, script, "serve", String(port.echo)]);
  }
  const [between = "", out = "", neighbours = "", host = "", loopback = "", proxy = ""] = Object.keys(ways);
  return [
    { name: between, from: client.pid, to: server.address },
    { name: out, from: client.pid, to: lan.neighbour },
    { name: neighbours, from: neighbour, to: lan.engine },
    { name: host, from: engine.pid, to: lan.engine },
    { name: loopback, from: engine.pid, to: "127.0.0.1" },
    { name: proxy, from: engine.pid, to: "::1" },
  ];
}

function contestantsOf(engine: string, { name, from, to }: Way, quick: boolean): Contestant[] {
  const exchanges = quick ? "2000" : "5000";
  const stream = ["iperf3", "-c", to, "-p", String(port.stream), "-t", "1", "-J"];
  const ask = [process.execPath, script, "ask", to, String(port.echo), exchanges];
  return [
    contestant(streamName(engine, name), async () => [gibibyte(await output(inNetworkOf(from, stream)))]),
    contestant(echoName(engine, name), async () => [Number(await output(inNetworkOf(from, ask)))]),
  ];
}

/** Microseconds for a GiB, of iperf3's report: what arrived. */
function gibibyte(report: string): number {
  const { end } = JSON.parse(report) as {
    readonly end: { readonly sum_received: { readonly bytes: number; readonly seconds: number } };
  };
  const { bytes, seconds } = end.sum_received;
  return ((seconds * (1 << 30)) / bytes) * 1e6;
}
