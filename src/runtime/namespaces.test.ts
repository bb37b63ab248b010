import { expect, test } from "bun:test";
import { cloneFlags, hostIds, isNew, joinFlags, mapText, splitCloneFlags } from "./namespaces.ts";
import { exampleSpec } from "./testing.ts";

const linux = {
  namespaces: [{ type: "mount" }, { type: "pid" }, { type: "cgroup" }, { type: "network", path: "/x" }],
} as const;

test("new namespaces are cloned; the cgroup's is left to the process, a joined one is not new", () => {
  expect(cloneFlags(linux).text).toBe("CLONE_NEWNS|CLONE_NEWPID");
  expect([isNew(linux, "cgroup"), isNew(linux, "network"), isNew(linux, "user")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("joined ones are named by what they are", () => {
  expect(joinFlags(["user", "mount"]).text).toBe("CLONE_NEWUSER|CLONE_NEWNS");
  expect(() => joinFlags(["nonsense"])).toThrow("unknown namespace nonsense");
});

test("ids are translated by the mappings, and are the host's without", () => {
  const mapping = [{ containerID: 0, hostID: 1000, size: 10 }];
  const ids = hostIds({ ...linux, uidMappings: mapping, gidMappings: mapping });
  expect([ids.uid(0), ids.gid(9)]).toEqual([1000, 1009]);
  expect(() => ids.uid(10)).toThrow("uid 10 is not in the container's id range");
  expect(hostIds(linux).uid(5)).toBe(5);
  expect(mapText(mapping)).toBe("0 1000 10\n");
});

test("a process is born into its user and pid namespaces and makes the others for itself", () => {
  const { linux } = exampleSpec();
  const { born, made } = splitCloneFlags(linux);
  expect(born.text).toBe("CLONE_NEWUSER|CLONE_NEWPID");
  expect(made?.text).toBe("CLONE_NEWNS|CLONE_NEWNET|CLONE_NEWIPC|CLONE_NEWUTS");
  const none = splitCloneFlags({ ...linux, namespaces: [] });
  expect([none.born.value, none.made]).toEqual([0, undefined]);
});
