/**
 * Sockets with policies: what may be asked there, as tables of requests.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker, dockerPath, noDocker } from "../support/docker.ts";
import { ask, TestEngine, type Answer } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

const folder = mkdtempSync(join(tmpdir(), "caisson-policies."));
const sockets = {
  readOnly: { "read-only": true },
  plain: { "no-privileged": true, "no-host-mounts": true },
  unprivileged: { "no-privileged": true },
  unmounted: { "no-host-mounts": true },
  team: { label: "team=a" },
};
type Socket = keyof typeof sockets;
const pathOf = (socket: Socket): string => join(folder, socket);

let engine: TestEngine;
beforeAll(async () => {
  const config = join(folder, "daemon.json");
  const list = Object.entries(sockets).map(([name, policy]) => ({
    host: `unix://${pathOf(name as Socket)}`,
    policy,
  }));
  writeFileSync(config, JSON.stringify({ sockets: list }));
  engine = await TestEngine.start(`--config-file=${config}`);
  await importBusybox(engine);
  const make = (words: readonly string[]): void =>
    expect(engine.caisson(words)).toMatchObject({ code: 0, stderr: "" });
  make(["run", "-d", "--name", "other", "busybox", "sleep", "1000"]);
  make(["run", "-d", "--name", "mine", "--label", "team=a", "busybox", "sleep", "1000"]);
  make(["create", "--name", "strong", "--privileged", "busybox", "sleep", "1000"]);
  make(["create", "--name", "bound", "-v", "/etc:/host", "busybox", "true"]);
  make(["create", "--name", "hosted", "--network", "host", "busybox", "true"]);
  make(["volume", "create", "theirs"]);
  make(["volume", "create", "--label", "team=a", "ours"]);
  make(["network", "create", "their-net"]);
  make(["network", "create", "--label", "team=a", "our-net"]);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const send = (socket: Socket, method: string, path: string, body?: object): Promise<Answer> =>
  ask(pathOf(socket), method, path, body);

const create = (host: object, more: object = {}): object => ({
  Image: "busybox",
  Cmd: ["true"],
  HostConfig: host,
  ...more,
});

type Row = readonly [status: number, method: string, path: string, body?: object];

async function check(socket: Socket, rows: readonly Row[]): Promise<void> {
  for (const [status, method, path, body] of rows) {
    const answer = await send(socket, method, path, body);
    const said = answer.body.toString("utf8");
    expect([method, path, JSON.stringify(body), answer.status, said].join(" ")).toStartWith(
      [method, path, JSON.stringify(body), status].join(" "),
    );
    if (status === 403) expect(said).toContain("the policy of this socket (");
  }
}

test("read-only: nothing is changed", async () => {
  await check("readOnly", [
    [200, "GET", "/_ping"],
    [200, "GET", "/version"],
    [200, "GET", "/info"],
    [200, "GET", "/containers/json?all=1"],
    [200, "GET", "/containers/other/json"],
    [200, "GET", "/containers/other/logs?stdout=1"],
    [200, "GET", "/containers/other/top"],
    [200, "GET", "/images/json"],
    [200, "GET", "/images/busybox/json"],
    [200, "GET", "/volumes"],
    [200, "GET", "/networks"],
    [200, "GET", "/events?until=1"],
    [403, "POST", "/containers/create", create({})],
    [403, "POST", "/containers/other/stop"],
    [403, "POST", "/containers/other/kill"],
    [403, "POST", "/containers/other/attach?stream=1&stdin=1"],
    [403, "POST", "/containers/other/exec", { Cmd: ["true"] }],
    [403, "POST", "/containers/other/rename?name=x"],
    [403, "DELETE", "/containers/other"],
    [403, "POST", "/containers/prune"],
    [200, "GET", "/containers/other/changes"],
    [403, "GET", "/containers/other/archive?path=/etc"],
    [403, "PUT", "/containers/other/archive?path=/etc", {}],
    [403, "GET", "/containers/other/export"],
    [403, "POST", "/commit?container=other&repo=x"],
    [403, "POST", "/containers/other/update", { Memory: 1 << 26 }],
    [403, "POST", "/images/create?fromImage=x&tag=y"],
    [403, "DELETE", "/images/busybox"],
    [403, "POST", "/images/busybox/tag?repo=x"],
    [403, "POST", "/images/load", {}],
    [403, "POST", "/volumes/create", {}],
    [403, "DELETE", "/volumes/theirs"],
    [403, "POST", "/networks/create", { Name: "x" }],
    [403, "POST", "/networks/their-net/connect", { Container: "other" }],
    [403, "DELETE", "/networks/their-net"],
  ]);
});

describe("no-privileged and no-host-mounts", () => {
  const privileges: readonly (readonly [string, object])[] = [
    ["--privileged", { Privileged: true }],
    ["--cap-add SYS_ADMIN", { CapAdd: ["SYS_ADMIN"] }],
    ["--cap-add all", { CapAdd: ["all"] }],
    [
      "--device",
      { Devices: [{ PathOnHost: "/dev/sda", PathInContainer: "/dev/sda", CgroupPermissions: "rwm" }] },
    ],
    ["--device-cgroup-rule", { DeviceCgroupRules: ["b 8:0 rwm"] }],
    ["--gpus", { DeviceRequests: [{ Count: -1 }] }],
    ["--security-opt seccomp", { SecurityOpt: ["seccomp=unconfined"] }],
    ["--security-opt systempaths=unconfined", { MaskedPaths: [] }],
    ["--network=host", { NetworkMode: "host" }],
    ["--pid=host", { PidMode: "host" }],
    ["--ipc=host", { IpcMode: "host" }],
    ["--uts=host", { UTSMode: "host" }],
    ["--userns=host", { UsernsMode: "host" }],
    ["--cgroupns=host", { CgroupnsMode: "host" }],
    ["--cgroup-parent", { CgroupParent: "/x" }],
    ["--oom-score-adj below 0", { OomScoreAdj: -1 }],
    ["--oom-kill-disable", { OomKillDisable: true }],
    ["--runtime x", { Runtime: "x" }],
    ["this of the container hosted, which has --network=host", { NetworkMode: "container:hosted" }],
    ["this of the container strong, which has --privileged", { PidMode: "container:strong" }],
  ];
  const mounts: readonly (readonly [string, object])[] = [
    ["a bind of /", { Binds: ["/:/host"] }],
    ["a bind of /var/run/docker.sock", { Binds: ["/var/run/docker.sock:/s"] }],
    ["a bind of ../x", { Binds: ["../x:/host"] }],
    ["a mount of type bind of /etc", { Mounts: [{ Type: "bind", Source: "/etc", Target: "/host" }] }],
    [
      "a volume of something on the host",
      {
        Mounts: [
          {
            Type: "volume",
            Source: "new",
            Target: "/v",
            VolumeOptions: { DriverConfig: { Options: { type: "none", o: "bind", device: "/" } } },
          },
        ],
      },
    ],
    ["this of the container bound, which has a bind of /etc", { VolumesFrom: ["bound"] }],
  ];

  test("each is refused by the policy that is about it, and by no other", async () => {
    for (const [what, host] of privileges) {
      const refused = await send("unprivileged", "POST", "/containers/create", create(host));
      expect([what, refused.status, refused.json<{ message: string }>().message]).toEqual([
        what,
        403,
        expect.stringContaining(`the policy of this socket (no-privileged) does not allow ${what}`),
      ]);
      expect([what, (await send("plain", "POST", "/containers/create", create(host))).status]).toEqual([
        what,
        403,
      ]);
      const other = await send("unmounted", "POST", "/containers/create", create(host));
      expect([what, other.status === 403]).toEqual([what, false]);
    }
    for (const [what, host] of mounts) {
      const refused = await send("unmounted", "POST", "/containers/create", create(host));
      expect([what, refused.status, refused.json<{ message: string }>().message]).toEqual([
        what,
        403,
        expect.stringContaining(`the policy of this socket (no-host-mounts) does not allow ${what}`),
      ]);
      expect([what, (await send("plain", "POST", "/containers/create", create(host))).status]).toEqual([
        what,
        403,
      ]);
      const other = await send("unprivileged", "POST", "/containers/create", create(host));
      expect([what, other.status === 403]).toEqual([what, false]);
    }
    // What the other policies let through.
    for (const { Id } of (
      await engine.request("GET", '/containers/json?all=1&filters={"status":["created"]}')
    )
      .json<{ readonly Id: string; readonly Names: readonly string[] }[]>()
      .filter(({ Names }) => !["/strong", "/bound", "/hosted"].includes(Names[0] ?? "")))
      await engine.request("DELETE", `/containers/${Id}`);
  });

  test("whatever case a client's fields have, they are read as what they are", async () => {
    const body = { image: "busybox", hostconfig: { privileged: true } };
    expect((await send("plain", "POST", "/containers/create", body)).status).toBe(403);
    const bind = { image: "busybox", hostConfig: { BINDS: ["/:/host"] } };
    expect((await send("plain", "POST", "/containers/create", bind)).status).toBe(403);
  });

  test("nobody gets into what has more already", async () => {
    await engine.request("POST", "/containers/strong/start");
    await check("plain", [
      [403, "POST", "/containers/strong/exec", { Cmd: ["true"] }],
      [403, "POST", "/containers/strong/attach?stream=1&stdin=1"],
      [403, "GET", "/containers/bound/archive?path=/host/passwd"],
      [403, "PUT", "/containers/strong/archive?path=/", {}],
      [200, "GET", "/containers/other/archive?path=/etc/passwd"],
      [403, "POST", "/containers/other/exec", { Cmd: ["true"], Privileged: true }],
      [201, "POST", "/containers/other/exec", { Cmd: ["true"] }],
      [403, "POST", "/volumes/create", { DriverOpts: { type: "none", o: "bind", device: "/" } }],
      [403, "POST", "/networks/create", { Name: "mv", Driver: "macvlan" }],
      [403, "POST", "/networks/create", { Name: "b", Options: { "com.docker.network.bridge.name": "eth0" } }],
      [201, "POST", "/networks/create", { Name: "fine" }],
      [204, "DELETE", "/networks/fine"],
    ]);
    // An exec that somebody else has prepared there.
    const { Id } = (await engine.request("POST", "/containers/strong/exec", { Cmd: ["true"] })).json<{
      Id: string;
    }>();
    await check("plain", [[403, "POST", `/exec/${Id}/start`, { Detach: true }]]);
  });

  test("a plain container is what it always was", async () => {
    const host = {
      CapAdd: ["NET_RAW"],
      SecurityOpt: ["no-new-privileges"],
      Binds: ["data:/data"],
      Memory: 64 << 20,
    };
    await check("plain", [
      [201, "POST", "/containers/create?name=fine", create(host)],
      [204, "POST", "/containers/fine/start"],
      [200, "POST", "/containers/fine/wait"],
      [204, "DELETE", "/containers/fine?v=1"],
      [204, "DELETE", "/volumes/data"],
    ]);
  });

  test("updates give no privileges, and no healthcheck gets into what has more", async () => {
    const Healthcheck = { Test: ["CMD", "true"] };
    await check("plain", [
      [200, "POST", "/containers/other/update", { CpuShares: 500 }],
      [403, "POST", "/containers/other/update", { CgroupParent: "/x" }],
      [403, "POST", "/containers/other/update", { OomKillDisable: true }],
      [403, "POST", "/containers/other/update", { CpuRealtimeRuntime: 5 }],
      [200, "POST", "/containers/strong/update", { CpuShares: 500 }],
      [403, "POST", "/containers/strong/update", { Healthcheck }],
      [403, "POST", "/containers/bound/update", { Healthcheck }],
    ]);
    await check("readOnly", [[403, "POST", "/containers/other/update", { CpuShares: 500 }]]);
  });
});

describe("label", () => {
  const names = async (path: string): Promise<string[]> => {
    const list = (await send("team", "GET", path)).json<{ Names?: string[]; Name?: string }[]>();
    return list.map(({ Names, Name }) => Names?.[0] ?? Name ?? "").toSorted();
  };

  test("others are not there", async () => {
    expect(await names("/containers/json?all=1")).toEqual(["/mine"]);
    expect(await names("/networks")).toEqual(["our-net"]);
    const { Volumes } = (await send("team", "GET", "/volumes")).json<{ Volumes: { Name: string }[] }>();
    expect(Volumes.map(({ Name }) => Name)).toEqual(["ours"]);
    await check("team", [
      [200, "GET", "/containers/mine/json"],
      [404, "GET", "/containers/other/json"],
      [404, "GET", "/containers/other/logs?stdout=1"],
      [404, "GET", "/containers/other/top"],
      [404, "POST", "/containers/other/stop"],
      [404, "POST", "/containers/other/kill"],
      [404, "POST", "/containers/other/wait"],
      [404, "POST", "/containers/other/attach?stream=1"],
      [404, "POST", "/containers/other/exec", { Cmd: ["true"] }],
      [404, "POST", "/containers/other/rename?name=x"],
      [404, "GET", "/containers/other/archive?path=/etc/passwd"],
      [404, "PUT", "/containers/other/archive?path=/", {}],
      [404, "GET", "/containers/other/export"],
      [404, "GET", "/containers/other/changes"],
      [404, "GET", "/containers/other/stats?stream=0"],
      [404, "POST", "/containers/other/update", { Memory: 1 << 26 }],
      [404, "POST", "/commit?container=other&repo=x"],
      // A name that others use is not theirs to give.
      [403, "POST", "/commit?container=mine&repo=busybox&tag=latest"],
      [201, "POST", "/commit?container=mine&repo=our-image"],
      [201, "POST", "/images/our-image/tag?repo=our-other"],
      [403, "POST", "/images/our-image/tag?repo=busybox&tag=latest"],
      [403, "POST", "/images/our-image/tag?repo=busybox"],
      [200, "DELETE", "/images/our-other"],
      [200, "DELETE", "/images/our-image"],
      [404, "DELETE", "/containers/other?force=1"],
      [404, "GET", "/volumes/theirs"],
      [404, "DELETE", "/volumes/theirs"],
      [403, "DELETE", "/volumes/theirs?force=1"],
      [403, "POST", "/volumes/create", { Name: "theirs" }],
      [404, "GET", "/networks/their-net"],
      [404, "DELETE", "/networks/their-net"],
      [404, "POST", "/networks/their-net/connect", { Container: "mine" }],
      [404, "POST", "/networks/our-net/connect", { Container: "other" }],
      [404, "DELETE", "/networks/bridge"],
      [200, "GET", "/images/json"],
      [403, "DELETE", "/images/busybox"],
      [403, "POST", "/images/busybox/tag?repo=x"],
      [403, "POST", "/images/load", {}],
      [403, "GET", "/system/df"],
    ]);
    const { Containers } = (await send("team", "GET", "/networks/bridge")).json<{ Containers: object }>();
    expect(Containers).toEqual({});
    const { Id } = (await engine.request("POST", "/containers/other/exec", { Cmd: ["true"] })).json<{
      Id: string;
    }>();
    await check("team", [
      [404, "GET", `/exec/${Id}/json`],
      [404, "POST", `/exec/${Id}/start`, { Detach: true }],
    ]);
    expect((await engine.request("GET", "/containers/other/json")).status).toBe(200);
  });

  test("what is made is theirs, and uses only what is theirs", async () => {
    await check("team", [
      [403, "POST", "/containers/create", create({}, { Labels: { team: "b" } })],
      [404, "POST", "/containers/create", create({ NetworkMode: "container:other" })],
      [404, "POST", "/containers/create", create({ PidMode: "container:other" })],
      [404, "POST", "/containers/create", create({ VolumesFrom: ["other"] })],
      [404, "POST", "/containers/create", create({ NetworkMode: "their-net" })],
      [403, "POST", "/containers/create", create({ Binds: ["theirs:/v"] })],
      // A scope that could be left so would be none.
      [403, "POST", "/containers/create", create({ Privileged: true })],
      [403, "POST", "/containers/create", create({ Binds: ["/:/host"] })],
      [201, "POST", "/containers/create?name=new", create({ Binds: ["fresh:/v"], NetworkMode: "our-net" })],
      [201, "POST", "/volumes/create", { Name: "another" }],
      [201, "POST", "/networks/create", { Name: "another-net" }],
    ]);
    const label = async (path: string, find: (found: Record<string, never>) => unknown): Promise<unknown> =>
      find((await engine.request("GET", path)).json());
    expect(
      await label("/containers/new/json", (c) => (c["Config"] as { Labels: object } | undefined)?.Labels),
    ).toEqual({
      team: "a",
    });
    for (const path of ["/volumes/fresh", "/volumes/another", "/networks/another-net"])
      expect(await label(path, (found) => found["Labels"])).toEqual({ team: "a" });
    await check("team", [
      [204, "DELETE", "/containers/new"],
      [204, "DELETE", "/volumes/fresh"],
      [204, "DELETE", "/volumes/another"],
      [204, "DELETE", "/networks/another-net"],
    ]);
  });

  test("an update can't take a container out of sight, nor touch others", async () => {
    await check("team", [
      [200, "POST", "/containers/mine/update", { Labels: { team: "a", more: "yes" } }],
      [403, "POST", "/containers/mine/update", { Labels: { team: "b" } }],
      [403, "POST", "/containers/mine/update", { Labels: { team: null } }],
      [404, "POST", "/containers/other/update", { Labels: { team: "a" } }],
    ]);
  });

  test("events of others are not heard, and pruning leaves what is theirs", async () => {
    const made = async (labels: object): Promise<string> =>
      (await engine.request("POST", "/containers/create", create({}, { Labels: labels }))).json<{
        Id: string;
      }>().Id;
    const since = Math.floor(Date.now() / 1000) - 1;
    const [own, foreign] = [await made({ team: "a" }), await made({ team: "b" })];
    const until = Math.floor(Date.now() / 1000) + 1;
    const heard = (await send("team", "GET", `/events?since=${since}&until=${until}`)).body.toString("utf8");
    expect([heard.includes(own), heard.includes(foreign)]).toEqual([true, false]);
    const pruned = (await send("team", "POST", "/containers/prune")).json<{ ContainersDeleted: string[] }>();
    expect(pruned.ContainersDeleted).toEqual([own]);
    expect((await engine.request("DELETE", `/containers/${foreign}`)).status).toBe(204);
  });

  testUnless(noDocker)("the docker CLI works there", () => {
    const there = (words: readonly string[]): ReturnType<typeof docker> =>
      docker(engine, ["-H", `unix://${pathOf("team")}`, ...words]);
    expect(dockerPath).toBeDefined();
    expect(there(["run", "--rm", "busybox", "echo", "hello"])).toMatchObject({ code: 0, stdout: "hello\n" });
    expect(there(["exec", "mine", "echo", "in"])).toMatchObject({ code: 0, stdout: "in\n" });
    expect(there(["exec", "other", "echo", "in"]).stderr).toContain("No such container: other");
    expect(there(["run", "--rm", "--privileged", "busybox", "true"]).stderr).toContain(
      "the policy of this socket (no-privileged) does not allow --privileged",
    );
    expect(there(["ps", "--format", "{{.Names}}"]).stdout).toBe("mine\n");
  });
});
