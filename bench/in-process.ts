/**
 * caisson's engine without HTTP and without a daemon: starts `true` in containers as fast as its own functions go.
 * Run as `bun in-process.ts ROOT TAR CGROUP-PARENT auto|host` in a network namespace of its own. Says `ready`, then for
 * each line with a number runs so many containers and answers a line of JSON: pairs of microseconds, of
 * create + start + wait + remove and of start to exit alone. Ends with its input.
 * @module
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { daemonDefaults } from "../src/engine/daemon-options.ts";
import { openEngine, type Engine, type EngineLog } from "../src/engine/mod.ts";
import { failure } from "../src/errors/mod.ts";

const [root = "", tar = "", cgroupParent = "", userns = "auto"] = process.argv.slice(2);

const log: EngineLog = {
  debug: () => {},
  info: () => {},
  warn: (message) => console.error(message),
  error: (message) => console.error(message),
};

async function runOne(engine: Engine): Promise<[number, number]> {
  const { containers } = engine;
  const begin = performance.now();
  const { Id } = await containers.create({
    body: { Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } },
  });
  const { done } = await containers.wait(Id, "next-exit");
  const start = performance.now();
  await containers.start(Id);
  const { StatusCode } = await done;
  const exit = performance.now();
  await containers.remove(Id, { force: false, volumes: false, link: false });
  const end = performance.now();
  if (StatusCode !== 0) throw failure("internal", { message: `true ended with ${StatusCode}` });
  return [(end - begin) * 1000, (exit - start) * 1000];
}

const engine = await openEngine(
  {
    ...daemonDefaults,
    hosts: [],
    dataRoot: `${root}/data`,
    execRoot: `${root}/run`,
    pidfile: `${root}/pid`,
    logLevel: "warn",
    userns: userns === "host" ? "host" : "auto",
    cgroupDriver: "cgroupfs",
    cgroupParent,
    shutdownTimeout: 5,
  },
  log,
);
const imported = engine.images.import(createReadStream(tar), {
  repository: "busybox",
  tag: "latest",
  changes: ['CMD ["sh"]', "ENV PATH=/bin"],
});
for await (const line of imported)
  if ("error" in line) throw failure("internal", { message: String(line["error"]) });
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const samples: [number, number][] = [];
  for (let left = Number(line); left > 0; left--) samples.push(await runOne(engine));
  console.log(JSON.stringify(samples));
}
await engine.close();
process.exit(0);
