import { expect, test } from "bun:test";
import { Container, type ContainerStore } from "./container-store.ts";
import { newState, type ContainerRecord } from "./container.ts";
import { completeHostConfig } from "./host-config.ts";
import { findJoin, idRangeOf, joinedFor, requireJoinable, resolveModes } from "./joins.ts";
import { defaults } from "./testing.ts";

const host = (change: object): ReturnType<typeof completeHostConfig> =>
  completeHostConfig({ HostConfig: change }, defaults);
const make = (id: string, record: object): Container =>
  new Container({ id, hostConfig: host({}), ...record } as ContainerRecord, id, newState());
const a = make("a", { idRange: 3, userNamespace: { mode: "private", reason: "" } });
const b = make("b", { userNamespace: { mode: "host", reason: "" } });
const store = { find: (name: string) => (name === "a" ? a : b) } as ContainerStore;

test("the joined container and what of it", () => {
  expect(findJoin(store, host({}))).toBeUndefined();
  expect(findJoin(store, host({ NetworkMode: "container:a", PidMode: "container:a" }))).toEqual({
    target: a,
    namespaces: ["network", "pid"],
  });
});

test("namespaces of two containers can't be joined at once", () => {
  expect(() => findJoin(store, host({ NetworkMode: "container:a", PidMode: "container:b" }))).toThrow(
    "joining namespaces of two containers with user namespaces of their own (a and b)",
  );
});

test("modes name the container by its id", () => {
  expect(resolveModes(store, host({ IpcMode: "container:whatever" })).IpcMode).toBe("container:b");
});

test("whoever joins has the range of the container that it joins, through several steps", () => {
  const joins = (name: string): ContainerRecord =>
    make("c", {
      hostConfig: host({ PidMode: `container:${name}` }),
      userNamespace: { mode: "container", reason: "" },
    }).record;
  expect(idRangeOf({ store }, a.record)).toBe(3);
  expect(idRangeOf({ store }, joins("a"))).toBe(3);
  expect(idRangeOf({ store }, joins("b"))).toBeUndefined();
});

test("only shareable IPC namespaces of running containers are joined", () => {
  const target = (IpcMode: string, status = "running"): Container =>
    new Container({ id: "t", hostConfig: host({ IpcMode }) } as ContainerRecord, "t", {
      ...newState(),
      status: status as "running",
    });
  const join =
    (donor: Container): (() => void) =>
    () =>
      requireJoinable({ target: donor, namespaces: ["ipc"] });
  expect(join(target("private"))).toThrow("container t: non-shareable IPC (hint: use IpcMode:shareable");
  expect(join(target("shareable"))).not.toThrow();
  expect(join(target("shareable", "exited"))).toThrow("container t is not running");
});

test("several containers are joined at once if they share a user namespace", () => {
  const c = make("c", {
    hostConfig: host({ NetworkMode: "container:a" }),
    userNamespace: { mode: "container", reason: "" },
  });
  const several = { find: (name: string) => ({ a, b, c })[name] } as ContainerStore;
  const join = findJoin(
    several,
    host({ NetworkMode: "container:a", PidMode: "container:c", IpcMode: "container:a" }),
  );
  expect(join).toEqual({
    target: a,
    namespaces: ["network", "ipc"],
    others: [{ target: c, namespaces: ["pid"] }],
  });
  expect(joinedFor(join, "pid")).toBe(c);
  expect(joinedFor(undefined, "pid")).toBeUndefined();
});
