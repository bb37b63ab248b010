/**
 * The last steps of a container's process, for its first one and for an exec alike: streams, limits, user,
 * capabilities, directory, filter, exec. Order matters: each step gives up what a later one no longer needs.
 * @module
 */
import { failure } from "../errors/mod.ts";
import {
  AT,
  bytes,
  flags,
  int,
  PR,
  struct,
  text,
  vector,
  writeProc,
  type ProgramBuilder,
  type Result,
  type Slot,
} from "../kernel/mod.ts";
import { capabilityBits, capabilityMask, capsetData, capsetHeader } from "../security/mod.ts";
import type { ShimSlotSet } from "./context.ts";
import type { HostIds } from "./devices.ts";
import type { SpecProcess } from "./spec.ts";

/** The channel's descriptor once the rest is closed: above the streams, below every RLIMIT_NOFILE. */
const CHANNEL = 63;
/** That of the init that the process begins as, likewise. */
const INIT = 62;
/** What processes see of it, as of Docker's. */
const initName = "/sbin/docker-init";
const O_CLOEXEC = int(0o2000000, "O_CLOEXEC");

const rlimits: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/**
 * Adds a session of its own and the three streams; with a terminal its slave is all three and becomes the controlling
 * terminal.
 */
export function setStreams(
  b: ProgramBuilder,
  streams: Pick<ShimSlotSet, "stdin" | "stdout" | "stderr">,
  terminal: Slot | undefined,
): void {
  b.call("begin a session", "setsid", []);
  b.call("set stdin", "dup3", [terminal ?? streams.stdin, 0, 0]);
  b.call("set stdout", "dup3", [terminal ?? streams.stdout, 1, 0]);
  b.call("set stderr", "dup3", [terminal ?? streams.stderr, 2, 0]);
  if (terminal !== undefined) {
    b.call("make the terminal the controlling one", "ioctl", [0, int(0x540e, "TIOCSCTTY"), 0]);
  }
}

/**
 * Adds how soon the kernel kills a process for memory (proc_pid_oom_score_adj(5)). Written from outside or before the
 * user changes: afterwards the file isn't the process's own any more. Lowering it takes CAP_SYS_RESOURCE, which not
 * every host gives; what was asked for by default (0 or less) is left then.
 */
export function setOomScore(b: ProgramBuilder, pid: Result | "self", score: number | undefined): void {
  if (score === undefined) return;
  const path = text("/proc/", pid, "/oom_score_adj");
  const tolerate = score <= 0 ? (["EACCES", "EPERM"] as const) : [];
  writeProc(b, "set how soon it is killed for memory", path, String(score), { tolerate });
}

/**
 * Adds that the process owns its streams, so that it may open /dev/stdout anew. stdin may be the host's /dev/null, which
 * stays as it is. Done from outside: `ids` are the host's.
 */
export function giveStreams(
  b: ProgramBuilder,
  { stdin, stdout, stderr }: Pick<ShimSlotSet, "stdin" | "stdout" | "stderr">,
  openStdin: boolean,
  { uid, gid }: SpecProcess["user"],
  ids: HostIds,
): void {
  for (const stream of openStdin ? [stdin, stdout, stderr] : [stdout, stderr]) {
    b.call(`give ${stream.name} to the process`, "fchown", [stream, ids.uid(uid), ids.gid(gid)]);
  }
}

/** Adds that a process that has just entered a user namespace is its root, without groups of the host. */
export function becomeRoot(b: ProgramBuilder): void {
  b.call("take no groups of the host along", "setgroups", [0, 0]);
  b.call("become the container's root group", "setresgid", [0, 0, 0]);
  b.call("become the container's root", "setresuid", [0, 0, 0]);
}

/** Closes every descriptor but the streams and the channel, so that none can be found by a path such as /proc/self/fd/7. */
function closeOthers(b: ProgramBuilder, channel: Slot, init: Slot | undefined): void {
  if (init !== undefined) b.call("move the init away", "dup3", [init, INIT, O_CLOEXEC], { into: init });
  b.call("move the channel away", "dup3", [channel, CHANNEL, O_CLOEXEC], { into: channel });
  b.call("close everything else", "close_range", [3, (init === undefined ? CHANNEL : INIT) - 1, 0]);
  b.call("close everything above", "close_range", [CHANNEL + 1, int(0xffffffff, "~0U"), 0]);
}

