/**
 * Scenarios 1 to 3: limits are files of the container's cgroup, set at the start, changed live, below another parent.
 * @module
 */
import { expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { scenario, scenarioEngine } from "./client.ts";

const v1 = existsSync("/sys/fs/cgroup/memory/memory.limit_in_bytes");
const notHere = v1 ? undefined : "files of cgroup version 1; version 2 is tested in a virtual machine";
const engine = scenarioEngine();

const file = (controller: string, id: string, name: string, parent = "docker"): string =>
  `/sys/fs/cgroup/${controller}/${parent}/${id}/${name}`;
const read = (path: string): string => readFileSync(path, "utf8").trim();

scenario(
  1,
  "limits are in the cgroup's files, and a write into one acts at once",
  engine,
  (client) => {
    const id = client.must(
      ..."container run -d --memory 64m --cpus 0.5 --pids-limit 50 busybox sleep 1000".split(" "),
    );
    expect(read(file("memory", id, "memory.limit_in_bytes"))).toBe(String(64 << 20));
    expect(read(file("cpu", id, "cpu.cfs_quota_us"))).toBe("50000");
    expect(read(file("pids", id, "pids.max"))).toBe("50");
    writeFileSync(file("pids", id, "pids.max"), "1");
    const more = client.run("exec", id, "sh", "-c", "true & true & wait");
    expect(more.code).not.toBe(0);
    writeFileSync(file("memory", id, "memory.limit_in_bytes"), String(48 << 20));
    writeFileSync(file("pids", id, "pids.max"), "50");
    const stats = client.must("stats", "--no-stream", "--format", "{{.MemUsage}}", id);
    expect(stats).toContain("/ 48MiB");
    client.must("rm", "-f", id);
  },
  notHere,
);

scenario(
  2,
  "update changes limits of a running container, or leaves them",
  engine,
  async (client) => {
    const id = client.must("run", "-d", "--memory", "64m", "busybox", "sleep", "1000");
    client.must(
      ..."container update --memory 128m --memory-swap 256m --cpus 1 --pids-limit 100".split(" "),
      id,
    );
    expect(read(file("memory", id, "memory.limit_in_bytes"))).toBe(String(128 << 20));
    expect(read(file("cpu", id, "cpu.cfs_quota_us"))).toBe("100000");
    expect(read(file("pids", id, "pids.max"))).toBe("100");
    const format = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}";
    expect(client.must("inspect", "--format", format, id)).toBe(`${128 << 20} 1000000000 100`);

    // More in use than the new limit allows, and none of it can be swapped or dropped.
    client.must("exec", id, "sh", "-c", "mkdir /dev/shm/x; head -c 40000000 /dev/zero >/dev/shm/x/y");
    const refused = client.run("update", "--memory", "8m", "--memory-swap", "8m", id);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("memory");
    expect(read(file("memory", id, "memory.limit_in_bytes"))).toBe(String(128 << 20));
    expect(client.must("inspect", "--format", "{{.HostConfig.Memory}}", id)).toBe(String(128 << 20));
    client.must("rm", "-f", id);
  },
  notHere,
);

scenario(
  3,
  "a parent's limits bind what lies below it",
  engine,
  (client) => {
    const parent = `caisson-test-${process.pid}`;
    const controllers = ["memory", "pids"];
    for (const controller of controllers) mkdirSync(`/sys/fs/cgroup/${controller}/${parent}`);
    writeFileSync(`/sys/fs/cgroup/pids/${parent}/pids.max`, "3");
    try {
      const id = client.must("run", "-d", `--cgroup-parent=/${parent}`, "busybox", "sleep", "1000");
      expect(existsSync(file("memory", id, "memory.limit_in_bytes", parent))).toBe(true);
      const more = client.run("exec", id, "sh", "-c", "sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait");
      expect(more.code).not.toBe(0);
      client.must("rm", "-f", id);
    } finally {
      rmdirSync(`/sys/fs/cgroup/pids/${parent}`);
      rmdirSync(`/sys/fs/cgroup/memory/${parent}`);
    }
  },
  notHere,
);
