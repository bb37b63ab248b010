/**
 * What separates a container from the host and from others: namespaces, ids, capabilities, paths, limits.
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  command,
  eventually,
  execute,
  inspect,
  must,
  pidOf,
  removeAll,
  run,
  shell,
  start,
} from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { noVersion1 } from "../support/host-kernel.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());
afterEach(() => removeAll(engine));

const spaces = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
type Spaces = Record<string, string>;

/** The namespaces of a process of the host. */
const spacesOf = (pid: number | "self"): Spaces =>
  Object.fromEntries(spaces.map((space) => [space, readlinkSync(`/proc/${pid}/ns/${space}`)]));

/** Namespaces that `one` and `other` share. */
const shared = (one: Spaces, other: Spaces): string[] =>
  spaces.filter((space) => one[space] === other[space]);

/** The engine's: the host's but for the network. */
const host = (): Spaces => spacesOf(engine.pid);

describe("namespaces", () => {
  const sharedWithHost = async (...flags: string[]): Promise<string[]> =>
    shared(spacesOf(await pidOf(engine, start(engine, flags))), host());

  test("are all the container's own by default", async () => {
    const privateCgroup = existsSync("/sys/fs/cgroup/cgroup.controllers");
    expect(await sharedWithHost()).toEqual(privateCgroup ? [] : ["cgroup"]);
    expect(await sharedWithHost("--cgroupns=private")).toEqual([]);
  });

  test.each([
    ["--pid=host", "pid"],
    ["--net=host", "net"],
    ["--ipc=host", "ipc"],
    ["--uts=host", "uts"],
    ["--userns=host", "user"],
    ["--cgroupns=host", "cgroup"],
  ])("%s shares that one", async (flag, space) => {
    const cgroups = flag.startsWith("--cgroupns") ? [] : ["--cgroupns=private"];
    const common = await sharedWithHost(flag, ...cgroups);
    // A user namespace of its own owns nothing of the host's, so that it would have no rights in what is shared.
    const withUser = ["pid", "net", "ipc", "uts"].includes(space) ? [space, "user"] : [space];
    expect(common).toEqual(withUser.toSorted());
  });

  test.each([
    ["pid", "pid"],
    ["net", "net"],
    ["ipc", "ipc"],
  ])("--%s=container: joins that one of another container", async (flag, space) => {
    const target = start(engine, ["--name=target", "--ipc=shareable"]);
    const joined = start(engine, [`--${flag}=container:target`, "--cgroupns=private"]);
    const common = shared(spacesOf(await pidOf(engine, joined)), spacesOf(await pidOf(engine, target)));
    expect(common).toEqual([space, "user"].toSorted());
  });

  test("--oom-score-adj holds for a container that joins another's namespace", () => {
    start(engine, ["--name=target"]);
    const flags = ["--net=container:target", "--oom-score-adj=300"];
    expect(shell(engine, flags, "cat /proc/self/oom_score_adj")).toBe("300");
  });

  test("joining what does not run, or is not shared, is refused", () => {
    const absent = run(engine, ["--net=container:nosuch"], ["true"]);
    expect(absent.code).toBe(125);
    expect(absent.stderr).toContain("No such container: nosuch");
    must(engine, ["create", "--net=none", "--name=stopped", "busybox"]);
    const stopped = run(engine, ["--net=container:stopped"], ["true"]);
    expect(stopped.code).toBe(125);
    expect(stopped.stderr).toMatch(/cannot join .*of a non running container/);
  });

  test("the container sees its own processes, with the host's pid namespace all", () => {
    expect(shell(engine, [], "ls -d /proc/[0-9]* | head -n 1; echo $$")).toBe("/proc/1\n1");
    const all = Number(shell(engine, ["--pid=host"], "ls -d /proc/[0-9]* | wc -l"));
    expect(all).toBeGreaterThan(5);
  });

  test("only lo without a network; the engine's interfaces with the host's", () => {
    expect(shell(engine, [], "ls /sys/class/net; cat /sys/class/net/lo/operstate")).toStartWith("lo");
    expect(shell(engine, [], "ping -c 1 -w 1 127.0.0.1 >/dev/null && echo answers")).toBe("answers");
  });
});

