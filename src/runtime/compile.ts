/**
 * A bundle's config.json → the program that a shim runs to start the container. The program's order:
 *
 *     parent (the shim)                         child (the container's process)
 *     make the cgroup and its limits
 *     clone ──────────────────────────────────▶ enters the cgroup, makes its namespaces
 *     map the ids
 *     make root, /dev, binds as detached mounts
 *     make its network's links ◀─────────────── says that its namespaces are there
 *     pass them ──────────────────────────────▶ becomes root of its user namespace
 *                                               attaches the mounts, pivots
 *                                               host name, sysctls
 *     take the terminal ◀────────────────────── opens the terminal
 *                                               addresses, routes, loopback
 *     wait for exec ◀────────────────────────── limits, user, capabilities, filter, exec
 * @module
 */
import {
  CLONE,
  CWD,
  flags,
  int,
  MOUNT_ATTR,
  O,
  open,
  ProgramBuilder,
  setMountAttributes,
  slotList,
  text,
  writeProc,
  type Program,
  type Result,
  type Slot,
} from "../kernel/mod.ts";
import { openEntrance, type CgroupEntrance } from "./cgroup-entrance.ts";
import {
  makeShimSlots,
  type CgroupPlan,
  type CompileContext,
  type Join,
  type ShimSlotSet,
} from "./context.ts";
import { makeTerminal } from "./devices.ts";
import {
  attachMounts,
  clearMask,
  makeScratch,
  planMounts,
  prepareMounts,
  type PreparedMount,
  type Scratch,
} from "./mounts.ts";
import {
  cloneFlags,
  hostIds,
  isNew,
  joinFlags,
  mapText,
  splitCloneFlags,
  startLoopback,
} from "./namespaces.ts";
import { openDirectoryTarget } from "./paths.ts";
import { makeNothing, restrictPaths } from "./restrictions.ts";
import { becomeProcess, becomeRoot, giveStreams, setOomScore, setStreams } from "./process.ts";
import { handOver, receive, type Handover } from "./slots.ts";
import { attachRoot, makeRoot, pivotRoot } from "./rootfs.ts";

interface Plan {
  readonly b: ProgramBuilder;
  readonly context: CompileContext;
  readonly streams: ShimSlotSet;
  readonly scratch: Scratch;
  readonly root: Slot;
  /** An empty directory, for masked paths. */
  readonly empty: Slot;
  readonly mounts: readonly PreparedMount[];
  /** The container's process's channel to whoever cloned it. */
  readonly channel: Slot;
  readonly pidfd: Slot;
  readonly user: Slot;
  readonly slave: Slot;
  /** The shim's own file, where the process begins as an init. */
  readonly init?: Slot;
}

/** Compiles the start of a container. Pure: what it needs to know of the host is in `context`. */
export function compile(context: CompileContext): Program {
  const b = new ProgramBuilder();
  const plan: Plan = {
    b,
    context,
    streams: makeShimSlots(b),
    scratch: makeScratch(b),
    root: b.slot("root"),
    empty: b.slot("empty directory"),
    mounts: planMounts(b, context),
    channel: b.slot("channel"),
    pidfd: b.slot("pidfd"),
    user: b.slot("user namespace"),
    slave: b.slot("terminal's slave"),
    ...(context.init === true ? { init: b.slot("init") } : {}),
  };
  clearMask(b);
  if (plan.init !== undefined) {
    open(b, "open the init", CWD, "/proc/self/exe", flags(O, "PATH", "CLOEXEC"), plan.init);
  }
  const entrance = makeCgroup(b, context.cgroup);
  if (context.join === undefined) compileDirect(plan, entrance);
  else compileJoined(plan, entrance, context.join);
  return b.build();
}

