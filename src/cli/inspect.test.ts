import { expect, test } from "bun:test";
import { inspectAny, inspectContainers, inspectImages } from "./inspect.ts";
import { runCommand } from "./testing.ts";

const answers = {
  "GET /containers/a/json": {
    text: '{"Id":"1","Started":1795495305483202524,"Config":{"Labels":{"x":"y"}}}',
  },
  "GET /containers/b/json": { text: '{"Id":"2","Config":{"Labels":{}}}' },
  "GET /images/busybox/json": { text: '{"Id":"image"}' },
  "GET /volumes/data": { text: '{"Name":"data"}' },
};

test("a list, every digit as the engine wrote it; what is missing is said after it", async () => {
  const ran = await runCommand(inspectContainers, ["a", "none", "b"], answers);
  expect(ran.stdout).toStartWith('[\n    {\n        "Id": "1",\n        "Started": 1795495305483202524,');
  expect(ran.stdout).toContain('"Id": "2"');
  expect(ran.problem).toBe("Error response from daemon: no /containers/none/json");
  expect((await runCommand(inspectContainers, ["none"], answers)).stdout).toBe("[]\n");
});

test("a template's line for each", async () => {
  const shown = async (format: string, ...names: readonly string[]): Promise<string> =>
    (await runCommand(inspectContainers, ["-f", format, ...names], answers)).stdout;
  expect(await shown("{{.Id}}\\t{{.Config.Labels.x}}", "a", "b")).toBe("1\ty\n2\t<no value>\n");
  expect(await shown("json", "b")).toBe('[{"Id":"2","Config":{"Labels":{}}}]\n');
});

test("a field that docker doesn't have either is an error, an optional one is nothing", async () => {
  const wrong = await runCommand(inspectContainers, ["-f", "{{.Nonsense}}", "a"], answers);
  expect(wrong.problem).toStartWith("template parsing error: template: :1:2: executing");
  expect(wrong.stdout).toBe("\n");
  const optional = await runCommand(inspectContainers, ["-f", "{{.SizeRw}}", "a"], answers);
  expect(optional).toMatchObject({ problem: "", stdout: "<nil>\n" });
  expect((await runCommand(inspectContainers, ["-f", "{{", "a"], answers)).problem).toContain(
    "unclosed action",
  );
});

test("null and what is left out print as nothing of docker's types, as JSON they are null", async () => {
  const container = {
    HostConfig: { CapAdd: null, PortBindings: null, MemorySwappiness: null },
    Config: { Volumes: null, Entrypoint: null },
  };
  const shown = async (format: string): Promise<string> => {
    const answer = { "GET /containers/a/json": { text: JSON.stringify(container) } };
    return (await runCommand(inspectContainers, ["-f", format, "a"], answer)).stdout.trimEnd();
  };
  expect(await shown("{{.HostConfig.CapAdd}} {{.HostConfig.PortBindings}}")).toBe("[] map[]");
  expect(await shown("{{.HostConfig.MemorySwappiness}} {{.HostConfig.Init}}")).toBe("<nil> <nil>");
  expect(await shown("{{.Config.Volumes}} {{.Config.Entrypoint}} {{.HostConfig.Tmpfs}}")).toBe(
    "map[] [] map[]",
  );
  expect(await shown("[{{.Config.StopSignal}}] {{.Config.Shell}}")).toBe("[] []");
  expect(await shown("{{json .HostConfig.CapAdd}} {{len .Config.Entrypoint}}")).toBe("null 0");
  expect(await shown("{{range .HostConfig.CapAdd}}x{{else}}none{{end}}")).toBe("none");
});

test("flags go along", async () => {
  expect((await runCommand(inspectContainers, ["-s", "a"], answers)).asked).toEqual([
    "GET /containers/a/json?size=1",
  ]);
  expect((await runCommand(inspectImages, ["--platform", "linux/arm64", "busybox"], answers)).asked).toEqual([
    'GET /images/busybox/json?platform={"architecture":"arm64","os":"linux"}',
  ]);
});

test("without a type each kind is tried in turn", async () => {
  const ran = await runCommand(inspectAny, ["-f", "{{.Name}}", "data"], answers);
  expect(ran.stdout).toBe("data\n");
  expect(ran.asked).toEqual([
    "GET /containers/data/json",
    "GET /images/data/json",
    "GET /networks/data",
    "GET /volumes/data",
  ]);
  const none = await runCommand(inspectAny, ["none", "busybox"], answers);
  expect(none.problem).toBe("Error: No such object: none");
  expect(none.stdout).toContain('"Id": "image"');
});

test("an engine that fails is not searched further", async () => {
  const broken = { "GET /containers/a/json": { status: 500, json: { message: "broken" } } };
  const ran = await runCommand(inspectAny, ["a"], broken);
  expect(ran).toMatchObject({
    problem: "Error response from daemon: broken",
    asked: ["GET /containers/a/json"],
  });
});

test("a type is one of docker's", async () => {
  expect((await runCommand(inspectAny, ["--type", "volume", "data"], answers)).asked).toEqual([
    "GET /volumes/data",
  ]);
  expect((await runCommand(inspectAny, ["--type", "x", "a"])).problem).toStartWith(
    'unknown type: "x": must be one of',
  );
  expect((await runCommand(inspectAny, ["--type", "", "a"])).problem).toStartWith("type is empty");
  expect((await runCommand(inspectAny, ["--type", "secret", "a"])).problem).toContain("--type=secret");
});
