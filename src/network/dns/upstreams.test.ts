import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HostServers, serversOf } from "./upstreams.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caisson-upstreams-"));
  path = join(folder, "resolv.conf");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the first three servers, of both families, without what is none", () => {
  const text = `# nameserver 1.1.1.1
search example.com
 nameserver\t10.0.0.1   # a comment
nameserver fe80::1%eth0
nameserver example.com
nameserver 300.1.1.1
nameserverx 9.9.9.9
nameserver ::1
nameserver 10.0.0.4
`;
  expect(serversOf(text)).toEqual(["10.0.0.1", "fe80::1%eth0", "::1"]);
  expect(serversOf("")).toEqual([]);
});

test("changes are seen: content, another file in its place, a link that leads elsewhere", () => {
  const servers = new HostServers(path);
  expect(servers.current()).toEqual([]);
  writeFileSync(path, "nameserver 10.0.0.1\n");
  expect(servers.current()).toEqual(["10.0.0.1"]);
  writeFileSync(`${path}.new`, "nameserver 10.0.0.2\n");
  renameSync(`${path}.new`, path);
  expect(servers.current()).toEqual(["10.0.0.2"]);
  writeFileSync(join(folder, "stub"), "nameserver 10.0.0.3\n");
  rmSync(path);
  // Between a removal and a new file the old ones stay.
  expect(servers.current()).toEqual(["10.0.0.2"]);
  symlinkSync(join(folder, "stub"), path);
  expect(servers.current()).toEqual(["10.0.0.3"]);
  writeFileSync(path, "nameserver 10.0.0.4\nnameserver 10.0.0.5\n");
  expect(servers.current()).toEqual(["10.0.0.4", "10.0.0.5"]);
});