/** The container's process is cloned by the shim itself; the mounts follow once its user namespace exists. */
function compileDirect(plan: Plan, entrance: CgroupEntrance | undefined): void {
  const { b, context, channel, pidfd, streams } = plan;
  const list = slotList([plan.root, plan.empty, ...mountSlots(plan)]);
  const namespaces = splitCloneFlags(context.spec.linux);
  const options = { flags: namespaces.born, pidfd, channel, cgroup: entrance?.slot };
  const pid = b.clone("make the container's process", options, () => {
    entrance?.enter(b);
    if (namespaces.made !== undefined) b.call("make its other namespaces", "unshare", [namespaces.made]);
    if (context.network !== undefined) b.composite("say that they are there", "sync", [channel, 0]);
    b.composite("wait for the mounts", "take", [channel, list]);
    becomeContainer(plan);
  });
  b.composite("this is the container's process", "process", [pid, pidfd]);
  const mapped = mapIds(plan, pid);
  setOomScore(b, pid, context.spec.process.oomScoreAdj);
  entrance?.close(b);
  prepare(plan, mapped);
  if (context.network !== undefined) {
    context.network.before(b);
    b.composite("wait for its namespaces", "await", [channel, int(1, "SYNC")]);
    context.network.outside(b, pid);
  }
  b.composite("pass the mounts", "pass", [channel, list]);
  takeTerminal(plan, channel, streams.terminal);
  b.composite("wait until it executes its program", "await", [channel, int(2, "EOF")]);
}

/**
 * Namespaces of another container are joined by a process between: it enters them and clones the container's process as
 * the shim's child (CLONE_PARENT), so that the shim itself stays where it is. The user namespace exists before, so the
 * mounts are made first.
 */
function compileJoined(plan: Plan, entrance: CgroupEntrance | undefined, join: Join): void {
  const { b, context, channel, pidfd, streams, user } = plan;
  const outer = b.slot("channel of the process between");
  const target = b.slot("the joined process");
  const terminal = context.spec.process.terminal === true ? streams.terminal : undefined;
  const { network } = context;
  const handover: Handover = { outer, inner: channel, pidfd, terminal, connects: network !== undefined };
  b.call("find the joined process", "pidfd_open", [join.pid, 0], { into: target });
  const others = (join.others ?? []).map(({ pid, namespaces }, index) => {
    const slot = b.slot(`joined process ${index + 2}`);
    b.call(`find ${slot.name}`, "pidfd_open", [pid, 0], { into: slot });
    return { slot, namespaces };
  });
  const mapped = join.namespaces.has("user");
  if (mapped) {
    open(b, "open its user namespace", CWD, `/proc/${join.pid}/ns/user`, flags(O, "RDONLY", "CLOEXEC"), user);
  }
  prepare(plan, mapped);
  const between = b.clone(
    "make the process between",
    { flags: int(0, "0"), channel: outer, cgroup: entrance?.slot },
    () => {
      entrance?.enter(b);
      setOomScore(b, "self", context.spec.process.oomScoreAdj);
      b.call("enter the joined namespaces", "setns", [target, joinFlags(join.namespaces)]);
      for (const { slot, namespaces } of others)
        b.call(`enter those of ${slot.name}`, "setns", [slot, joinFlags(namespaces)]);
      const names = cloneFlags(context.spec.linux);
      const parent = int(Number(names.value) | CLONE.values.PARENT, `CLONE_PARENT|${names.text}`);
      const pid = b.clone("make the container's process", { flags: parent, pidfd, channel }, () => {
        becomeContainer(plan, true);
      });
      handOver(b, handover, pid);
    },
  );
  entrance?.close(b);
  receive(b, handover, between, (pid) => {
    network?.before(b);
    network?.outside(b, pid);
  });
}

/** Adds the making of the cgroup and opens the way into it. */
function makeCgroup(b: ProgramBuilder, plan: CgroupPlan | undefined): CgroupEntrance | undefined {
  if (plan === undefined) return undefined;
  plan.driver.prepareParent(b, plan.cgroup);
  const made = plan.driver.create(b, plan.cgroup, plan.resources);
  return openEntrance(b, plan.driver, made);
}

function mountSlots({ mounts }: Plan): Slot[] {
  return mounts.flatMap(({ slot, children }) => [slot, ...children.map((child) => child.slot)]);
}

