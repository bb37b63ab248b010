/**
 * What dockerode sees of an engine, printed as JSON.
 * @module
 */
import Docker from "dockerode";
import { PassThrough } from "node:stream";

const docker = new Docker({ socketPath: (process.env["DOCKER_HOST"] ?? "").replace("unix://", "") });
const host = { NetworkMode: "none" };
const statusOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 200,
    (error: { statusCode?: number }) => error.statusCode,
  );

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  const out = new PassThrough();
  docker.modem.demuxStream(stream, out, out);
  stream.on("end", () => out.end());
  let text = "";
  for await (const chunk of out) text += String(chunk);
  return text;
}

const ping = String(await docker.ping());
const cat = await docker.createContainer({
  Image: "busybox",
  Cmd: ["cat"],
  OpenStdin: true,
  StdinOnce: true,
  HostConfig: host,
});
const stream = await cat.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
const echo = collect(stream);
await cat.start();
stream.end("hello\n");
const echoed = await echo;
await cat.remove({ force: true });

const since = Math.floor(Date.now() / 1000);
const three = await docker.createContainer({
  name: "three",
  Image: "busybox",
  Cmd: ["sh", "-c", "echo one; echo two; exit 3"],
  HostConfig: host,
});
await three.start();
const { StatusCode: exitCode } = (await three.wait()) as { StatusCode: number };
const logs = await collect(PassThrough.from(await three.logs({ stdout: true, stderr: true, follow: false })));
const taken = await statusOf(docker.createContainer({ name: "three", Image: "busybox" }));
const told = await docker.getEvents({
  since,
  until: Math.floor(Date.now() / 1000) + 1,
  filters: { container: ["three"] },
});
let lines = "";
for await (const chunk of told) lines += String(chunk);
const events = lines
  .trim()
  .split("\n")
  .map((line) => (JSON.parse(line) as { Action: string }).Action)
  .filter((action) => ["create", "start", "die"].includes(action));
await three.remove();

const sleeper = await docker.createContainer({ Image: "busybox", Cmd: ["sleep", "1000"], HostConfig: host });
await sleeper.start();
const exec = await sleeper.exec({ Cmd: ["echo", "inside"], AttachStdout: true, AttachStderr: true });
const said = await collect(await exec.start({ hijack: true, stdin: false }));
await sleeper.remove({ force: true });
const missing = await statusOf(docker.getContainer("missing").inspect());
const gone = await statusOf(sleeper.inspect());
console.log(JSON.stringify({ ping, echoed, exitCode, exec: said, logs, missing, taken, events, gone }));
process.exit(0);
