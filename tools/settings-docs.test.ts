import { expect, test } from "bun:test";
import { settingsPage } from "./settings-docs.ts";

/** `dockerd --help` of 28.5.2, and what 29 and daemon.json have beside it. */
const names =
  `add-runtime allow-direct-routing authorization-plugin bip bip6 bridge bridge-accept-fwmark cdi-spec-dir cgroup-parent
  config-file containerd containerd-namespace containerd-plugins-namespace cpu-rt-period cpu-rt-runtime cri-containerd
  data-root debug default-address-pool default-cgroupns-mode default-gateway default-gateway-v6 default-ipc-mode
  default-network-opt default-runtime default-shm-size default-ulimit dns dns-opt dns-search exec-opt exec-root
  experimental feature firewall-backend fixed-cidr fixed-cidr-v6 group host host-gateway-ip http-proxy https-proxy icc
  init init-path insecure-registry ip ip-forward ip-forward-no-drop ip-masq ip6tables iptables ipv6 label live-restore
  log-driver log-format log-level log-opt max-concurrent-downloads max-concurrent-uploads max-download-attempts
  metrics-addr mtu network-control-plane-mtu no-new-privileges no-proxy node-generic-resource pidfile raw-logs
  registry-mirror rootless seccomp-profile selinux-enabled shutdown-timeout storage-driver storage-opt
  swarm-default-advertise-addr tls tlscacert tlscert tlskey tlsverify userland-proxy userland-proxy-path userns-remap
  validate version default-stop-timeout nri-opts min-api-version resolv-conf default-init builder features
  network-diagnostic-port swarm-raft-heartbeat-tick swarm-raft-election-tick deprecated-key-path api-cors-header
  allow-nondistributable-artifacts`.split(/\s+/);

test("every setting that dockerd has is honoured or refused", () => {
  const page = settingsPage();
  for (const name of names) expect(page).toMatch(new RegExp(`\`(?:-\\w, )?--${name}\`|\`${name}\``));
});

test("a setting is in one of both tables", () => {
  const flags = [...settingsPage().matchAll(/^\| `(?:-\w, )?--([\w-]+)`/gm)].map(([, name]) => name);
  expect(new Set(flags).size).toBe(flags.length);
});
