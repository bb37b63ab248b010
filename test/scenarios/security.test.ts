/**
 * Scenarios 6, 7, 9, 10, 11: users, root that is nobody on the host, privileges, capabilities, a profile of one's own.
 * @module
 */
import { expect } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pidOf } from "../support/containers.ts";
import { busyboxArchive } from "../support/image.ts";
import { scenario, scenarioEngine, type Client } from "./client.ts";

const engine = scenarioEngine();

/** A mask of capabilities of the first process. */
function mask(client: Client, which: string, ...flags: readonly string[]): string {
  const status = client.must("run", "--rm", ...flags, "busybox", "cat", "/proc/self/status");
  return new RegExp(`^${which}:\\t(.*)$`, "m").exec(status)?.[1] ?? "";
}

scenario(6, "users by number, by name, with groups, of the image, unknown ones", engine, async (client) => {
  const run = (...args: readonly string[]): string => client.must("container", "run", "--rm", ...args);
  expect(run("-u", "500", "busybox", "id")).toBe("uid=500 gid=0(root) groups=0(root)");
  expect(run("-u", "nobody:nogroup", "busybox", "id")).toBe(
    "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)",
  );
  expect(run("-u", "500:600", "--group-add", "700", "busybox", "id")).toBe("uid=500 gid=600 groups=600,700");
  const unknown = client.run("run", "--rm", "-u", "somebody", "busybox", "id");
  expect(unknown.code).toBe(125);
  expect(unknown.stderr).toContain("unable to find user somebody: no matching entries in passwd file");
  const query = "fromSrc=-&repo=users&tag=latest&changes=USER%20nobody&changes=ENV%20PATH=/bin";
  await client.engine.request("POST", `/images/create?${query}`, busyboxArchive());
  expect(run("users", "whoami")).toBe("nobody");
});

scenario(
  7,
  "root in the container is nobody on the host, and binds keep their owners",
  engine,
  async (client) => {
    const id = client.must("run", "-d", "-v", `${client.engine.directory}:/host`, "busybox", "sleep", "1000");
    const status = readFileSync(`/proc/${await pidOf(client.engine, id)}/status`, "utf8");
    expect(Number(/^Uid:\t(\d+)/m.exec(status)?.[1])).toBeGreaterThan(65535);
    expect(client.must("exec", id, "id", "-u")).toBe("0");
    expect(client.must("inspect", "--format", "{{.UserNamespace.Mode}}", id)).toBe("private");
    client.must("exec", id, "touch", "/host/made");
    expect(statSync(join(client.engine.directory, "made")).uid).toBe(0);
    expect(client.must("exec", id, "stat", "-c", "%u", "/host/made")).toBe("0");
    client.must("rm", "-f", id);
  },
);

scenario(
  9,
  "privileged at a terminal: every capability, devices, no masks; and only then",
  engine,
  async (client) => {
    const session = client.terminal(..."container run -it --rm --privileged=true busybox sh".split(" "));
    await using _ = session;
    session.type(
      "grep CapEff /proc/self/status; ls /dev/kmsg; cat /proc/timer_list | head -1 | wc -l; exit\n",
    );
    const all = /^CapBnd:\t(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    await session.expect(new RegExp(`CapEff:\\t${all}`));
    await session.expect(/\/dev\/kmsg\r\n/);
    await session.expect(/1\r\n/);
    expect(await session.ended()).toBe(0);
    expect(mask(client, "CapEff")).toBe("00000000a80425fb");
    expect(client.run("run", "--rm", "busybox", "ls", "/dev/kmsg").code).not.toBe(0);
  },
);

scenario(10, "capabilities added and dropped, seen in status and in what works", engine, (client) => {
  const bit = (n: number): bigint => 1n << BigInt(n);
  const usual = 0xa80425fbn;
  const hex = (value: bigint): string => value.toString(16).padStart(16, "0");
  const netAdmin = bit(12);
  const netRaw = bit(13);
  expect(mask(client, "CapEff", "--cap-add=NET_ADMIN")).toBe(hex(usual | netAdmin));
  expect(mask(client, "CapEff", "--cap-drop=NET_RAW")).toBe(hex(usual & ~netRaw));
  expect(mask(client, "CapEff", "--cap-drop=ALL", "--cap-add=CHOWN")).toBe(hex(bit(0)));
  const link = ["busybox", "ip", "addr", "add", "10.1.1.1/24", "dev", "lo"];
  expect(client.run("run", "--rm", ...link).code).not.toBe(0);
  client.must("run", "--rm", "--cap-add=NET_ADMIN", ...link);
  const ping = ["busybox", "ping", "-c", "1", "-W", "2", "127.0.0.1"];
  client.must("run", "--rm", "--net=none", ...ping);
  const lists = ["run", "--rm", "--net=none", "--cap-drop=NET_RAW", "--sysctl=net.ipv4.ping_group_range=1 0"];
  expect(client.run(...lists, ...ping).code).not.toBe(0);
});

scenario(11, "a seccomp profile without one call, and one with an added one", engine, (client) => {
  const file = join(client.engine.directory, "custom.json");
  const profile = (names: readonly string[], errno: number): string =>
    JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names, action: "SCMP_ACT_ERRNO", errnoRet: errno }],
    });
  writeFileSync(file, profile(["mkdir", "mkdirat"], 28));
  const removed = client.run(
    ...`run --rm --security-opt seccomp=${file} --cap-add=SYS_ADMIN busybox mkdir /x`.split(" "),
  );
  expect(removed.code).toBe(1);
  expect(removed.stderr).toContain("No space left on device");
  // By default a container may not make namespaces; with a profile that allows it, and the capability, it may.
  expect(client.run("run", "--rm", "busybox", "unshare", "-u", "true").code).not.toBe(0);
  client.must(
    ...`run --rm --security-opt seccomp=${file} --cap-add=SYS_ADMIN busybox unshare -u true`.split(" "),
  );
});
