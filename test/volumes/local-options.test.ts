/**
 * Volumes of the local driver with options: what they are mounted from, who shares them, what the host sees of it.
 * @module
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, execute, must, removeAll, run, shell, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(async () => {
  await removeAll(engine);
  const all = must(engine, ["volume", "ls", "-q"]);
  if (all !== "") must(engine, ["volume", "rm", ...all.split("\n")]);
});

const create = (name: string, ...options: readonly string[]): string =>
  must(engine, ["volume", "create", ...options.flatMap((option) => ["-o", option]), name]);
const folder = (): string => mkdtempSync(join(engine.directory, "options."));

test("a tmpfs is one for all who have it at the same time, and gone with the last", () => {
  create("ram", "type=tmpfs", "device=tmpfs", "o=size=2m,uid=7,mode=0750,noexec");
  const first = start(engine, ["-v", "ram:/a"]);
  execute(engine, first, "echo shared >/a/f");
  const second = start(engine, ["-v", "ram:/b:ro"]);
  expect(execute(engine, second, "cat /b/f; stat -c '%u %a' /b; grep ' /b ' /proc/mounts")).toMatch(
    /^shared\n7 750\ntmpfs \/b tmpfs ro,.*noexec.*size=2048k/,
  );
  expect(command(engine, ["exec", second, "touch", "/b/x"]).stderr).toContain("Read-only file system");
  expect(shell(engine, ["-v", "ram:/c", "--userns=host"], "echo more >/c/g; cat /c/f")).toBe("shared");
  must(engine, ["rm", "-f", first]);
  expect(execute(engine, second, "cat /b/f /b/g")).toBe("shared\nmore");
  must(engine, ["rm", "-f", second]);
  expect(shell(engine, ["-v", "ram:/d"], "ls -A /d | wc -l")).toBe("0");
});

test("the next engine finds it again", async () => {
  create("ram", "type=tmpfs", "device=tmpfs");
  const first = start(engine, ["-v", "ram:/a"]);
  execute(engine, first, "echo kept >/a/f");
  await engine.kill();
  await engine.resume();
  expect(shell(engine, ["-v", "ram:/b"], "cat /b/f")).toBe("kept");
});

test("containers that start at the same time have the same one", async () => {
  create("ram", "type=tmpfs", "device=tmpfs");
  const ids = ["1", "2", "3", "4"].map((n) =>
    must(engine, [
      "create",
      "--net=none",
      "-v",
      "ram:/v",
      "busybox",
      "sh",
      "-c",
      `touch /v/${n}; sleep 1000`,
    ]),
  );
  await Promise.all(ids.map((id) => engine.request("POST", `/containers/${id}/start`)));
  for (const id of ids) {
    while (execute(engine, id, "ls /v | wc -l") !== "4") await new Promise((wake) => setTimeout(wake, 50));
  }
});

test("a bind stands for the folder of the host, with what the image has, and its own options", () => {
  const source = folder();
  create("bound", "type=none", `device=${source}`, "o=bind");
  expect(shell(engine, ["-v", "bound:/etc"], "ls /etc/group")).toBe("/etc/group");
  expect(readFileSync(join(source, "group"), "utf8")).toContain("nogroup");
  expect(existsSync(join(engine.dataRoot, "volumes/bound/_data/group"))).toBe(false);
  create("bound-ro", "type=none", `device=${source}`, "o=bind,ro");
  expect(run(engine, ["-v", "bound-ro:/v"], ["touch", "/v/x"]).stderr).toContain("Read-only file system");
  mkdirSync(join(source, "sub"));
  writeFileSync(join(source, "sub/f"), "part");
  const part = ["--mount", "type=volume,src=bound,dst=/p,volume-subpath=sub"];
  expect(shell(engine, part, "cat /p/f")).toBe("part");
});

test("what isn't there is told when it is needed", () => {
  create("missing", "type=none", "device=/nowhere/at/all", "o=bind");
  const { code, stderr } = command(engine, ["create", "-v", "missing:/v", "busybox"]);
  expect(code).toBe(1);
  expect(stderr).toContain("failed to mount local volume: mount /nowhere/at/all:");
  expect(must(engine, ["ps", "-aq"])).toBe("");
  create("strange", "type=nosuchfs", "device=x");
  const started = run(engine, ["-v", "strange:/v"], ["true"]);
  expect(started.stderr).toContain("failed to mount local volume");
});

test("removing a volume leaves what stands behind it alone", () => {
  const source = folder();
  writeFileSync(join(source, "precious"), "");
  create("bound", "type=none", `device=${source}`, "o=bind");
  shell(engine, ["-v", "bound:/v"], "ls /v");
  must(engine, ["volume", "rm", "bound"]);
  expect(readdirSync(source)).toEqual(["precious"]);
});

const missing = ["losetup -f", "mkfs.ext4 -V"].find((line) => spawnSync("sh", ["-c", line]).status !== 0);
testUnless(missing && `${missing} fails here`)("a file system of a block device", () => {
  const image = join(folder(), "disk");
  spawnSync("truncate", ["-s", "16m", image]);
  expect(spawnSync("mkfs.ext4", ["-q", image]).status).toBe(0);
  const device = spawnSync("losetup", ["--show", "-f", image], { encoding: "utf8" }).stdout.trim();
  try {
    create("disk", "type=ext4", `device=${device}`, "o=noatime");
    const first = start(engine, ["-v", "disk:/a"]);
    execute(engine, first, "echo on disk >/a/f");
    // Two mounts of one file system.
    expect(shell(engine, ["-v", "disk:/b"], "cat /b/f; grep -c ' /b ext4 .*noatime' /proc/mounts")).toBe(
      "on disk\n1",
    );
    must(engine, ["rm", "-f", first]);
    expect(shell(engine, ["-v", "disk:/c"], "cat /c/f; stat -c %u /c/f")).toBe("on disk\n0");
  } finally {
    must(engine, ["volume", "prune", "-af"]);
    spawnSync("losetup", ["-d", device]);
  }
});

test("no mount of it is the host's", () => {
  create("ram", "type=tmpfs", "device=tmpfs");
  const before = readFileSync(`/proc/${engine.pid}/mountinfo`, "utf8");
  const id = start(engine, ["-v", "ram:/v"]);
  expect(readFileSync(`/proc/${engine.pid}/mountinfo`, "utf8")).toBe(before);
  must(engine, ["rm", "-f", id]);
});

test("prune and df leave out what isn't this host's space", () => {
  create("ram", "type=tmpfs", "device=tmpfs");
  create("plain");
  expect(must(engine, ["system", "df", "-v", "--format", "{{range .Volumes}}{{.Name}} {{end}}"])).toBe(
    "plain ",
  );
  must(engine, ["volume", "prune", "-af"]);
  expect(must(engine, ["volume", "ls", "-q"])).toBe("ram");
});

test("--ipc: shared memory with who shares it", () => {
  const donor = start(engine, ["--ipc=shareable", "--shm-size=3m"]);
  execute(engine, donor, "echo in memory >/dev/shm/f");
  expect(
    shell(
      engine,
      [`--ipc=container:${donor}`],
      "cat /dev/shm/f; grep -c ' /dev/shm tmpfs.*size=3072k' /proc/mounts",
    ),
  ).toBe("in memory\n1");
  const alone = start(engine, ["--ipc=private"]);
  const refused = run(engine, [`--ipc=container:${alone}`], ["true"]);
  expect(refused.stderr).toContain("non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
});

test("--pid, --uts, --cgroupns, --ipc: each mode acts", () => {
  const ns = (kind: string): string => `readlink /proc/self/ns/${kind}`;
  const host = (kind: string): string =>
    spawnSync("readlink", [`/proc/${engine.pid}/ns/${kind}`], { encoding: "utf8" }).stdout.trim();
  for (const [flag, kind] of [
    ["--pid", "pid"],
    ["--uts", "uts"],
    ["--ipc", "ipc"],
    ["--cgroupns", "cgroup"],
  ] as const) {
    expect(shell(engine, [`${flag}=host`], ns(kind))).toBe(host(kind));
  }
  expect(shell(engine, ["--cgroupns=private"], ns("cgroup"))).not.toBe(host("cgroup"));
  expect(shell(engine, [], ns("uts"))).not.toBe(host("uts"));
  const donor = start(engine, []);
  const joined = shell(
    engine,
    [`--pid=container:${donor}`],
    `${ns("pid")}; cat /proc/1/cmdline | tr '\\0' ' '`,
  );
  expect(joined).toBe(`${execute(engine, donor, ns("pid"))}\nsleep 1000`);
  expect(shell(engine, ["--ipc=none"], "test -e /dev/shm || echo none")).toBe("none");
});

test("groups, limits, sysctls and annotations", async () => {
  expect(shell(engine, ["--group-add=4711", "--group-add=nogroup"], "id -G")).toContain("4711 65534");
  expect(
    shell(engine, ["--ulimit", "nofile=100:200", "--ulimit", "core=0"], "ulimit -n; ulimit -Hn; ulimit -c"),
  ).toBe("100\n200\n0");
  const sysctls = ["--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=65000"];
  expect(shell(engine, sysctls, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax")).toBe(
    "1\n65000",
  );
  const id = start(engine, ["--annotation", "org.example.a=b"]);
  const spec = JSON.parse(readFileSync(join(engine.execRoot, "containers", id, "config.json"), "utf8")) as {
    readonly annotations: object;
  };
  expect(spec.annotations).toEqual({ "org.example.a": "b" });
});
