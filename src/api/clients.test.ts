import { expect, test } from "bun:test";
import { Duplex, PassThrough } from "node:stream";
import { startApi } from "./fake-engine.ts";

/** What is used of dockerode, which comes without types. */
interface Docker {
  getContainer(id: string): {
    attach(options: object): Promise<NodeJS.ReadWriteStream>;
    exec(options: object): Promise<{ start(options: object): Promise<NodeJS.ReadWriteStream> }>;
  };
}
type DockerModule = { readonly default: new (options: { readonly socketPath: string }) => Docker };

/** Says back what it is told, in upper case, and ends after its input. */
function shouter(): Duplex {
  const out = new PassThrough();
  const input = new PassThrough();
  input.on("data", (chunk: Buffer) => out.write(chunk.toString().toUpperCase()));
  input.on("end", () => out.end("done"));
  // Node takes such a pair, its types don't say so.
  return Duplex.from({ readable: out, writable: input } as unknown as Iterable<never>);
}

async function say(stream: NodeJS.ReadWriteStream): Promise<string> {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  stream.write("hello ");
  await Bun.sleep(5);
  stream.end("there ");
  await new Promise((resolve) => stream.once("end", resolve));
  return text;
}

test("dockerode attaches and starts execs; the options that it sends as a body are no input", async () => {
  await using api = await startApi({
    containers: { attach: async () => ({ tty: true, stream: shouter() }) },
    execs: { create: async () => ({ Id: "e" }), start: async () => ({ tty: true, stream: shouter() }) },
  });
  const name: string = "dockerode";
  const { default: Dockerode } = (await import(name)) as DockerModule;
  const docker = new Dockerode({ socketPath: api.path });
  const options = { stream: true, stdin: true, stdout: true, hijack: true };
  expect(await say(await docker.getContainer("c").attach(options))).toBe("HELLO THERE done");
  const exec = await docker.getContainer("c").exec({ Cmd: ["x"], AttachStdin: true });
  expect(await say(await exec.start({ hijack: true, stdin: true }))).toBe("HELLO THERE done");
});