/** Adds the id maps of a new user namespace and opens it; whether there is one. */
function mapIds({ b, context, user }: Plan, pid: Result): boolean {
  const { linux } = context.spec;
  if (!isNew(linux, "user")) return false;
  writeProc(b, "map its user ids", text("/proc/", pid, "/uid_map"), mapText(linux.uidMappings ?? []));
  writeProc(b, "map its group ids", text("/proc/", pid, "/gid_map"), mapText(linux.gidMappings ?? []));
  open(
    b,
    "open its user namespace",
    CWD,
    text("/proc/", pid, "/ns/user"),
    flags(O, "RDONLY", "CLOEXEC"),
    user,
  );
  return true;
}

/** Adds what only the host's root may do: the root, the binds, /dev, the streams' owner. */
function prepare(plan: Plan, mapped: boolean): void {
  const { b, context, empty, mounts, root, scratch, streams, user } = plan;
  const ids = hostIds(context.spec.linux);
  const idmap = mapped ? user : undefined;
  makeRoot(b, context.root, idmap, scratch.context, root);
  prepareMounts(b, context, mounts, ids, idmap, scratch);
  makeNothing(b, context, ids, scratch.context, empty);
  const { process } = context.spec;
  if (process.terminal !== true) giveStreams(b, streams, context.openStdin, process.user, ids);
}

function takeTerminal({ b, context }: Plan, channel: Slot, into: Slot): void {
  if (context.spec.process.terminal !== true) return;
  b.composite("take the terminal", "take", [channel, slotList([into])]);
}

/** Adds, in the container's process, its side of its network. */
function connect({ b, channel, context: { network } }: Plan, waits: boolean): void {
  if (network === undefined) {
    startLoopback(b);
    return;
  }
  if (waits) b.composite("wait for the network", "await", [channel, int(1, "SYNC")]);
  network.inside(b);
}

/** Adds everything that the container's process does from its birth to exec. `waits`: for the shim to make its links. */
function becomeContainer(plan: Plan, waits = false): void {
  const { b, context, channel, mounts, root, scratch, slave, streams } = plan;
  const { process, linux, hostname, domainname } = context.spec;
  clearMask(b);
  becomeRoot(b);
  if (isNew(linux, "cgroup")) {
    b.call("make a cgroup namespace", "unshare", [flags(CLONE, "NEWCGROUP")]);
  }
  attachRoot(b, root, scratch.target);
  attachMounts(b, context, root, mounts, scratch);
  if (hostname !== undefined && isNew(linux, "uts")) {
    b.call("set the host name", "sethostname", [hostname, Buffer.byteLength(hostname)]);
    if (domainname !== undefined && domainname !== "") {
      b.call("set the domain name", "setdomainname", [domainname, Buffer.byteLength(domainname)]);
    }
  }
  if (process.terminal === true) {
    const terminal = { master: streams.terminal, slave, mount: scratch.mount, console: scratch.target };
    makeTerminal(b, root, terminal, process.consoleSize);
    const { uid, gid } = process.user;
    b.call("give the terminal to the process", "fchown", [slave, uid, gid]);
    b.composite("pass the terminal", "pass", [channel, slotList([streams.terminal])]);
  }
  if (isNew(linux, "network")) connect(plan, waits);
  // The working directory is made where it is missing.
  openDirectoryTarget(b, root, process.cwd, scratch.target, scratch.directory);
  pivotRoot(b, root, linux.rootfsPropagation);
  for (const [key, value] of Object.entries(linux.sysctl ?? {})) {
    writeProc(b, `set ${key}`, `/proc/sys/${key.replaceAll(".", "/")}`, value);
  }
  restrictPaths(b, context, root, plan.empty, scratch);
  if (context.spec.root.readonly === true) {
    setMountAttributes(b, "make the root read-only", root, { set: flags(MOUNT_ATTR, "RDONLY") });
  }
  setStreams(b, streams, process.terminal === true ? slave : undefined);
  becomeProcess(b, process, channel, {
    seccomp: context.seccomp,
    lastCapability: context.lastCapability,
    dieWithShim: true,
    ...(plan.init === undefined ? {} : { init: plan.init }),
  });
}
