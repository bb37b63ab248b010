import { expect, test } from "bun:test";
import { mountPoints } from "./mount-points.ts";
import { environment, makeSpec, noNewPrivileges, type SpecContext } from "./oci-spec.ts";
import { defaults, exampleRecord } from "./testing.ts";

const context: SpecContext = {
  user: { uid: 0, gid: 0, groups: [0, 10], home: "/root" },
  directory: "/data/c",
  capabilities: defaults.capabilities,
  cgroupsPath: "/docker/x",
  noNewPrivileges: false,
  ulimits: [{ type: "RLIMIT_NOFILE", soft: 1, hard: 2 }],
  layerPaths: () => [],
};
const spec = (change: Parameters<typeof exampleRecord>[0]): ReturnType<typeof makeSpec> =>
  makeSpec(exampleRecord(change), context);

test("config.json of a plain container", () => {
  expect(spec({})).toMatchSnapshot();
});

test("a container with a range of its own has its own files and binds mapped", () => {
  const record = exampleRecord({ host: { Binds: ["/srv:/data/deep:ro", "/etc:/data"] } });
  const mounts = mountPoints(record.config, record.hostConfig);
  const made = makeSpec({ ...record, mounts }, context);
  expect(made.linux.uidMappings).toEqual([{ containerID: 0, hostID: 0x70000000, size: 65536 }]);
  const custom = made.mounts.slice(-2);
  // What lies deeper is mounted later, whatever the order was.
  expect(custom.map(({ destination }) => destination)).toEqual(["/data", "/data/deep"]);
  expect(custom[1]?.options).toEqual(["rbind", "rprivate", "rro", "idmap"]);
});

test("the host's user namespace maps nothing", () => {
  const record = { userNamespace: { mode: "host" as const, reason: "--userns=host" }, idRange: undefined };
  const made = spec({ record });
  expect(made.linux.uidMappings).toBeUndefined();
  expect(made.linux.namespaces.some(({ type }) => type === "user")).toBe(false);
  expect(JSON.stringify(made.mounts)).not.toContain("idmap");
});

test("namespaces of the host or of another container are not made anew", () => {
  const types = (host: object): string[] => spec({ host }).linux.namespaces.map(({ type }) => type);
  expect(types({ PidMode: "host", IpcMode: "container:x", UTSMode: "host" })).toEqual([
    "mount",
    "user",
    "network",
  ]);
});

test("privileged: every capability, nothing hidden, /sys to be written", () => {
  const made = spec({ host: { Privileged: true } });
  expect(made.process.capabilities?.bounding?.length).toBe(41);
  expect(made.linux.maskedPaths).toEqual([]);
  expect(made.mounts.find(({ destination }) => destination === "/sys")?.options).not.toContain("ro");
});

test("a mount of the user's takes the place of the system's", () => {
  const record = exampleRecord({ host: { Tmpfs: { "/dev/shm": "size=1m" } } });
  const made = makeSpec({ ...record, mounts: mountPoints(record.config, record.hostConfig) }, context);
  const shm = made.mounts.filter(({ destination }) => destination === "/dev/shm");
  expect(shm.length).toBe(1);
  expect(shm[0]?.options).toContain("size=1m");
});

test("the environment: Docker's own first, a name without a value unsets", () => {
  const record = exampleRecord({ config: { Env: ["A=1", "TERM", "HOME=/h"] } });
  expect(environment(record, true, "/root")).toEqual([
    "PATH=/bin",
    "HOSTNAME=0123456789ab",
    "A=1",
    "HOME=/h",
  ]);
});

test("limits of the container win over the engine's", () => {
  const made = spec({ host: { Ulimits: [{ Name: "nofile", Soft: 5, Hard: 6 }] } });
  expect(made.process.rlimits).toEqual([{ type: "RLIMIT_NOFILE", soft: 5, hard: 6 }]);
});

test("no-new-privileges in all spellings", () => {
  const asked = (...options: string[]): boolean =>
    noNewPrivileges(exampleRecord({ host: { SecurityOpt: options } }).hostConfig, false);
  expect([
    asked(),
    asked("no-new-privileges"),
    asked("no-new-privileges=true"),
    asked("no-new-privileges:false"),
  ]).toEqual([false, true, true, false]);
});
