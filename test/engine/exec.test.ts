/**
 * `exec`: users, environment, directories, terminals, exit codes.
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { command, eventually, execute, inspect, must, pidOf, start } from "../support/containers.ts";
import { TestEngine } from "../support/engine.ts";
import { importBusybox } from "../support/image.ts";
import { TerminalSession } from "../support/terminal.ts";

let engine: TestEngine;
let box: string;
beforeAll(async () => {
  engine = await TestEngine.start();
  await importBusybox(engine);
  box = start(engine, ["--name=box", "--env=FROM=container", "--workdir=/tmp"]);
});
afterAll(async () => engine[Symbol.asyncDispose]());

const exec = (...args: readonly string[]): ReturnType<typeof command> => command(engine, ["exec", ...args]);

describe("exit codes", () => {
  test.each([
    ["the process's own", [], ["sh", "-c", "exit 9"], 9, ""],
    ["128 and the signal's number", [], ["sh", "-c", "kill -9 $$"], 137, ""],
    ["of what is not in PATH", [], ["nosuch"], 127, 'exec: "nosuch": executable file not found in $PATH'],
    ["of a path that is not there", [], ["/no/such"], 127, 'exec: "/no/such"'],
    ["of a directory", [], ["/etc"], 126, 'exec: "/etc": '],
    [
      "of an unknown user",
      ["-u", "nosuch"],
      ["true"],
      1,
      "unable to find user nosuch: no matching entries in passwd file",
    ],
  ])("%s", (_, flags, args, code, text) => {
    const result = exec(...flags, "box", ...args);
    expect(result.code).toBe(code);
    expect(result.stdout + result.stderr).toContain(text);
  });

  test("of a directory to begin in that is not there", () => {
    const { code, stdout, stderr } = exec("-w", "/nosuch", "box", "true");
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("/nosuch");
    expect(stdout + stderr).toContain("no such file or directory");
  });
});

test("is in all of the container's namespaces and in its cgroups", async () => {
  const pid = await pidOf(engine, box);
  const spaces = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
  const script = `for n in ${spaces.join(" ")}; do readlink /proc/self/ns/$n; done`;
  const ofFirst = spaces.map((space) => must(engine, ["exec", "box", "readlink", `/proc/1/ns/${space}`]));
  expect(execute(engine, "box", script).split("\n")).toEqual(ofFirst);
  const groups = execute(engine, "box", "cat /proc/1/cgroup /proc/self/cgroup").split("\n");
  expect(groups.slice(0, groups.length / 2)).toEqual(groups.slice(groups.length / 2));
  expect(pid).toBeGreaterThan(1);
});

test("has the container's environment and directory, and its own on top", () => {
  expect(execute(engine, "box", "echo $FROM $HOSTNAME $HOME; pwd")).toBe(
    `container ${box.slice(0, 12)} /root\n/tmp`,
  );
  const { stdout } = exec(
    "-e",
    "FROM=exec",
    "-e",
    "MORE=1",
    "-w",
    "/etc",
    "box",
    "sh",
    "-c",
    "echo $FROM $MORE; pwd",
  );
  expect(stdout).toBe("exec 1\n/etc\n");
});

test("runs as the user that is asked for", () => {
  const { stdout } = exec("-u", "500:7", "box", "sh", "-c", "id; echo $HOME");
  expect(stdout).toBe("uid=500 gid=7 groups=7\n/\n");
  expect(exec("-u", "nobody", "box", "id", "-u").stdout).toBe("65534\n");
});

test("has the container's capabilities, none inheritable; all of them with --privileged", () => {
  const capabilities = (flags: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      exec(...flags, "box", "grep", "^Cap", "/proc/self/status")
        .stdout.trim()
        .split("\n")
        .map((line) => line.split(/:\s+/)),
    );
  expect(capabilities([])).toEqual({
    CapInh: "0000000000000000",
    CapPrm: "00000000a80425fb",
    CapEff: "00000000a80425fb",
    CapBnd: "00000000a80425fb",
    CapAmb: "0000000000000000",
  });
  const privileged = capabilities(["--privileged"]);
  expect(privileged["CapInh"]).toBe("0000000000000000");
  expect(BigInt(`0x${privileged["CapEff"]}`) & 0x200000n).toBe(0x200000n);
  expect(capabilities(["-u", "500"])["CapEff"]).toBe("0000000000000000");
});

test("streams stdin, stdout and stderr apart", () => {
  const result = command(
    engine,
    ["exec", "-i", "box", "sh", "-c", "tr a-z A-Z; echo wrong >&2"],
    "some input\n",
  );
  expect(result).toEqual({ code: 0, stdout: "SOME INPUT\n", stderr: "wrong\n" });
});

test("without -i has no stdin", () => {
  expect(exec("box", "cat")).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("takes and gives many bytes", () => {
  const input = Buffer.alloc(20_000_000, "0123456789abcdef\n");
  const result = command(engine, ["exec", "-i", "box", "cat"], input);
  expect(result.code).toBe(0);
  expect(Bun.hash(result.stdout)).toBe(Bun.hash(input.toString("latin1")));
});

test("-d leaves it to itself", async () => {
  must(engine, ["exec", "-d", "box", "sh", "-c", "sleep 0.2; echo done >/tmp/made"]);
  await eventually("a file", () => exec("box", "cat", "/tmp/made").stdout === "done\n");
});

test("is seen by inspect while it runs and for some time after", async () => {
  const create = await engine.request("POST", "/containers/box/exec", {
    Cmd: ["sh", "-c", "sleep 0.5; exit 4"],
    AttachStdout: true,
  });
  const { Id } = create.json<{ Id: string }>();
  const read = async (): Promise<Record<string, unknown>> =>
    (await engine.request("GET", `/exec/${Id}/json`)).json<Record<string, unknown>>();
  expect(await read()).toMatchObject({ Running: false, ExitCode: null, ContainerID: box });
  const started = await engine.request("POST", `/exec/${Id}/start`, { Detach: true });
  expect(started.status).toBe(200);
  const running = await read();
  expect(running).toMatchObject({ Running: true, ExitCode: null });
  expect(running["Pid"]).toBeGreaterThan(1);
  expect((await inspect(engine, "box")).ExecIDs).toEqual([Id]);
  await eventually("its end", async () => (await read())["Running"] === false);
  expect(await read()).toMatchObject({ ExitCode: 4 });
  expect((await inspect(engine, "box")).ExecIDs).toBeNull();
  const again = await engine.request("POST", `/exec/${Id}/start`, { Detach: true });
  expect(again.status).toBe(409);
  expect((await engine.request("GET", "/exec/nosuch/json")).json<object>()).toEqual({
    message: "No such exec instance: nosuch",
  });
});

test("at a terminal: its size is the person's, and follows it", async () => {
  await using session = TerminalSession.open(engine, ["exec", "-it", "box", "sh"]);
  await session.expect(/# /);
  session.type("tty; stty size\n");
  await session.expect(/\/dev\/pts\/\d+\r\n24 80\r\n/);
  await session.resizeUntil(40, 133, "stty size");
  session.type("echo $TERM\n");
  await session.expect(/\nxterm\r\n/);
  session.type("exit 5\n");
  expect(await session.ended()).toBe(5);
});

test("at a terminal: ctrl-c interrupts the process", async () => {
  await using session = TerminalSession.open(engine, [
    "exec",
    "-it",
    "box",
    "sh",
    "-c",
    "echo go; sleep 100",
  ]);
  await session.expect(/go/);
  session.type("\x03");
  expect(await session.ended()).toBe(130);
});

test.each([
  ["ctrl-p ctrl-q", [], "\x10\x11", "98761"],
  ["the keys that were chosen", ["--detach-keys=ctrl-a,x"], "\x01x", "98762"],
])("at a terminal: is left by %s and goes on", async (_, flags, keys, seconds) => {
  const args = ["exec", "-it", ...flags, "box", "sh", "-c", `echo go; sleep ${seconds}`];
  await using session = TerminalSession.open(engine, args);
  await session.expect(/go/);
  session.type(keys);
  // The docker CLI takes it for an error, unlike in attach.
  await session.expect(/read escape sequence/);
  expect(await session.ended()).toBe(1);
  expect(must(engine, ["top", "box"])).toContain(`sleep ${seconds}`);
});

test("many at the same time each get their own output", async () => {
  const outputs = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const create = await engine.request("POST", "/containers/box/exec", {
        Cmd: ["sh", "-c", `echo out ${n}; echo err ${n} >&2`],
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
      });
      const { Id } = create.json<{ Id: string }>();
      const { body } = await engine.request("POST", `/exec/${Id}/start`, { Detach: false, Tty: false });
      return body.toString("latin1");
    }),
  );
  for (const [n, output] of outputs.entries()) {
    expect(output).toContain(`out ${n}\n`);
    expect(output).toContain(`err ${n}\n`);
  }
});

test("ends with its container", async () => {
  const id = start(engine, []);
  await using session = TerminalSession.open(engine, ["exec", "-it", id, "sh"]);
  await session.expect(/# /);
  must(engine, ["kill", id]);
  expect(await session.ended()).toBe(137);
});
