/**
 * A small container for the tests of this folder.
 * @module
 */
import type { CompileContext } from "./context.ts";
import type { Spec } from "./spec.ts";

const mapping = [{ containerID: 0, hostID: 0x70000000, size: 65536 }];

/** config.json of a container with everything new, its user namespace included. */
export function exampleSpec(change: Partial<Spec> = {}): Spec {
  return {
    ociVersion: "1.2.1",
    process: {
      user: { uid: 0, gid: 0, additionalGids: [10] },
      args: ["sh", "-c", "true"],
      env: ["PATH=/usr/bin:/bin", "HOME=/root"],
      cwd: "/work",
      capabilities: {
        bounding: ["CAP_CHOWN", "CAP_KILL"],
        effective: ["CAP_CHOWN", "CAP_KILL"],
        permitted: ["CAP_CHOWN", "CAP_KILL"],
        inheritable: [],
        ambient: [],
      },
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 4096 }],
      noNewPrivileges: false,
      oomScoreAdj: 100,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "example",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755"] },
      {
        destination: "/etc/hosts",
        type: "bind",
        source: "/data/hosts",
        options: ["rbind", "rprivate", "idmap"],
      },
      { destination: "/data", type: "bind", source: "/srv", options: ["rbind", "rprivate", "rro", "idmap"] },
    ],
    linux: {
      namespaces: [
        { type: "mount" },
        { type: "user" },
        { type: "network" },
        { type: "pid" },
        { type: "ipc" },
        { type: "uts" },
      ],
      uidMappings: mapping,
      gidMappings: mapping,
      sysctl: { "net.ipv4.ip_unprivileged_port_start": "0" },
      maskedPaths: ["/proc/kcore"],
      readonlyPaths: ["/proc/sys"],
    },
    ...change,
  };
}

/** Everything that compiling the example needs. */
export function exampleContext(change: Partial<CompileContext> = {}): CompileContext {
  return {
    id: "example",
    spec: exampleSpec(),
    root: { kind: "overlay", lower: ["/layers/b", "/layers/a"], upper: "/c/diff", work: "/c/work" },
    isDirectory: (source) => source !== "/data/hosts",
    openStdin: true,
    lastCapability: 40,
    ...change,
  };
}
