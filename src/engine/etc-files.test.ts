import { expect, test } from "bun:test";
import { hostnameFile, hostsFile, ownNames } from "./etc-files.ts";
import { completeHostConfig } from "./host-config.ts";
import { defaults } from "./testing.ts";

const host = (change: object): ReturnType<typeof completeHostConfig> =>
  completeHostConfig({ HostConfig: { NetworkMode: "none", ...change } }, defaults);

const nothing = { hostFile: "", gateway: [], addresses: [], names: "" };

test("hosts ends with the container's addresses; host-gateway is where the engine says", () => {
  const file = hostsFile(host({ NetworkMode: "n1", ExtraHosts: ["up:host-gateway"] }), {
    ...nothing,
    gateway: ["172.17.0.1"],
    addresses: ["10.99.0.7", "fd00:99::2"],
    names: ownNames({ Hostname: "hh", Domainname: "lan" }),
  });
  expect(file).toEndWith("172.17.0.1\tup\n10.99.0.7\thh.lan hh\nfd00:99::2\thh.lan hh\n");
  expect(() => hostsFile(host({ ExtraHosts: ["up:host-gateway"] }), nothing)).toThrow(
    "unable to derive the IP value for host-gateway",
  );
});

test("hosts begins with Docker's lines, or with the host's own on its network", () => {
  expect(hostsFile(host({ ExtraHosts: ["db:10.0.0.1", "v6=[::2]"] }), nothing)).toBe(
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n10.0.0.1\tdb\n::2\tv6\n",
  );
  expect(hostsFile(host({ NetworkMode: "host" }), { ...nothing, hostFile: "127.0.0.1 me\n" })).toBe(
    "127.0.0.1 me\n",
  );
  expect(() => hostsFile(host({ ExtraHosts: ["nonsense"] }), nothing)).toThrow(
    'bad format for add-host: "nonsense"',
  );
});

test("hostname has no domain", () => {
  const config = { Hostname: "a", Domainname: "b.c" } as Parameters<typeof hostnameFile>[0];
  expect(hostnameFile(config)).toBe("a\n");
});
