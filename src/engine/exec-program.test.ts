import { afterEach, beforeEach, expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { printProgram } from "../kernel/mod.ts";
import type { ExecBody } from "./engine.ts";
import { execProgram } from "./exec-program.ts";
import { FakeServices } from "./fake-services.ts";

let fake: FakeServices;
beforeEach(() => {
  fake = new FakeServices();
  fake.storage.files.set("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nme:x:7:8::/home/me:/bin/sh\n");
  fake.storage.files.set("/etc/group", "extra:x:9:me\n");
});
afterEach(() => fake[Symbol.dispose]());

type Change = Parameters<FakeServices["container"]>[1];

async function program(
  body: ExecBody,
  change: Change = {},
  size?: readonly [number, number],
): Promise<string> {
  const { container } = fake.container({ status: "running", pid: 4711 }, change);
  return printProgram(await execProgram(fake.services, container, { Cmd: ["/bin/x"], ...body }, size));
}

test("the exec's environment is over the container's, which is over the image's", async () => {
  const change = { config: { Env: ["A=container", "B=container"] } };
  const text = await program({ Env: ["A=exec", "C=x=y"] }, change);
  const env = /execve\("\/bin\/x", \["\/bin\/x"\], \[(.*)\]\)/.exec(text)?.[1] ?? "";
  expect(env).toContain('"A=exec"');
  expect(env).toContain('"B=container"');
  expect(env).toContain('"C=x=y"');
  expect(env).not.toContain("A=container");
  expect(env).toContain('"PATH=/bin"');
});

test("a user of the exec's own has their ids, groups and home", async () => {
  const text = await program({ User: "me" });
  expect(text).toContain("setresuid(7, 7, 7)");
  expect(text).toContain("setresgid(8, 8, 8)");
  expect(text).toContain("setgroups(2, [8, 9])");
  expect(text).toContain('"HOME=/home/me"');
});

test("without one it is the container's user", async () => {
  expect(await program({}, { config: { User: "me" } })).toContain("setresuid(7, 7, 7)");
});

test("an unknown user is said before anything runs", async () => {
  expect(await program({ User: "nobody-here" }).catch(messageOf)).toContain("nobody-here");
});

test("the directory: its own, the container's, the root", async () => {
  expect(await program({ WorkingDir: "/own" }, { config: { WorkingDir: "/work" } })).toContain(
    'chdir("/own")',
  );
});

test("the container's directory where it has none of its own", async () => {
  expect(await program({}, { config: { WorkingDir: "/work" } })).toContain('chdir("/work")');
});

test("it enters what is the container's own, and its cgroup", async () => {
  const text = await program({}, { host: { PidMode: "host", NetworkMode: "host" } });
  expect(text).not.toContain("CLONE_NEWPID");
  expect(text).not.toContain("CLONE_NEWNET");
  expect(text).toContain("CLONE_NEWNS");
  expect(text).toContain(`${fake.root}/cgroup/docker/`);
});

test("privileged gives every capability that the host has", async () => {
  const sets = /\{effective=(0x[0-9a-f]+)/;
  expect(sets.exec(await program({ Privileged: true }))?.[1]).toBe("0x1ffffffffff");
});

test("the usual capabilities otherwise", async () => {
  const [, mask = "0"] = /\{effective=(0x[0-9a-f]+)/.exec(await program({})) ?? [];
  expect(BigInt(mask)).toBe(0xa80425fbn);
});

test("a terminal has the size that it was given", async () => {
  expect(await program({ Tty: true }, {}, [40, 120])).toContain("{ws_row=40, ws_col=120}");
});
