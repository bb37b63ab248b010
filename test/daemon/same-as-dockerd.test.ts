/**
 * Called as dockerd, caisson says of a configuration what dockerd says, and ends as it does.
 */
import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { dockerdPath, noDockerd } from "../support/docker.ts";
import { caisson, ended, type Ended } from "../support/engine.ts";
import { testUnless } from "../support/requires.ts";

const folder = mkdtempSync(join(tmpdir(), "caisson-dockerd."));
const own = join(folder, "dockerd");
symlinkSync(caisson, own);
afterAll(() => rmSync(folder, { recursive: true }));

function validate(program: string, content: string | undefined, flags: readonly string[]): Ended {
  const path = join(folder, "daemon.json");
  rmSync(path, { force: true });
  if (content !== undefined) writeFileSync(path, content);
  // dockerd looks for docker-proxy, which lies beside it.
  const PATH = `${dirname(dockerdPath ?? "/")}:${process.env["PATH"] ?? ""}`;
  const env = { ...process.env, PATH };
  return ended(spawnSync(program, ["--validate", "--config-file", path, ...flags], { env }));
}

const rows: readonly (readonly [content: string | undefined, ...flags: string[]])[] = [
  [undefined],
  [""],
  ["{}"],
  ['{"debug":true}'],
  ['{"debug":true}', "-D"],
  ['{"debug":true,"log-level":"warn"}', "-D", "-l", "info"],
  ['{"hosts":["unix:///a"]}', "-H", "unix:///b"],
  ['{"hosts":["foo://a"]}'],
  ['{"labels":["a=b"]}', "--label", "c=d"],
  ['{"labels":["a"]}'],
  ['{"foo":1}'],
  ['{"Debug":true}'],
  ['{"debug":"x"}'],
  ['{"debug":'],
  ["[]"],
  ["{} x"],
  ['{"labels":["a=b",]}'],
  ['{"mtu":-1}'],
  ['{"mtu":1.5}'],
  ['{"mtu":"5"}'],
  ['{"log-level":"foo"}'],
  ['{"log-format":"foo"}'],
  ['{"log-opts":{"a":1}}'],
  ['{"log-opts":{"max-size":"10m"}}', "--log-opt", "max-file=3"],
  ['{"max-concurrent-downloads":-1}'],
  ['{"max-concurrent-downloads":0}'],
  ['{"max-concurrent-uploads":-1}'],
  ['{"max-download-attempts":-1}'],
  ['{"default-shm-size":"x"}'],
  ['{"default-shm-size":"64M"}'],
  ['{"default-ulimits":{"nofile":{"Name":"nofile","Hard":20,"Soft":10}}}'],
  ['{"default-ipc-mode":"host"}'],
  ['{"default-ipc-mode":"bla"}'],
  ['{"default-cgroupns-mode":"foo"}'],
  ['{"exec-opts":["a=b"]}'],
  ['{"exec-opts":["a"]}'],
  ['{"exec-opts":["isolation=x"]}'],
  ['{"registry-mirrors":["foo"]}'],
  ['{"registry-mirrors":["ftp://foo"]}'],
  ['{"registry-mirrors":["https://foo?x"]}'],
  ['{"registry-mirrors":["https://u:p@foo"]}'],
  ['{"registry-mirrors":["https://foo/x"]}'],
  ['{"insecure-registries":"x"}'],
  ['{"proxies":{"http-proxy":"x"}}'],
  ['{"proxies":{"http-proxy":"x"}}', "--http-proxy", "y"],
  ['{"proxies":"x"}'],
  ['{"features":{"a":"x"}}'],
  ['{"features":["a"]}'],
  ['{"host-gateway-ip":"1.2.3.4"}'],
  ['{"host-gateway-ip":"1.2.3.4"}', "--host-gateway-ip", "1.1.1.1"],
  ['{"default-network-opts":{"bridge":{"a":"b"}}}', "--default-network-opt", "bridge=c=d"],
  ['{"default-address-pools":[{"base":"10.0.0.0/8","size":24}]}'],
  ['{"live-restore":true}'],
  ['{"live-restore":true}', "--live-restore=false"],
  ['{"debug":null}'],
];

testUnless(noDockerd)("what is said of files and flags", () => {
  const all = (program: string): unknown[] =>
    rows.map(([content, ...flags]) => [content, flags, validate(program, content, flags)]);
  expect(all(own)).toEqual(all(dockerdPath ?? ""));
});

test("flags that it doesn't know", () => {
  expect(ended(spawnSync(own, ["--nope"])).stderr).toStartWith("unknown flag: --nope\n");
  expect(ended(spawnSync(own, ["--version"])).stdout).toContain("caisson version");
});