/** prlimit64(2) of each limit of config.json. */
function setLimits(b: ProgramBuilder, process: SpecProcess): void {
  const seen = new Set<string>();
  for (const { type, soft, hard } of process.rlimits ?? []) {
    const resource = rlimits[type];
    if (resource === undefined) {
      throw failure("invalid-parameter", { message: `unknown rlimit ${type}` });
    }
    if (seen.has(type)) throw failure("invalid-parameter", { message: `rlimit ${type} is given twice` });
    seen.add(type);
    const content = new Uint8Array(16);
    const view = new DataView(content.buffer);
    view.setBigUint64(0, soft < 0 ? 0xffffffffffffffffn : BigInt(soft), true);
    view.setBigUint64(8, hard < 0 ? 0xffffffffffffffffn : BigInt(hard), true);
    const shown = struct(content, `{rlim_cur=${soft}, rlim_max=${hard}}`);
    b.call(`limit ${type}`, "prlimit64", [0, int(resource, type), shown, 0]);
  }
}

/** setgroups(2), setresgid(2), setresuid(2); the capabilities survive until capset(2) sets them. */
function setUser(b: ProgramBuilder, { user }: SpecProcess): void {
  const groups = new Uint32Array(user.additionalGids ?? []);
  const list = bytes(new Uint8Array(groups.buffer), `[${[...groups].join(", ")}]`);
  b.call("keep the capabilities for a moment", "prctl", [flags(PR, "SET_KEEPCAPS"), 1, 0, 0, 0]);
  b.call("set the supplementary groups", "setgroups", [groups.length, groups.length === 0 ? 0 : list]);
  b.call("set the group", "setresgid", [user.gid, user.gid, user.gid]);
  b.call("set the user", "setresuid", [user.uid, user.uid, user.uid]);
}

/** Drops from the bounding set what the process may never get (capabilities(7)). */
function setBounding(b: ProgramBuilder, bounding: readonly string[], last: number): void {
  const keep = capabilityMask(bounding);
  const names = new Map(Object.entries(capabilityBits).map(([name, bit]) => [bit, name]));
  for (let bit = 0; bit <= last; bit++) {
    if ((keep & (1n << BigInt(bit))) !== 0n) continue;
    const name = names.get(bit) ?? `capability ${bit}`;
    // EINVAL: the kernel is older than this capability.
    b.call(`give up ${name} for good`, "prctl", [flags(PR, "CAPBSET_DROP"), int(bit, name), 0, 0, 0], {
      tolerate: ["EINVAL"],
    });
  }
}

function setCapabilities(b: ProgramBuilder, process: SpecProcess): void {
  const sets = process.capabilities ?? {};
  const names = {
    effective: sets.effective ?? [],
    permitted: sets.permitted ?? [],
    inheritable: sets.inheritable ?? [],
  };
  const shown = Object.entries(names).map(([name, set]) => `${name}=0x${capabilityMask(set).toString(16)}`);
  b.call("set the capabilities", "capset", [
    bytes(capsetHeader(), "{_LINUX_CAPABILITY_VERSION_3, 0}"),
    bytes(capsetData(names), `{${shown.join(", ")}}`),
  ]);
  b.call("clear the ambient capabilities", "prctl", [
    flags(PR, "CAP_AMBIENT"),
    flags(PR, "CAP_AMBIENT_CLEAR_ALL"),
    0,
    0,
    0,
  ]);
  for (const name of sets.ambient ?? []) {
    const bit = capabilityBits[name];
    if (bit === undefined) continue;
    const raise = flags(PR, "CAP_AMBIENT_RAISE");
    b.call(`keep ${name} across exec`, "prctl", [flags(PR, "CAP_AMBIENT"), raise, int(bit, name), 0, 0]);
  }
}

