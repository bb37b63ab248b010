/** What testcontainers sees of an engine, printed as JSON. */
import { GenericContainer, Wait } from "testcontainers";

const container = await new GenericContainer("busybox")
  .withCommand(["sh", "-c", "echo ready; while :; do echo served | nc -l -p 80; done"])
  .withExposedPorts(80)
  .withWaitStrategy(Wait.forLogMessage("ready"))
  .withCopyContentToContainer([{ content: "copied", target: "/tmp/file" }])
  .start();
const { output, exitCode } = await container.exec(["echo", "inside"]);
const copied = (await container.exec(["cat", "/tmp/file"])).output;
const port = container.getMappedPort(80) > 0;
await container.stop();
console.log(JSON.stringify({ output, exitCode, copied, port }));
process.exit(0);
