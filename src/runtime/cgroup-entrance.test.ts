import { expect, test } from "bun:test";
import { cgroupDriver, detectCgroups } from "../cgroup/mod.ts";
import { debian9, unified } from "../cgroup/fake-host.ts";
import { printProgram, ProgramBuilder } from "../kernel/mod.ts";
import { openEntrance } from "./cgroup-entrance.ts";

function printed(host: typeof unified): { readonly text: string; readonly born: boolean } {
  const driver = cgroupDriver("cgroupfs", detectCgroups(host));
  const b = new ProgramBuilder();
  const entrance = openEntrance(b, driver, driver.locate("/docker", "x"));
  entrance.enter(b);
  entrance.close(b);
  return { text: printProgram(b.build()), born: entrance.slot !== undefined };
}

test("version 2: born in the open directory, which both sides close", () => {
  const { text, born } = printed(unified);
  expect(born).toBe(true);
  expect(text).toContain(
    'openat(AT_FDCWD, "/sys/fs/cgroup/docker/x", O_RDONLY|O_DIRECTORY|O_CLOEXEC) = <cgroup>',
  );
  expect(text.match(/close\(<cgroup>\)/g)).toHaveLength(2);
  expect(text).not.toContain("cgroup.procs");
});

test("version 1: the child itself enters each hierarchy by `tasks`", () => {
  const { text, born } = printed(debian9);
  expect(born).toBe(false);
  expect(text).toContain('write(AT_FDCWD, "/sys/fs/cgroup/memory/docker/x/tasks", "0"');
  expect(text.match(/\/tasks"/g)).toHaveLength(detectCgroups(debian9).hierarchies.length);
});