describe("users", () => {
  const id = (...flags: string[]): string => run(engine, flags, ["id"]).stdout;

  test.each([
    [[], "uid=0(root) gid=0(root) groups=0(root)\n"],
    [["-u", "500"], "uid=500 gid=0(root) groups=0(root)\n"],
    [["-u", "500:nogroup"], "uid=500 gid=65534(nogroup) groups=65534(nogroup)\n"],
    [["-u", "nobody"], "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n"],
    [["-u", "nobody:7"], "uid=65534(nobody) gid=7 groups=7\n"],
    [["-u", "1000:"], "uid=1000 gid=0(root) groups=0(root)\n"],
    [["-u", ":0"], "uid=0(root) gid=0(root) groups=0(root)\n"],
    [
      ["-u", "500", "--group-add=nogroup", "--group-add=77"],
      "uid=500 gid=0(root) groups=0(root),77,65534(nogroup)\n",
    ],
  ])("%j", (flags, expected) => {
    expect(id(...flags)).toBe(expected);
  });

  test.each([
    ["nosuch", "unable to find user nosuch: no matching entries in passwd file"],
    ["root:nosuch", "unable to find group nosuch: no matching entries in group file"],
    ["root ", "unable to find user root : no matching entries in passwd file"],
    ["0x0", "unable to find user 0x0: no matching entries in passwd file"],
    ["2147483648", "uids and gids must be in range 0-2147483647"],
    ["4294967296", "uids and gids must be in range 0-2147483647"],
    ["-1", "uids and gids must be in range 0-2147483647"],
    ["0:4294967296", "uids and gids must be in range 0-2147483647"],
  ])("%j is refused", (user, text) => {
    const { code, stderr } = run(engine, [`--user=${user}`], ["id"]);
    expect(code).toBe(125);
    expect(stderr).toContain(text);
  });

  test("an unknown group that is to be added is refused", () => {
    const { code, stderr } = run(engine, ["--group-add=nosuch"], ["id"]);
    expect(code).toBe(125);
    expect(stderr).toContain("unable to find group nosuch: no matching entries in group file");
  });
});

describe("user namespaces", () => {
  const hostUid = (pid: number): number =>
    Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

  test("root inside is nobody on the host, and nobody's twin", async () => {
    const one = start(engine, []);
    const two = start(engine, []);
    const uids = [hostUid(await pidOf(engine, one)), hostUid(await pidOf(engine, two))];
    expect(uids).not.toContain(0);
    expect(uids[0]).not.toBe(uids[1]);
    expect(execute(engine, one, "id -u")).toBe("0");
    const { UserNamespace } = await inspect(engine, one);
    expect(UserNamespace).toMatchObject({ Mode: "private", Reason: "default", HostID: uids[0] });
  });

  test("the image's files are root's inside, and new ones too", () => {
    expect(shell(engine, [], "touch /new /tmp/new; stat -c %u:%g / /bin/busybox /etc /new /tmp/new")).toBe(
      Array.from({ length: 5 }, () => "0:0").join("\n"),
    );
  });

  test("binds keep their owners", () => {
    const folder = mkdtempSync(join(engine.directory, "bind."));
    writeFileSync(join(folder, "roots"), "");
    mkdirSync(join(folder, "open"), { mode: 0o777 });
    const seen = shell(
      engine,
      ["-v", `${folder}:/b`],
      "touch /b/by-root; chown 500:7 /b/open; touch /b/open/x; chown 1000:1001 /b/open/x; stat -c %u:%g /b/roots /b/by-root /b/open/x",
    );
    expect(seen).toBe("0:0\n0:0\n1000:1001");
    const owner = (name: string): string => {
      const { uid, gid } = statSync(join(folder, name));
      return `${uid}:${gid}`;
    };
    expect(["roots", "by-root", "open", "open/x"].map(owner)).toEqual(["0:0", "0:0", "500:7", "1000:1001"]);
  });

  test.each([
    ["--userns=host", "--userns=host"],
    ["--privileged", "--privileged"],
    ["--pid=host", "--pid=host"],
    ["--network=host", "--network=host"],
  ])("%s opts out, and inspect says so", async (flag, reason) => {
    const id = start(engine, [flag]);
    expect(hostUid(await pidOf(engine, id))).toBe(0);
    expect((await inspect(engine, id)).UserNamespace).toEqual({ Mode: "host", Reason: reason });
  });
});

