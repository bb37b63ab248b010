import { expect, test } from "bun:test";
import { cgroupDriver, detectCgroups } from "../cgroup/mod.ts";
import { debian9, unified } from "../cgroup/fake-host.ts";
import { printProgram, ProgramBuilder } from "../kernel/mod.ts";
import { cgroupMounts, prepareCgroupMount } from "./cgroup-mount.ts";
import type { CgroupPlan, CompileContext } from "./context.ts";
import { exampleContext, exampleSpec } from "./testing.ts";

function plan(host: typeof unified): CgroupPlan {
  const driver = cgroupDriver("cgroupfs", detectCgroups(host));
  return { driver, cgroup: driver.locate("/docker", "x"), resources: {} };
}

const withNamespace = (context: CompileContext): CompileContext => {
  const { linux, ...rest } = exampleSpec();
  return { ...context, spec: { ...rest, linux: { ...linux, namespaces: [{ type: "cgroup" }] } } };
};

function prepared(context: CompileContext, readOnly: boolean): string {
  const b = new ProgramBuilder();
  const mounts = cgroupMounts(context);
  if (mounts === undefined) return "";
  const children = mounts.tmpfs ? mounts.binds.map((bind) => ({ ...bind, slot: b.slot(bind.name) })) : [];
  prepareCgroupMount(b, mounts, readOnly, children, b.slot("context"), b.slot("into"));
  return printProgram(b.build());
}

test("without a cgroup there is nothing", () => {
  expect(cgroupMounts(exampleContext())).toBeUndefined();
});

test("version 2: the container's own directory, or the host's tree when it shares the namespace", () => {
  const context = exampleContext({ cgroup: plan(unified) });
  expect(prepared(withNamespace(context), true)).toContain('open_tree(AT_FDCWD, "/sys/fs/cgroup/docker/x"');
  expect(prepared(context, true)).toContain('open_tree(AT_FDCWD, "/sys/fs/cgroup", ');
});

test("version 1: a tmpfs with a directory and links for each hierarchy", () => {
  const text = prepared(withNamespace(exampleContext({ cgroup: plan(debian9) })), true);
  expect(text).toContain('fsopen("tmpfs"');
  expect(text).toContain('mkdirat(<into>, "cpu,cpuacct", 0755)');
  expect(text).toContain('open_tree(AT_FDCWD, "/sys/fs/cgroup/cpu,cpuacct/docker/x"');
  expect(text).toContain('symlinkat("cpu,cpuacct", <into>, "cpuacct")');
  expect(text.indexOf('mkdirat(<into>, "memory"')).toBeGreaterThan(text.indexOf("fsmount("));
});

test("read-only unless it is to be written, and never with devices or programs", () => {
  const context = withNamespace(exampleContext({ cgroup: plan(unified) }));
  expect(prepared(context, true)).toContain(
    "MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC",
  );
  expect(prepared(context, false)).not.toContain("RDONLY");
  expect(prepared(context, false)).toContain("MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC");
});
