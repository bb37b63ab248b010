/**
 * The first containers after the engine's start shall be as quick as later ones: what every start runs through is run on
 * a made-up container until the JIT has compiled it. Nothing is done to the host.
 * @module
 */
import type { CgroupDriver } from "../cgroup/mod.ts";
import { encodeProgram } from "../kernel/mod.ts";
import { compile, type Spec } from "../runtime/mod.ts";
import { mergeConfig } from "./config-merge.ts";
import { configJson } from "./config-json.ts";
import type { ContainerRecord } from "./container.ts";
import { checkHostConfig, completeHostConfig, type HostDefaults } from "./host-config.ts";
import { makeSpec, processCapabilities } from "./oci-spec.ts";
import { containerResources } from "./resources.ts";
import type { SeccompFilters } from "./seccomp.ts";

const rounds = 120;
/** Milliseconds of work after which the event loop has its turn. */
const slice = 4;
/** Milliseconds after which the rest is left: where that many rounds take longer (an emulator), they are no help. */
const longest = 3000;

/** What a start needs of the engine. */
export interface WarmUpParts {
  readonly defaults: HostDefaults;
  readonly seccomp: SeccompFilters;
  readonly cgroups: CgroupDriver;
  /** Whether somebody wants something: then this stops, since real work warms too. */
  readonly busy: () => boolean;
}

function rehearse({ defaults, seccomp, cgroups }: WarmUpParts, round: number): void {
  const id = round.toString(16).padStart(64, "0");
  const body = { Image: "warm-up", Cmd: ["true"], HostConfig: { NetworkMode: "none" } };
  const hostConfig = completeHostConfig(body, defaults);
  checkHostConfig(hostConfig, defaults);
  const record: ContainerRecord = {
    id,
    created: "",
    path: "true",
    args: [],
    imageId: "",
    chain: [],
    config: mergeConfig(body, { Env: ["PATH=/bin"] }, id.slice(0, 12)),
    hostConfig,
    networking: {},
    mounts: [],
    idRange: 0,
    userNamespace: { mode: "private", reason: "" },
    platform: "linux",
  };
  const capabilities = processCapabilities(hostConfig, 0, defaults.capabilities, false);
  const filter = seccomp.filter(hostConfig, capabilities.bounding ?? []);
  const cgroup = cgroups.locate(cgroups.defaultParent, id);
  const spec: Spec = makeSpec(record, {
    user: { uid: 0, gid: 0, groups: [0], home: "/" },
    directory: "/warm-up",
    capabilities: defaults.capabilities,
    cgroupsPath: cgroup.path,
    noNewPrivileges: false,
    ulimits: [],
    layerPaths: () => [],
  });
  configJson(filter === undefined ? spec : { ...spec, linux: { ...spec.linux, seccomp: filter.oci } });
  const program = compile({
    id,
    spec,
    root: { kind: "overlay", lower: ["/warm-up"], upper: "/warm-up", work: "/warm-up" },
    cgroup: { driver: cgroups, cgroup, resources: containerResources(hostConfig) },
    isDirectory: () => false,
    openStdin: false,
    lastCapability: 40,
    ...(filter === undefined ? {} : { seccomp: { filter: filter.filter, flags: filter.flags } }),
  });
  encodeProgram(program);
}

/** Rehearses in slices, so that requests are answered meanwhile; resolves when it is done or somebody came. */
export async function warmUp(parts: WarmUpParts): Promise<void> {
  const end = performance.now() + longest;
  for (let round = 0; round < rounds;) {
    if (parts.busy() || performance.now() > end) return;
    const until = performance.now() + slice;
    do rehearse(parts, round++);
    while (round < rounds && performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