/** seccomp(2) with a filter that src/security compiled. */
function setFilter(b: ProgramBuilder, seccomp: { filter: Uint8Array; flags: number }): void {
  const program = new Uint8Array(16);
  const count = seccomp.filter.length / 8;
  new DataView(program.buffer).setUint16(0, count, true);
  const shown = `{len=${count}, filter}`;
  const pointer = { offset: 8, width: 8 as const, value: bytes(seccomp.filter, `${count} instructions`) };
  b.call("restrict system calls", "seccomp", [
    int(1, "SECCOMP_SET_MODE_FILTER"),
    int(seccomp.flags, `0x${seccomp.flags.toString(16)}`),
    struct(program, shown, [pointer]),
  ]);
}

/** execveat(2) of this program's own file, which starts the command then; see native/init.c. */
function executeInit(b: ProgramBuilder, init: Slot, { args, env }: SpecProcess): void {
  const argv = vector([initName, "--", ...args]);
  b.call("execute the init", "execveat", [init, "", argv, vector(env), flags(AT, "EMPTY_PATH")]);
}

/** execve(2): by path, or by the search that execvp(3) makes in the PATH of the process's own environment. */
function execute(b: ProgramBuilder, { args, env }: SpecProcess): void {
  const file = args[0];
  if (file === undefined) throw failure("invalid-parameter", { message: "no command specified" });
  const argv = vector(args);
  const envp = vector(env);
  if (file.includes("/")) {
    b.call(`execute ${file}`, "execve", [file, argv, envp]);
    return;
  }
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice(5) ?? "";
  for (const directory of path.split(":")) {
    if (!directory.startsWith("/")) continue;
    b.call(
      `execute ${file} from ${directory}`,
      "execve",
      [`${directory.replace(/\/$/, "")}/${file}`, argv, envp],
      {
        tolerate: ["ENOENT", "ENOTDIR", "EACCES", "ELOOP"],
      },
    );
  }
  b.composite(`find ${file} in PATH`, "fail", [int(2, "ENOENT")]);
}

/**
 * Adds everything from the limits to exec. `channel` is the child's end; `lastCapability` is what
 * /proc/sys/kernel/cap_last_cap says.
 */
export function becomeProcess(
  b: ProgramBuilder,
  process: SpecProcess,
  channel: Slot,
  options: {
    readonly seccomp?: { readonly filter: Uint8Array; readonly flags: number };
    readonly lastCapability: number;
    /** The shim's own file, which the process begins as; undefined: it is its command at once. */
    readonly init?: Slot;
    /** Ends the process when its shim dies. */
    readonly dieWithShim: boolean;
  },
): void {
  const { seccomp, init, lastCapability, dieWithShim } = options;
  closeOthers(b, channel, init);
  setLimits(b, process);
  b.call("set the file mode mask", "umask", [int(process.user.umask ?? 0o022, "022")]);
  const early = seccomp !== undefined && process.noNewPrivileges !== true;
  if (process.capabilities !== undefined) setBounding(b, process.capabilities.bounding ?? [], lastCapability);
  if (early) setFilter(b, seccomp);
  setUser(b, process);
  changeDirectory(b, process);
  if (process.capabilities !== undefined) setCapabilities(b, process);
  if (process.noNewPrivileges === true) {
    b.call("forbid new privileges", "prctl", [flags(PR, "SET_NO_NEW_PRIVS"), 1, 0, 0, 0]);
  }
  if (dieWithShim)
    b.call("die with the shim", "prctl", [flags(PR, "SET_PDEATHSIG"), int(9, "SIGKILL"), 0, 0, 0]);
  if (seccomp !== undefined && !early) setFilter(b, seccomp);
  if (init === undefined) execute(b, process);
  else executeInit(b, init, process);
}

/** chdir(2), and a check that the kernel can name the place: one outside of the root begins with `(unreachable)`. */
function changeDirectory(b: ProgramBuilder, process: SpecProcess): void {
  const where = b.out(4096);
  b.call(`go to ${process.cwd}`, "chdir", [process.cwd]);
  b.call("ask where that is", "getcwd", [where, where.size]);
  b.composite("refuse a place outside of the root", "compare", [
    { kind: "out", offset: where.offset, size: 1 },
    int(0xff, "0xff"),
    int(0x2f, "'/'"),
    int(2, "ENOENT"),
  ]);
}