describe("capabilities", () => {
  const docker14 = "00000000a80425fb";
  const sets = (flags: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      run(engine, flags, ["grep", "^Cap", "/proc/self/status"])
        .stdout.trim()
        .split("\n")
        .map((line) => line.split(/:\s+/)),
    );
  const all = (mask: string): Record<string, string> => ({
    CapInh: "0000000000000000",
    CapPrm: mask,
    CapEff: mask,
    CapBnd: mask,
    CapAmb: "0000000000000000",
  });

  test.each([
    ["Docker's fourteen by default", [], docker14],
    ["--cap-add", ["--cap-add=NET_ADMIN"], "00000000a80435fb"],
    ["--cap-drop", ["--cap-drop=NET_RAW"], "00000000a80405fb"],
    ["--cap-drop=ALL --cap-add", ["--cap-drop=ALL", "--cap-add=CAP_CHOWN"], "0000000000000001"],
    ["none", ["--cap-drop=ALL"], "0000000000000000"],
  ])("%s", (_, flags, mask) => {
    expect(sets(flags)).toEqual(all(mask));
  });

  test("a user other than root has them in the bounding set alone", () => {
    expect(sets(["-u", "500"])).toEqual({ ...all("0000000000000000"), CapBnd: docker14 });
  });

  test("decide what a process may do", () => {
    expect(
      shell(engine, ["--cap-add=NET_ADMIN"], "ip link add b0 type bridge && ls /sys/class/net"),
    ).toContain("b0");
    expect(run(engine, [], ["ip", "link", "add", "b0", "type", "bridge"]).code).not.toBe(0);
    expect(run(engine, ["--cap-drop=CHOWN"], ["chown", "5", "/tmp"]).code).not.toBe(0);
    expect(
      run(
        engine,
        ["--cap-drop=NET_RAW", "--sysctl=net.ipv4.ping_group_range=1 0"],
        ["ping", "-c1", "127.0.0.1"],
      ).code,
    ).not.toBe(0);
  });

  test("an unknown one is refused", () => {
    const { code, stderr } = run(engine, ["--cap-add=NOSUCH"], ["true"]);
    expect(code).toBe(125);
    expect(stderr).toContain('invalid CapAdd: unknown capability: "CAP_NOSUCH"');
  });

  test("--privileged: all that the host has, every device, nothing masked, /sys writable", () => {
    const bounding = BigInt(`0x${/^CapBnd:\s+(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]}`);
    expect(BigInt(`0x${sets(["--privileged"])["CapEff"]}`)).toBe(bounding);
    const script =
      "ls /dev | wc -l; grep -c ' /proc/' /proc/mounts; grep ' /sys ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1; grep Seccomp: /proc/self/status";
    const [devices = "", masks, sys, seccomp] = shell(engine, ["--privileged"], script).split("\n");
    expect(Number(devices)).toBeGreaterThan(20);
    expect([masks, sys, seccomp]).toEqual(["0", "rw", "Seccomp:\t0"]);
    const [few = "", masked = "", plainSys, filter] = shell(engine, [], script).split("\n");
    expect(Number(few)).toBeLessThan(20);
    expect(Number(masked)).toBeGreaterThan(4);
    expect([plainSys, filter]).toEqual(["ro", "Seccomp:\t2"]);
  });

  test("--security-opt no-new-privileges", () => {
    const script = "grep NoNewPrivs /proc/self/status";
    expect(shell(engine, [], script)).toBe("NoNewPrivs:\t0");
    expect(shell(engine, ["--security-opt=no-new-privileges"], script)).toBe("NoNewPrivs:\t1");
  });
});

