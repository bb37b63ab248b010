/**
 * Numbers for Prometheus at `--metrics-addr`, under dockerd's names: those that there is something to say of.
 * @module
 */
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import type { Engine, Json } from "../engine/mod.ts";
import { failure, messageOf } from "../errors/mod.ts";
import { parseListenHost } from "./listen-host.ts";
import type { Listener } from "./listener.ts";
import type { Log } from "./log.ts";

/** The text format, as its specification calls it. */
const type = "text/plain; version=0.0.4; charset=utf-8";

/** One number, or one for each set of labels. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: "gauge" | "counter";
  readonly values: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

/** Serves `/metrics` at an address like `127.0.0.1:9323`. Throws if it can't be listened at. */
export async function serveMetrics(address: string, engine: Engine, log: Log): Promise<Listener> {
  const host = parseListenHost(`tcp://${address}`, false);
  if (host.kind !== "tcp" || !/:\d+$/.test(address)) {
    throw failure("invalid-parameter", {
      message: `failed to start metrics server: ${address}: missing port in address`,
    });
  }
  const server = createServer((request, response) => {
    if (request.method !== "GET" || request.url?.split("?", 1)[0] !== "/metrics") {
      response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end("404 page not found\n");
      return;
    }
    collect(engine).then(
      (text) => response.writeHead(200, { "Content-Type": type }).end(text),
      (error: unknown) => {
        log.error("metrics can't be told", { error });
        response.writeHead(500).end(`${messageOf(error)}\n`);
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        failure(
          "internal",
          { message: `failed to start metrics server: ${address}: ${error.message}` },
          error,
        ),
      ),
    );
    server.listen({ host: host.hostname, port: host.port }, resolve);
  });
  return {
    address,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function collect(engine: Engine): Promise<string> {
  const [info, version, descriptors] = await Promise.all([
    engine.system.info(),
    engine.system.version(),
    readdir("/proc/self/fd"),
  ]);
  return formatMetrics([...engineMetrics(info, version), ...processMetrics(descriptors.length)]);
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => (typeof value === "number" ? value : 0);

/** What `info` and `version` say. */
export function engineMetrics(info: Json, version: Json): readonly Metric[] {
  return [
    {
      name: "engine_daemon_container_states_containers",
      help: "The count of containers in various states",
      kind: "gauge",
      values: [
        [{ state: "paused" }, number(info["ContainersPaused"])],
        [{ state: "running" }, number(info["ContainersRunning"])],
        [{ state: "stopped" }, number(info["ContainersStopped"])],
      ],
    },
    one(
      "engine_daemon_engine_cpus_cpus",
      "The number of cpus that the host system of the engine has",
      number(info["NCPU"]),
    ),
    {
      name: "engine_daemon_engine_info",
      help: "The information related to the engine and the OS it is running on",
      kind: "gauge",
      values: [
        [
          {
            architecture: text(info["Architecture"]),
            commit: text(version["GitCommit"]),
            daemon_id: text(info["ID"]),
            graphdriver: text(info["Driver"]),
            kernel: text(info["KernelVersion"]),
            os: text(info["OperatingSystem"]),
            os_type: text(info["OSType"]),
            os_version: text(info["OSVersion"]),
            version: text(info["ServerVersion"]),
          },
          1,
        ],
      ],
    },
    one(
      "engine_daemon_engine_memory_bytes",
      "The number of bytes of memory that the host system of the engine has",
      number(info["MemTotal"]),
    ),
    one(
      "engine_daemon_events_subscribers_total",
      "The number of current subscribers to events",
      number(info["NEventsListener"]),
    ),
  ];
}

function processMetrics(descriptors: number): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  const seconds = (user + system) / 1e6;
  return [
    {
      name: "process_cpu_seconds_total",
      help: "Total user and system CPU time spent in seconds.",
      kind: "counter",
      values: [[{}, seconds]],
    },
    one("process_open_fds", "Number of open file descriptors.", descriptors),
    one("process_resident_memory_bytes", "Resident memory size in bytes.", process.memoryUsage.rss()),
    one(
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
      Math.round(performance.timeOrigin) / 1000,
    ),
  ];
}

function one(name: string, help: string, value: number): Metric {
  return { name, help, kind: "gauge", values: [[{}, value]] };
}

/** Prometheus's text format. */
export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, help, kind, values }) => {
      const lines = values.map(([labels, value]) => {
        const pairs = Object.entries(labels).map(([key, word]) => `${key}="${escaped(word)}"`);
        return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
      });
      return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join("")}`;
    })
    .join("");
}

function escaped(word: string): string {
  return word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
