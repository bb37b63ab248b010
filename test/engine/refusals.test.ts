/**
 * What a container can't be, in dockerd 28.5.2's words: each was asked of both.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { command, execute, inspect, must, run, shell, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { testUnless } from "../support/requires.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
});
afterAll(async () => engine[Symbol.asyncDispose]());

describe("run", () => {
  test.each([
    [["-u", "nosuch"], "unable to find user nosuch: no matching entries in passwd file"],
    [["-u", "0:nosuch"], "unable to find group nosuch: no matching entries in group file"],
    [["-u", "99999999999"], "uids and gids must be in range 0-2147483647"],
    [["--group-add", "nosuch"], "unable to find group nosuch: no matching entries in group file"],
    [["-w", "rel"], "the working directory 'rel' is invalid, it needs to be an absolute path"],
    [
      ["-v", "name:rel"],
      `invalid volume specification: 'name:rel': invalid mount config for type "volume": invalid mount path: 'rel' mount path must be absolute`,
    ],
    [
      ["-v", "/a:/"],
      `invalid volume specification: '/a:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    ],
    [
      ["-v", "/tmp:/x:nocopy"],
      `invalid volume specification: '/tmp:/x:nocopy': invalid mount config for type "bind": field VolumeOptions must not be specified`,
    ],
    [["-v", "/tmp:/x", "-v", "/var:/x"], "Duplicate mount point: /x"],
    [["-v", "/tmp:/proc"], '"/proc" cannot be mounted because it is not of type proc'],
    [["-v", "/tmp:/proc/sys"], '"/proc/sys" cannot be mounted because it is inside /proc'],
    [["--mount", "type=foo,dst=/x"], 'invalid mount config for type "foo": mount type unknown'],
    [
      ["--mount", "type=bind,src=/nosuch,dst=/x"],
      'invalid mount config for type "bind": bind source path does not exist: /nosuch',
    ],
    [["--tmpfs", "/x:foo=1"], 'invalid tmpfs option "foo"'],
    [["--memory=1m"], "Minimum memory limit allowed is 6MB"],
    [["--memory-swap=50m"], "You should always set the Memory limit when using Memoryswap limit, see usage"],
    [["--cpus=1000"], "range of CPUs is from 0.01 to "],
    [["--cpuset-cpus=999"], "Requested CPUs are not available - requested 999, available: "],
    [["--cpuset-cpus=x"], "Invalid value x for cpuset cpus: invalid format: x"],
    [["--cpuset-mems=99"], "Requested memory nodes are not available - requested 99, available: "],
    [["--oom-score-adj=5000"], "Invalid value 5000, range for oom score adj is [-1000, 1000]"],
    [
      ["--device=/dev/nosuch"],
      'error gathering device information while adding custom device "/dev/nosuch": no such file or directory',
    ],
    [["--isolation=foo"], "invalid isolation (foo): linux only supports 'default'"],
    [["--runtime=foo"], "unknown or invalid runtime name: foo"],
    [["--stop-signal=FOO"], "invalid signal: FOO"],
    [["--log-driver=foo"], 'error looking up logging plugin foo: plugin "foo" not found'],
    [["--log-opt=foo=bar"], "unknown log opt 'foo' for json-file log driver"],
    [["--log-opt=max-size=foo"], "failed to initialize logging driver: invalid size: 'foo'"],
    [["--log-opt=max-file=0"], "failed to initialize logging driver: max-file cannot be less than 1"],
    [["--log-opt=mode=foo"], "logger: logging mode not supported: foo"],
    [["--pid=container:nosuch"], "No such container: nosuch"],
    [["--ipc=container:nosuch"], "No such container: nosuch"],
    [["--net=container:nosuch"], "joining network namespace of container: No such container: nosuch"],
  ])("%j", (flags, text) => {
    const { code, stderr } = run(engine, flags, ["true"]);
    expect(stderr).toContain(`Error response from daemon: `);
    expect(stderr).toContain(text);
    // The docker CLI takes these words for a program that isn't there.
    expect(code).toBe(text.includes("no such file or directory") ? 127 : 125);
  });

  test("log options are looked at when the container is made, not when it starts", async () => {
    const host = { NetworkMode: "none", LogConfig: { Type: "json-file", Config: { "max-size": "x" } } };
    const body = { Image: "busybox", HostConfig: host };
    expect((await engine.request("POST", "/containers/create", body)).status).toBe(400);
  });

  const shared = /^\S+ \S+ \S+ \S+ \/ .*shared:/m.test(readFileSync("/proc/self/mountinfo", "utf8"));
  testUnless(shared ? "the root mount is shared here" : undefined)("propagation from a private mount", () => {
    for (const [mode, kind] of Object.entries({ rshared: "shared", rslave: "shared or slave" })) {
      const { code, stderr } = run(engine, ["-v", `/usr:/x:${mode}`], ["true"]);
      expect(stderr).toContain(`path /usr is mounted on / but it is not a ${kind} mount`);
      expect(code).toBe(125);
    }
  });

  test("a weight that the kernel doesn't have is left out with a warning", async () => {
    const body = { Image: "busybox", HostConfig: { NetworkMode: "none", BlkioWeight: 500 } };
    const answer = await engine.request("POST", "/containers/create", body);
    const { Id, Warnings } = answer.json<{ Id: string; Warnings: string[] }>();
    const { HostConfig } = await inspect(engine, Id);
    const discarded =
      "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.";
    const kept = HostConfig["BlkioWeight"] === 500;
    expect({ weight: HostConfig["BlkioWeight"], Warnings }).toEqual(
      kept ? { weight: 500, Warnings: [] } : { weight: 0, Warnings: [discarded] },
    );
  });
});

test("the host's /proc may lie on a container's, hidden and read-only where /proc always is", () => {
  const look =
    "wc -c < /proc/keys; (echo 1 > /proc/sys/vm/swappiness) 2>&1; readlink /proc/self/ns/pid; ls -d /proc/PID";
  const script = look.replace("PID", String(process.pid));
  const [keys, setting, , seen] = shell(engine, ["-v", "/proc:/proc"], script).split("\n");
  expect([keys, setting, seen]).toEqual([
    "0",
    expect.stringContaining("Read-only file system"),
    `/proc/${process.pid}`,
  ]);
});

describe("a start that fails says why, by status and in inspect", () => {
  test.each([
    ["user", { User: "nosuch" }, 500, "unable to find user nosuch: no matching entries in passwd file"],
    ["network", { join: "NetworkMode" }, 409, "cannot join network namespace of a non running container: "],
    ["pid", { join: "PidMode" }, 409, "failed to join PID namespace: container "],
    ["ipc", { join: "IpcMode" }, 409, "failed to join IPC namespace: container "],
  ])("%s", async (name, change: { User?: string; join?: string }, status, text) => {
    must(engine, ["create", "--net=none", "--ipc=shareable", `--name=${name}-target`, "busybox", "true"]);
    const { join, User } = change;
    const HostConfig = {
      NetworkMode: "none",
      ...(join === undefined ? {} : { [join]: `container:${name}-target` }),
    };
    const body = { Image: "busybox", Cmd: ["true"], HostConfig, ...(User === undefined ? {} : { User }) };
    const made = await engine.request("POST", `/containers/create?name=${name}-joins`, body);
    expect(made.status).toBe(201);
    const answer = await engine.request("POST", `/containers/${name}-joins/start`);
    expect(answer.status).toBe(status);
    const { message } = answer.json<{ message: string }>();
    expect(message).toStartWith(text);
    const { State } = await inspect(engine, `${name}-joins`);
    expect(State).toMatchObject({ Status: "created", ExitCode: 128, Error: message });
  });
});

describe("exec", () => {
  const failed = "OCI runtime exec failed: exec failed: unable to start container process: ";
  test.each([
    [
      ["-w", "/nosuch"],
      ["pwd"],
      127,
      `${failed}chdir to cwd ("/nosuch") set in config.json failed: no such file or directory`,
    ],
    [
      ["-w", "/etc/passwd"],
      ["pwd"],
      127,
      `${failed}chdir to cwd ("/etc/passwd") set in config.json failed: not a directory`,
    ],
    [["-w", "rel"], ["pwd"], 128, "OCI runtime exec failed: exec failed: Cwd must be an absolute path"],
    [[], ["nosuch"], 127, `${failed}exec: "nosuch": executable file not found in $PATH`],
    [[], ["/nosuch/x"], 127, `${failed}exec: "/nosuch/x": stat /nosuch/x: no such file or directory`],
    [[], ["/etc"], 126, `${failed}exec: "/etc": permission denied`],
    [["-u", "nosuch"], ["id"], 1, "unable to find user nosuch: no matching entries in passwd file"],
    [["--detach-keys=foo"], ["true"], 1, "Invalid escape keys (foo) provided"],
  ])("%j %j", (flags, args, code, text) => {
    const id = start(engine, []);
    const result = command(engine, ["exec", ...flags, id, ...args]);
    expect(`${result.stdout}${result.stderr}`).toContain(text);
    expect(result.code).toBe(code);
    must(engine, ["rm", "-f", id]);
  });

  test("a variable without a value takes the container's away; HOME is that of the exec's user", () => {
    const id = start(engine, ["-e", "X=1", "-e", "Z=2"]);
    const lines = (...flags: string[]): string[] =>
      must(engine, ["exec", ...flags, id, "env"])
        .split("\n")
        .filter((line) => !line.startsWith("HOSTNAME"));
    expect(lines("-e", "Y=2", "-e", "X")).toEqual(["PATH=/bin", "Z=2", "Y=2", "HOME=/root"]);
    expect(lines("-u", "nobody")).toContain("HOME=/");
    expect(lines("-u", "nobody", "-e", "HOME=/q")).toContain("HOME=/q");
    expect(execute(engine, id, "echo $Z")).toBe("2");
    must(engine, ["rm", "-f", id]);
  });
});

describe("signals and names", () => {
  test.each([
    [["kill", "-s", "FOO", "nosuch"], "cannot kill container: nosuch: invalid signal: FOO"],
    [
      ["kill", "-s", "99", "nosuch"],
      "cannot kill container: nosuch: the linux daemon does not support signal 99",
    ],
    [["kill", "nosuch"], "cannot kill container: nosuch: No such container: nosuch"],
    [["stop", "-s", "FOO", "running"], "cannot stop container: running: invalid signal: FOO"],
    [
      ["rename", "running", "x y"],
      "Error when allocating new name: Invalid container name (/x y), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    ],
    [["rename", "running", "running"], "Renaming a container with the same name as its current name"],
  ])("%j", (args, text) => {
    must(engine, ["rm", "-f", "running"]);
    start(engine, ["--name=running"]);
    const { code, stderr } = command(engine, args);
    expect(stderr).toContain(text);
    expect(code).toBe(1);
  });

  test("a stopped container takes any signal to stop by: nothing is sent", () => {
    must(engine, ["create", "--net=none", "--name=idle", "busybox", "true"]);
    expect(must(engine, ["stop", "-s", "FOO", "idle"])).toBe("idle");
  });
});
