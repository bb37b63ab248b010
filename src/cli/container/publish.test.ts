import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { publish } from "./publish.ts";

const answers = { "POST /containers/web/update": { json: { Warnings: null } } };

test("ports take the place of those that there are; none takes all away", async () => {
  const ran = await runCommand(publish, ["web", "-p", "8080:80", "-p", "53:53/udp"], answers);
  expect([ran.code, ran.stdout, ran.asked]).toEqual([0, "web\n", ["POST /containers/web/update"]]);
  expect(JSON.parse(ran.bodies[0] ?? "")).toEqual({
    PortBindings: {
      "80/tcp": [{ HostIp: "", HostPort: "8080" }],
      "53/udp": [{ HostIp: "", HostPort: "53" }],
    },
  });
  const none = await runCommand(publish, ["web"], answers);
  expect(JSON.parse(none.bodies[0] ?? "")).toEqual({ PortBindings: {} });
});

test("what is no port is refused before anybody is asked", async () => {
  const { problem, asked } = await runCommand(publish, ["web", "-p", "x:80"], answers);
  expect([problem === "", asked]).toEqual([false, []]);
});
