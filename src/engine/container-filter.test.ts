import { expect, test } from "bun:test";
import { containerFilter, type FilterLookup } from "./container-filter.ts";
import { newState, type ContainerRecord, type ContainerState } from "./container.ts";
import { failure } from "../errors/mod.ts";

/** A record with what filters look at. */
function record(parts: object = {}): ContainerRecord {
  return {
    id: "8d62c0b2",
    created: "2024-01-01T00:00:05.5Z",
    imageId: "sha256:aa",
    config: { Labels: { tier: "web" } },
    hostConfig: { Isolation: "" },
    mounts: [{ name: "data", source: "/v/data", destination: "/var" }],
    ...parts,
  } as unknown as ContainerRecord;
}

const lookup: FilterLookup = {
  container(name) {
    if (name === "old") return record({ id: "01", created: "2024-01-01T00:00:05Z" });
    if (name === "new") return record({ id: "02", created: "2024-01-01T00:00:05.51Z" });
    throw failure("no-such-container", { name });
  },
  byPrefix: (prefix) => (record().id.startsWith(prefix) ? record().id : undefined),
  imageFamily: (name) => (name === "busybox" ? ["sha256:aa", "sha256:bb"] : []),
  networks: () => [{ name: "none", id: "9280453" }],
  ports: () => [{ private: "80/tcp", public: "8080/tcp" }, { private: "53/udp" }],
};

function shows(filters: Record<string, string[]>, state: Partial<ContainerState> = {}): boolean {
  const filter = containerFilter(new Map(Object.entries(filters)), lookup);
  return filter.matches(record(), { ...newState(), status: "running", ...state }, "g1");
}

test("who it is", () => {
  expect(shows({})).toBe(true);
  expect(shows({ name: ["g"] })).toBe(true);
  expect(shows({ name: ["^/g1$"] })).toBe(true);
  expect(shows({ name: ["x", "^g1$"] })).toBe(true);
  expect(shows({ name: ["h"] })).toBe(false);
  expect(shows({ id: ["8d6"] })).toBe(true);
  expect(shows({ id: ["d62"] })).toBe(false);
  expect(shows({ label: ["tier=web"] })).toBe(true);
  expect(shows({ label: ["tier=web", "other"] })).toBe(false);
});

test("before and since compare times of creation, not their texts", () => {
  expect(shows({ before: ["new"] })).toBe(true);
  expect(shows({ before: ["old"] })).toBe(false);
  expect(shows({ since: ["old"] })).toBe(true);
  expect(shows({ since: ["new"] })).toBe(false);
  expect(() => shows({ since: ["gone"] })).toThrow("No such container: gone");
});

test("state and exit code", () => {
  const exited = { status: "exited", exitCode: 3, startedAt: "2024-01-01T00:00:06Z" } as const;
  expect(shows({ status: ["running", "paused"] })).toBe(true);
  expect(shows({ status: ["exited"] })).toBe(false);
  expect(shows({ exited: ["3"] }, exited)).toBe(true);
  expect(shows({ exited: ["0"] }, exited)).toBe(false);
  expect(() => shows({ exited: ["9223372036854775808"] })).toThrow(
    `invalid filter 'exited=9223372036854775808': strconv.Atoi: parsing "9223372036854775808": value out of range`,
  );
  expect(shows({ exited: ["0"] })).toBe(false);
  expect(shows({ exited: ["0"] }, { status: "created" })).toBe(false);
  expect(shows({ health: ["none"] })).toBe(true);
  expect(shows({ health: ["healthy"] })).toBe(false);
  expect(shows({ "is-task": ["true"] })).toBe(false);
  expect(shows({ "is-task": ["0"] })).toBe(true);
  expect(containerFilter(new Map([["status", ["exited"]]]), lookup).stoppedToo).toBe(true);
  expect(containerFilter(new Map(), lookup).stoppedToo).toBe(false);
});

test("parts: volumes, images, networks, ports", () => {
  expect(shows({ volume: ["data"] })).toBe(true);
  expect(shows({ volume: ["/var"] })).toBe(true);
  expect(shows({ volume: ["/v/data"] })).toBe(false);
  expect(shows({ ancestor: ["busybox"] })).toBe(true);
  expect(shows({ ancestor: ["gone"] })).toBe(false);
  expect(shows({ network: ["none"] })).toBe(true);
  expect(shows({ network: ["9280"] })).toBe(true);
  expect(shows({ network: ["host"] })).toBe(false);
  expect(shows({ publish: ["8000-8100"] })).toBe(true);
  expect(shows({ publish: ["80"] })).toBe(false);
  expect(shows({ expose: ["53/udp"] })).toBe(true);
  expect(shows({ expose: ["53"] })).toBe(false);
});

test("bad values are refused in Docker's words", () => {
  expect(() => shows({ nope: ["1"] })).toThrow("invalid filter 'nope'");
  expect(() => shows({ status: ["gone"] })).toThrow(
    "invalid filter 'status=gone': invalid value for state (gone): must be one of created, running, paused, restarting, removing, exited, dead",
  );
  expect(() => shows({ exited: ["x"] })).toThrow(
    `invalid filter 'exited=x': strconv.Atoi: parsing "x": invalid syntax`,
  );
  expect(() => shows({ publish: ["1:2"] })).toThrow("filter for 'publish' should not contain ':': 1:2");
  expect(() => shows({ expose: ["9-1"] })).toThrow("9-1");
});