describe("paths", () => {
  test.each([
    ["/proc/kcore", "cat /proc/kcore | wc -c", "0"],
    ["/proc/keys", "cat /proc/keys | wc -c", "0"],
    ["/proc/timer_list", "cat /proc/timer_list | wc -c", "0"],
    ["/sys/firmware", "ls /sys/firmware | wc -l", "0"],
    ["/proc/acpi, where there is one", "ls /proc/acpi 2>/dev/null | wc -l", "0"],
  ])("%s is masked", (_, script, expected) => {
    expect(shell(engine, [], script)).toBe(expected);
  });

  test.each([
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/proc/irq/default_smp_affinity",
    "/sys/kernel/uevent_helper",
  ])("%s can't be written, even by the host's root", (path) => {
    if (!existsSync(path)) return;
    const script = `echo x 2>/dev/null >${path} || echo refused`;
    for (const flags of [[], ["--userns=host"]]) expect(shell(engine, flags, script)).toBe("refused");
  });

  test("--read-only: the root is, tmpfs and volumes are not", () => {
    const script = "touch /x 2>&1; touch /run/x && echo run; touch /dev/shm/x && echo shm";
    expect(shell(engine, ["--read-only", "--tmpfs=/run"], script)).toBe(
      "touch: /x: Read-only file system\nrun\nshm",
    );
  });

  test("--tmpfs with its options", () => {
    const script = "grep ' /t ' /proc/mounts; stat -c %a /t";
    const [line, mode] = shell(engine, ["--tmpfs=/t:size=1m,mode=700,exec"], script).split("\n");
    expect(line).toMatch(/^tmpfs \/t tmpfs rw,nosuid,nodev,.*size=1024k/);
    expect(mode).toBe("700");
    expect(shell(engine, ["--tmpfs=/t"], "grep ' /t ' /proc/mounts")).toContain("noexec");
  });

  test("the directory to begin in is made", () => {
    expect(shell(engine, ["-w", "/made/below"], "pwd; stat -c %u:%g:%a /made/below")).toBe(
      "/made/below\n0:0:755",
    );
    expect(run(engine, ["-w", "relative"], ["pwd"]).stderr).toContain(
      "the working directory 'relative' is invalid, it needs to be an absolute path",
    );
  });

  test("devices: the usual ones, those that are asked for, and no others", () => {
    expect(shell(engine, [], "ls /dev | tr '\\n' ' '")).toBe(
      "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
    );
    expect(
      shell(engine, [], "echo x >/dev/null; head -c 3 /dev/zero | wc -c; test -r /dev/urandom && echo ok"),
    ).toBe("3\nok");
    const fuse = run(engine, ["--device=/dev/fuse:/dev/mine:r"], ["stat", "-c", "%F %t,%T", "/dev/mine"]);
    if (existsSync("/dev/fuse")) expect(fuse.stdout).toBe("character special file a,e5\n");
    const absent = run(engine, ["--device=/dev/nosuch"], ["true"]);
    expect(absent.code).not.toBe(0);
    expect(absent.stderr).toContain("/dev/nosuch");
  });
});

