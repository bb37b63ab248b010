/**
 * File systems that never answer hold nobody else up: while one hangs, everything else answers as fast as ever, and who
 * asked for something in it is told so at a deadline. The tests run side by side, since all they do is to wait for those.
 * @module
 */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiAnswer } from "../support/api.ts";
import { eventually } from "../support/containers.ts";
import { processesNaming } from "../support/host-state.ts";
import { patience } from "../support/patience.ts";
import { testUnless } from "../support/requires.ts";
import { HangingWorld, lasting, soon } from "./hanging-world.ts";

/** An answer that says whose file system took too long. */
function expectLate(answer: ApiAnswer | string, path: string): void {
  if (typeof answer === "string") throw new Error(answer);
  expect([answer.status, answer.text]).toEqual([500, expect.stringContaining("the deadline passed")]);
  expect(answer.text).toContain(path);
}

/** Whether a process waits in the kernel for what can't be interrupted. */
function isStuck(pid: number): boolean {
  try {
    return /^State:\s+D/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

const sideBySide = testUnless(existsSync("/dev/fuse") ? undefined : "no /dev/fuse", test.concurrent);

sideBySide(
  "a file system that never answers as the source of binds, at create",
  async () => {
    await using world = await HangingWorld.start();
    const { api, hang } = world;
    await world.mountHanging();
    const below = `${hang}/below`;
    const stuck = [
      lasting({ Binds: [`${hang}:/x`] }),
      lasting({ Binds: [`${below}:/x`] }),
      lasting({ Mounts: [{ Type: "bind", Source: below, Target: "/x" }] }),
      lasting({ Binds: [`${hang}:/x:rslave`] }),
      lasting({ Binds: [`${hang}:/proc`] }),
    ].map(async (body) => await world.attempt("POST", "/containers/create", body));
    await world.othersGoOn();
    for (const answer of await Promise.all(stuck)) {
      expectLate(answer, hang);
    }
    expect((await api.call("GET", "/containers/json?all=1")).text.trim()).toBe("[]");
  },
  150_000 * patience,
);

sideBySide(
  "one that stops answering after containers were made with it: starts, copies, removals",
  async () => {
    await using world = await HangingWorld.start();
    const { api, hang } = world;
    const options = { type: "none", o: "bind", device: hang };
    await world.must("POST", "/volumes/create", { Name: "slow", DriverOpts: options });
    const bodies = [
      lasting({ Binds: [`${hang}:/x`] }),
      lasting({ Binds: ["slow:/x"] }),
      lasting({ Binds: [`${hang}:/x:ro`] }),
    ];
    const ids: string[] = [];
    for (const body of bodies) ids.push(await world.create(body));
    await world.mountHanging();
    const stuck = [
      ...ids.map((id) => world.attempt("POST", `/containers/${id}/start`)),
      world.attempt("GET", `/containers/${ids[0]}/archive?path=/etc/passwd`),
    ];
    await world.othersGoOn();
    // They can be looked at all the while.
    for (const id of ids) await world.must("GET", `/containers/${id}/json`);
    await world.must("GET", "/volumes/slow");
    for (const answer of await Promise.all(stuck)) expect(typeof answer).toBe("object");
    // As soon as nothing hangs any more they start.
    await world.unmount();
    for (const id of ids) {
      await api.call("POST", `/containers/${id}/stop?t=0`);
      const { status, text } = await api.call("POST", `/containers/${id}/start`);
      expect([status, text]).toEqual([204, text]);
      expect((await api.call("DELETE", `/containers/${id}?force=1`)).status).toBe(204);
    }
    expect((await api.call("DELETE", "/volumes/slow")).status).toBe(204);
  },
  200_000 * patience,
);

sideBySide(
  "one in a volume's folder: df is patient, others are not",
  async () => {
    await using world = await HangingWorld.start();
    const { api } = world;
    await world.must("POST", "/volumes/create", { Name: "plain" });
    const id = await world.create(lasting({ Binds: ["plain:/v"] }));
    await world.must("POST", `/containers/${id}/start`);
    const data = join(world.engine.dataRoot, "volumes/plain/_data");
    await world.mountHanging(data);
    const stuck = world.attempt("GET", "/system/df");
    const refused = [
      lasting({ Binds: ["plain:/x"] }),
      lasting({ Mounts: [{ Type: "volume", Source: "plain", Target: "/x" }] }),
    ].map((body) => world.attempt("POST", "/containers/create", body));
    await world.othersGoOn();
    const answer = await stuck;
    if (typeof answer === "string") throw new Error(answer);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"Size":-1');
    for (const create of await Promise.all(refused)) expectLate(create, data);
    await world.must("GET", `/containers/${id}/json`);
    // What somebody has mounted there is not deleted with the volume.
    await world.must("DELETE", `/containers/${id}?force=1`);
    const removed = await api.call("DELETE", "/volumes/plain", undefined, soon);
    expect([removed.status, removed.text]).toEqual([
      500,
      expect.stringContaining(`unlinkat ${data}: device or resource busy`),
    ]);
    await world.unmount();
    await world.must("DELETE", "/volumes/plain");
  },
  150_000 * patience,
);

sideBySide(
  "one with a device, or with what a log driver needs",
  async () => {
    await using world = await HangingWorld.start();
    const { hang } = world;
    const device = { PathOnHost: `${hang}/d`, PathInContainer: "/dev/d", CgroupPermissions: "rwm" };
    const limit = { Path: `${hang}/d`, Rate: 1 << 20 };
    const id = await world.create(lasting({ Devices: [device] }));
    await world.mountHanging();
    const limited = await world.create(lasting({ BlkioDeviceReadBps: [limit] }));
    const logging = (options: object): Promise<ApiAnswer | string> => {
      const LogConfig = { Type: "syslog", Config: options };
      return world.attempt("POST", "/containers/create", lasting({ LogConfig }));
    };
    const stuck = [
      world.attempt("POST", `/containers/${id}/start`),
      world.attempt("POST", `/containers/${limited}/start`),
      logging({ "syslog-address": `unix://${hang}/socket` }),
      logging({ "syslog-address": `unixgram://${hang}/socket` }),
      logging({ "syslog-address": "tcp+tls://127.0.0.1:1", "syslog-tls-ca-cert": `${hang}/ca.pem` }),
    ];
    await world.othersGoOn();
    for (const answer of await Promise.all(stuck)) expectLate(answer, hang);
  },
  150_000 * patience,
);

sideBySide(
  "one in which plugins are looked for",
  async () => {
    await using world = await HangingWorld.start();
    const { api, engine } = world;
    const folder = "/run/docker/plugins";
    const made = engine.runInside("sh", ["-c", `mount -t tmpfs tmpfs /run && mkdir -p ${folder}`]);
    expect([made.code, made.stderr]).toEqual([0, ""]);
    await world.mountHanging(folder);
    const stuck = [
      world.attempt("POST", "/volumes/create", { Name: "theirs", Driver: "slow" }),
      world.attempt("POST", "/networks/create", { Name: "theirs", Driver: "slow" }),
    ];
    const listed = world.attempt("GET", "/volumes");
    await world.othersGoOn();
    for (const answer of await Promise.all(stuck)) {
      if (typeof answer === "string") throw new Error(answer);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.text).toContain(`look at ${folder}/slow.sock: the executor`);
    }
    // Nobody has asked for plugins' volumes.
    expect(await listed).toMatchObject({ status: 200 });
    await world.unmount();
    expect((await api.call("POST", "/volumes/create", { Name: "theirs", Driver: "slow" })).text).toContain(
      'plugin \\"slow\\" not found',
    );
  },
  150_000 * patience,
);

sideBySide(
  "one in which devices of vendors are looked for",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "caisson-cdi-"));
    try {
      await using world = await HangingWorld.start(`--cdi-spec-dir=${folder}`);
      writeFileSync(
        join(folder, "v.json"),
        '{"cdiVersion":"0.6.0","kind":"v.com/c","devices":[{"name":"d","containerEdits":{"env":["A=b"]}}]}',
      );
      const device = { Driver: "cdi", DeviceIDs: ["v.com/c=d"] };
      const id = await world.create(lasting({ DeviceRequests: [device] }));
      expect((await world.must("GET", "/info")).text).toContain("v.com/c=d");
      await world.mountHanging(folder);
      const stuck = world.attempt("POST", `/containers/${id}/start`);
      const info = world.attempt("GET", "/info");
      await world.othersGoOn();
      expectLate(await stuck, folder);
      expect(await info).toMatchObject({ status: 200 });
      await world.unmount();
      await world.must("POST", `/containers/${id}/start`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  150_000 * patience,
);

sideBySide(
  "one that comes into a running container: copies of other files, and an engine that is killed meanwhile",
  async () => {
    await using world = await HangingWorld.start();
    const { engine } = world;
    const place = join(engine.directory, "shared");
    const below = join(place, "hang");
    mkdirSync(below, { recursive: true });
    writeFileSync(join(place, "fine"), "fine");
    await world.inside("mount", "--bind", place, place);
    await world.inside("mount", "--make-shared", place);
    const id = await world.create(lasting({ Binds: [`${place}:/b:rslave`] }));
    await world.must("POST", `/containers/${id}/start`);
    await world.mountHanging(below);
    const archive = (path: string): string => `/containers/${id}/archive?path=${path}`;
    const stuck = world.attempt("GET", archive("/b/hang/x"));
    for (let n = 0; n < 5; n++) expect((await world.must("GET", archive("/b/fine"))).text).toContain("fine");
    await world.must("GET", `/containers/${id}/json`);
    const answer = await stuck;
    if (typeof answer === "string") throw new Error(answer);
    expect([answer.status, answer.text]).toEqual([500, expect.stringContaining("the deadline passed")]);
    // Its session can't be killed. An engine that takes over doesn't wait for it without end.
    void world.attempt("GET", archive("/b/hang/x"));
    await eventually("one that is stuck", () =>
      processesNaming(join(engine.execRoot, "caisson-native")).some(isStuck),
    );
    await engine.kill();
    await engine.resume();
    await world.must("GET", `/containers/${id}/json`);
    // It can be removed all the same.
    await world.must("DELETE", `/containers/${id}?force=1`);
    await world.unmount();
    await world.inside("umount", "-l", place);
  },
  150_000 * patience,
);
