import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { version } from "./version.ts";

const answers = {
  "GET /version": {
    json: {
      Platform: { Name: "caisson" },
      Version: "9.9",
      Components: [
        {
          Name: "Engine",
          Version: "9.9",
          Details: {
            ApiVersion: "1.51",
            MinAPIVersion: "1.24",
            Os: "linux",
            Arch: "amd64",
            Experimental: "false",
          },
        },
        { Name: "runc", Version: "1.3", Details: { GitCommit: "abc" } },
      ],
    },
  },
};

test("the client and each component of the server", async () => {
  const { stdout, code } = await runCommand(version, [], answers);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Client:\n Version: {11}\S+\n API version: {7}1\.51\n/);
  expect(stdout).toContain("\n\nServer: caisson\n Engine:\n  Version:          9.9\n");
  expect(stdout).toContain("  API version:      1.51 (minimum version 1.24)\n");
  expect(stdout).toContain(" runc:\n  Version:          1.3\n  GitCommit:        abc");
  expect(stdout).not.toContain("Go version");
});

test("a template sees both sides", async () => {
  const ran = await runCommand(version, ["-f", "{{.Client.ApiVersion}} {{.Server.Version}}"], answers);
  expect(ran.stdout).toBe("1.51 9.9\n");
  expect((await runCommand(version, ["-f", "{{"], answers)).problem).toStartWith("template parsing error");
});

test("without a server the client is shown all the same, and the failure said", async () => {
  const ran = await runCommand(version, []);
  expect(ran.stdout).toStartWith("Client:\n");
  expect(ran.stdout).not.toContain("Server");
  expect(ran.problem).toBe("Error response from daemon: no /version");
});