describe("limits", () => {
  const cgroup = (id: string, controller: string, file: string): string => {
    return readFileSync(join("/sys/fs/cgroup", controller, "docker", id, file), "utf8").trim();
  };
  // test/vm/cgroup-v2.test.ts does these for version 2, by both drivers.
  const version1 = testUnless(noVersion1);

  version1("-m, --cpus, --pids-limit are in the files of the container's cgroup", () => {
    const id = start(engine, ["--memory=64m", "--cpus=0.5", "--pids-limit=50", "--cpu-shares=512"]);
    expect(cgroup(id, "memory", "memory.limit_in_bytes")).toBe(String(64 << 20));
    expect(cgroup(id, "cpu", "cpu.cfs_quota_us")).toBe("50000");
    expect(cgroup(id, "cpu", "cpu.cfs_period_us")).toBe("100000");
    expect(cgroup(id, "cpu", "cpu.shares")).toBe("512");
    expect(cgroup(id, "pids", "pids.max")).toBe("50");
    writeFileSync(`/sys/fs/cgroup/pids/docker/${id}/pids.max`, "1");
    expect(command(engine, ["exec", id, "sh", "-c", "true & wait"]).code).not.toBe(0);
  });

  version1("--cgroup-parent: the cgroup lies there", async () => {
    const id = start(engine, [`--cgroup-parent=/caisson-test-${process.pid}`]);
    const parent = `/sys/fs/cgroup/memory/caisson-test-${process.pid}`;
    expect(existsSync(join(parent, id))).toBe(true);
    must(engine, ["rm", "-f", id]);
    // Nobody who removes a container waits for what it leaves.
    await eventually("the cgroup is gone", () => !existsSync(join(parent, id)) || undefined);
    for (const folder of new Bun.Glob(`*/caisson-test-${process.pid}`).scanSync({
      cwd: "/sys/fs/cgroup",
      onlyFiles: false,
    }))
      Bun.spawnSync(["rmdir", `/sys/fs/cgroup/${folder}`]);
  });

  test("the memory's end is told", async () => {
    const id = start(
      engine,
      ["--memory=8m", "--memory-swap=8m"],
      ["sh", "-c", "x=$(head -c 50000000 /dev/zero | tr '\\0' x); echo $x"],
    );
    expect(must(engine, ["wait", id])).toBe("137");
    expect((await inspect(engine, id)).State.OOMKilled).toBe(true);
  }, 30_000);

  test("--ulimit, --oom-score-adj, --shm-size, --sysctl", () => {
    const flags = [
      "--ulimit=nofile=77:88",
      "--oom-score-adj=300",
      "--shm-size=3m",
      "--sysctl=net.ipv4.ip_forward=0",
    ];
    const script =
      "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj; df -k /dev/shm | tail -1 | awk '{print $2}'; cat /proc/sys/net/ipv4/ip_forward";
    expect(shell(engine, flags, script)).toBe("77\n88\n300\n3072\n0");
  });

  test.each([
    ["--sysctl=kernel.core_pattern=x", "kernel.core_pattern"],
    ["--sysctl=net.ipv4.ip_forward=1+kernel.x=2 y", ""],
    ["--memory=1m", "Minimum memory limit allowed is 6MB"],
    ["--cpus=100", "range of CPUs is from 0.01 to"],
    ["--ulimit=nosuch=1", "invalid ulimit type: nosuch"],
    ["--hostname=" + "a".repeat(70), "hostname"],
    ["--cpuset-cpus=0-2147483647", ""],
  ])("%s is refused", (flag, text) => {
    const { code, stderr } = run(engine, [flag], ["true"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(text);
  });
});

describe("names", () => {
  test("host name, hosts, resolv.conf", () => {
    const flags = [
      "--hostname=here",
      "--add-host=there:192.0.2.7",
      "--dns=192.0.2.53",
      "--dns-search=example.org",
    ];
    const script =
      "hostname; cat /etc/hostname; grep there /etc/hosts; grep -v '^#' /etc/resolv.conf; cat /proc/sys/kernel/hostname";
    expect(
      shell(engine, flags, script)
        .split("\n")
        .filter((line) => line !== ""),
    ).toEqual(["here", "here", "192.0.2.7\tthere", "nameserver 192.0.2.53", "search example.org", "here"]);
    const id = start(engine, []);
    expect(execute(engine, id, "hostname")).toBe(id.slice(0, 12));
  });

  test("environment: the image's, the container's, a file's", () => {
    const file = join(engine.directory, "env");
    writeFileSync(file, "# comment\nFILE=1\nBOTH=file\n");
    const env = shell(engine, ["-e", "OWN=a b", "-e", "BOTH=own", "--env-file", file], "env | sort");
    expect(env.split("\n").filter((line) => /^(OWN|FILE|BOTH|PATH|HOME|HOSTNAME)=/.test(line))).toEqual([
      "BOTH=own",
      "FILE=1",
      "HOME=/root",
      expect.stringMatching(/^HOSTNAME=[0-9a-f]{12}$/),
      "OWN=a b",
      "PATH=/bin",
    ]);
  });

  test("/.dockerenv says that this is a container", () => {
    expect(shell(engine, [], "stat -c %s /.dockerenv")).toBe("0");
  });
});
