import { expect, test } from "bun:test";
import { runCommand, type Answers } from "../testing.ts";
import { port } from "./port.ts";

const answers: Answers = {
  "GET /containers/web/json": {
    json: {
      NetworkSettings: {
        Ports: {
          "443/tcp": null,
          "100/tcp": [{ HostIp: "127.0.0.1", HostPort: "8100" }],
          "53/udp": [{ HostIp: "0.0.0.0", HostPort: "5353" }],
          "53/tcp": [
            { HostIp: "0.0.0.0", HostPort: "53" },
            { HostIp: "::", HostPort: "53" },
          ],
        },
      },
    },
  },
};

test("every published port, by number and protocol", async () => {
  expect((await runCommand(port, ["web"], answers)).stdout).toBe(
    "53/tcp -> 0.0.0.0:53\n53/tcp -> [::]:53\n53/udp -> 0.0.0.0:5353\n100/tcp -> 127.0.0.1:8100\n",
  );
});

test("one port, TCP unless it says otherwise", async () => {
  expect((await runCommand(port, ["web", "53"], answers)).stdout).toBe("0.0.0.0:53\n[::]:53\n");
  expect((await runCommand(port, ["web", "53/udp"], answers)).stdout).toBe("0.0.0.0:5353\n");
});

test("what isn't published or isn't a port is said", async () => {
  expect((await runCommand(port, ["web", "443"], answers)).problem).toBe(
    "Error: No public port '443' published for web",
  );
  expect((await runCommand(port, ["web", "x"], answers)).problem).toStartWith("Error: invalid port (x)");
});

test("a port is a number of 16 bits", async () => {
  for (const [wanted, why] of [
    ["bad", "invalid syntax"],
    ["70000", "value out of range"],
  ] as const) {
    const ran = await runCommand(port, ["x", wanted], { "GET /containers/x/json": { json: {} } });
    expect(ran.problem).toBe(
      `Error: invalid port (${wanted}): strconv.ParseUint: parsing "${wanted}": ${why}`,
    );
  }
});
