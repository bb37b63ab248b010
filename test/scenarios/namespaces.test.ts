/**
 * Scenarios 4, 5, 24 and 25: seeing a container's processes, joining namespaces, entering a container from another.
 * @module
 */
import { expect } from "bun:test";
import { readlinkSync } from "node:fs";
import { pidOf } from "../support/containers.ts";
import { scenario, scenarioEngine } from "./client.ts";

const engine = scenarioEngine();
const spaces = ["mnt", "net", "uts", "ipc", "pid", "user", "cgroup"] as const;

/** What `/proc/PID/ns` says of a process. */
function namespaces(pid: number | "self"): Readonly<Record<string, string>> {
  return Object.fromEntries(spaces.map((name) => [name, readlinkSync(`/proc/${pid}/ns/${name}`)]));
}

/** Names of the namespaces that are the same. */
function shared(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): readonly string[] {
  return spaces.filter((name) => a[name] === b[name]);
}

scenario(4, "top shows the processes with the host's pids", engine, async (client) => {
  const id = client.must("run", "-d", "busybox", "sleep", "1234");
  const [titles = "", process = ""] = client.must("container", "top", id).split("\n");
  expect(titles).toMatch(/^UID +PID +PPID +C +STIME +TTY +TIME +CMD/);
  expect(process.split(/ +/)[1]).toBe(String(await pidOf(client.engine, id)));
  expect(process).toMatch(/sleep 1234$/);
  const chosen = client.must("container", "top", id, "-o", "pid,comm").split("\n");
  expect(chosen[0]).toMatch(/^PID +COMMAND/);
  expect(chosen[1]).toMatch(/ sleep$/);
  client.must("rm", "-f", id);
});

scenario(5, "each namespace is the one that was named, and no other is shared", engine, async (client) => {
  const host = namespaces(client.engine.pid);
  const target = client.must("run", "-d", "--name=target", "--ipc=shareable", "busybox", "sleep", "1000");
  const other = namespaces(await pidOf(client.engine, target));
  // On version 1 of cgroups containers are in the host's cgroup namespace, as with Docker.
  const usual = shared(other, host);
  expect(usual.filter((name) => name !== "cgroup")).toEqual([]);

  const withHost: readonly (readonly [string, string])[] = [
    ["--pid=host", "pid"],
    ["--uts=host", "uts"],
    ["--net=host", "net"],
    ["--ipc=host", "ipc"],
    ["--userns=host", "user"],
    ["--cgroupns=host", "cgroup"],
  ];
  for (const [flag, space] of withHost) {
    const id = client.must("run", "-d", flag, "busybox", "sleep", "1000");
    const own = namespaces(await pidOf(client.engine, id));
    // Joining what is the host's needs the host's user namespace as well.
    const expected = new Set([...usual, space, "user"]);
    const seen = shared(own, host);
    expect(`${flag}: ${seen.includes(space)}`).toBe(`${flag}: true`);
    expect(seen.filter((name) => !expected.has(name))).toEqual([]);
    client.must("rm", "-f", id);
  }
  for (const space of ["pid", "net", "ipc"] as const) {
    const id = client.must("run", "-d", `--${space}=container:target`, "busybox", "sleep", "1000");
    const own = namespaces(await pidOf(client.engine, id));
    const expected = new Set([...usual, space, "user"]);
    expect(own[space]).toBe(other[space]);
    expect(shared(own, other).filter((name) => !expected.has(name))).toEqual([]);
    client.must("rm", "-f", id);
  }
  const isolated = client.must("run", "-d", "--cgroupns=private", "busybox", "sleep", "1000");
  expect(shared(namespaces(await pidOf(client.engine, isolated)), host)).toEqual([]);
  client.must("rm", "-f", isolated, target);
});

scenario(5, "ps shows the host's processes with --pid=host", engine, (client) => {
  const processes = client.must("run", "--rm", "--pid=host", "busybox", "ps", "-ef");
  expect(processes).toContain("caisson");
  expect(client.must("run", "--rm", "busybox", "ps", "-ef").split("\n")).toHaveLength(2);
});

scenario(24, "nsenter in a privileged container enters another one", engine, async (client) => {
  const id = client.must("run", "-d", "--hostname=inner", "busybox", "sleep", "1000");
  const pid = await pidOf(client.engine, id);
  const session = client.terminal(
    ..."container run --rm -it --privileged --pid=host busybox".split(" "),
    ...`nsenter --target ${pid} -m -u -i -n -p -U sh`.split(" "),
  );
  await using _ = session;
  session.type("hostname; echo pid $$\n");
  await session.expect(/\ninner\r\n/);
  session.type("exit\n");
  expect(await session.ended()).toBe(0);
  client.must("rm", "-f", id);
});

scenario(25, "a container beside one without a shell sees its processes and files", engine, (client) => {
  client.must("run", "-d", "--name=bare", "busybox", "sleep", "4321");
  client.must("exec", "bare", "sh", "-c", "echo secret >/root/file");
  const beside = [
    "run",
    "--rm",
    "--pid=container:bare",
    "--net=container:bare",
    "--cap-add=sys_ptrace",
    "--cap-add=sys_admin",
    "busybox",
  ];
  expect(client.must(...beside, "ps", "-ef")).toContain("sleep 4321");
  expect(client.must(...beside, "cat", "/proc/1/root/root/file")).toBe("secret");
  const address = client.must(
    "inspect",
    "--format",
    "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
    "bare",
  );
  expect(client.must(...beside, "ip", "addr", "show", "eth0")).toContain(address);
  client.must("rm", "-f", "bare");
});
