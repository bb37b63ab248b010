import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Plugin, Plugins } from "./client.ts";
import { findPlugin, pluginNames } from "./discovery.ts";
import { FakePlugin, ownFiles, type FakeAnswers } from "./testing.ts";

const quick = { deadline: 300, pause: 10 };

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "caisson-plugins-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withPlugin(
  answers: FakeAnswers,
  body: (plugin: Plugin, fake: FakePlugin) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const socket = join(folder, "p.sock");
    using fake = await FakePlugin.listen(socket, answers);
    await body(new Plugin("p", { socket }, ownFiles, quick), fake);
  });
}

test("plugins are found as Docker finds them, sockets first", async () =>
  inFolder(async (folder) => {
    const folders = {
      sockets: [join(folder, "run")],
      specifications: [join(folder, "etc"), join(folder, "lib")],
    };
    const file = (path: string, text: string): void => {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    using _ = await FakePlugin.listen(join(folder, "run/deep/deep.sock"));
    file("run/false.sock", "no socket");
    file("etc/spec.spec", "unix:///x/y.sock\n");
    file("etc/deep.spec", "unix:///not/this");
    file("etc/far.spec", "tcp://127.0.0.1:80");
    file("etc/six.spec", "http://[::1]:8080");
    file(
      "lib/both/both.json",
      '{"Name":"both","Addr":"https://h:443","TLSConfig":{"InsecureSkipVerify":true,"CAFile":"/ca","CertFile":"","KeyFile":"/key"}}',
    );
    file("etc/wrong.spec", "nonsense");
    expect(await pluginNames(ownFiles, folders)).toEqual([
      "both",
      "deep",
      "false",
      "far",
      "six",
      "spec",
      "wrong",
    ]);
    const find = (name: string): Promise<unknown> => findPlugin(name, ownFiles, folders);
    expect(await find("deep")).toEqual({ socket: join(folder, "run/deep/deep.sock") });
    expect(await find("false")).toBeUndefined();
    expect(await find("spec")).toEqual({ socket: "/x/y.sock" });
    expect(await find("far")).toEqual({ host: "127.0.0.1", port: 80 });
    expect(await find("six")).toEqual({ host: "::1", port: 8080 });
    expect(await find("both")).toEqual({
      host: "h",
      port: 443,
      tls: { anyCertificate: true, authorities: "/ca", key: "/key" },
    });
    expect(await find("nope")).toBeUndefined();
    expect(await find("../etc/spec")).toBeUndefined();
    expect(find("wrong")).rejects.toThrow(`read plugin ${folder}/etc/wrong.spec: nonsense is no address`);
  }));

test("a call answers, fails in the plugin's words, or is not known", async () =>
  withPlugin(
    {
      "A.Good": ({ X }) => ({ Y: X as string }),
      "A.Empty": "null",
      "A.Bad": { Err: "no room" },
      "A.Worse": 500,
      "A.Unknown": 404,
      "A.Text": "hello",
      "A.Hang": "hang",
    },
    async (plugin, fake) => {
      expect(await plugin.call("A.Good", { X: 7 })).toEqual({ Y: 7 });
      expect(fake.asked("A.Good")).toEqual({ X: 7 });
      expect(await plugin.call("A.Empty", {})).toEqual({});
      expect(plugin.call("A.Bad", {})).rejects.toThrow("remote: no room");
      expect(plugin.call("A.Worse", {})).rejects.toThrow("A.Worse: 500");
      expect(plugin.call("A.Unknown", {})).rejects.toThrow('plugin "p" does not implement A.Unknown');
      expect(await plugin.tryCall("A.Unknown", {})).toBeUndefined();
      expect(plugin.call("A.Text", {})).rejects.toThrow('plugin "p" answered A.Text with no JSON object');
      expect(plugin.call("A.Hang", {})).rejects.toThrow('plugin "p" did not answer A.Hang: it took too long');
      await plugin.call("A.Good", { X: 8 });
    },
  ));

test("a plugin that isn't there yet is tried again, until time is up", async () =>
  inFolder(async (folder) => {
    const socket = join(folder, "late.sock");
    const late = new Plugin("late", { socket }, ownFiles, { deadline: 10_000, pause: 5 });
    const answer = late.call("A.B", {});
    await delay(30);
    using fake = await FakePlugin.listen(socket);
    expect(await answer).toEqual({});
    expect(fake.methods).toEqual(["A.B"]);
    const never = new Plugin("never", { socket: join(folder, "never.sock") }, ownFiles, quick);
    expect(never.call("A.B", {})).rejects.toThrow('plugin "never" did not answer A.B');
    await never.call("A.B", {}).catch(() => undefined);
  }));

test("plugins are activated once, and must implement what is wanted", async () =>
  inFolder(async (folder) => {
    const plugins = new Plugins(ownFiles, { sockets: [folder], specifications: [] }, quick);
    using fake = await FakePlugin.listen(join(folder, "ip.sock"), {
      "Plugin.Activate": { Implements: ["IpamDriver"] },
    });
    await plugins.get("ip", "IpamDriver");
    expect(plugins.get("ip", "NetworkDriver")).rejects.toThrow(
      "Plugin does not implement the requested driver",
    );
    await plugins.get("ip", "IpamDriver");
    expect(fake.calls.map(({ method }) => method)).toEqual(["Plugin.Activate"]);
    expect(plugins.get("other", "IpamDriver")).rejects.toThrow('plugin "other" not found');
  }));
