/**
 * A process in a running container as a program: a process between enters the container's cgroup and namespaces and
 * clones the new process there as the shim's child.
 * @module
 */
import { CLONE, flags, int, ProgramBuilder, CWD, type Program, slotList } from "../kernel/mod.ts";
import type { Cgroup, CgroupDriver } from "../cgroup/mod.ts";
import { openEntrance } from "./cgroup-entrance.ts";
import { makeShimSlots } from "./context.ts";
import { makeTerminalPair, type HostIds } from "./devices.ts";
import { clearMask } from "./mounts.ts";
import { joinFlags } from "./namespaces.ts";
import { becomeProcess, becomeRoot, giveStreams, setOomScore, setStreams } from "./process.ts";
import { handOver, receive, type Handover } from "./slots.ts";
import type { SpecProcess } from "./spec.ts";

export interface ExecContext {
  readonly process: SpecProcess;
  /** The container's first process. */
  readonly pid: number;
  /** Namespaces of it that differ from the host's. */
  readonly namespaces: ReadonlySet<string>;
  /** The container's cgroup. */
  readonly cgroup?: { readonly driver: CgroupDriver; readonly cgroup: Cgroup };
  readonly ids: HostIds;
  readonly openStdin: boolean;
  readonly seccomp?: { readonly filter: Uint8Array; readonly flags: number };
  readonly lastCapability: number;
}

/** Compiles the start of another process in a running container. */
export function compileExec(context: ExecContext): Program {
  const b = new ProgramBuilder();
  const { process, ids } = context;
  const streams = makeShimSlots(b);
  const target = b.slot("the container's process");
  const outer = b.slot("channel of the process between");
  const inner = b.slot("channel");
  const pidfd = b.slot("pidfd");
  const slave = b.slot("terminal's slave");
  const terminal = process.terminal === true ? streams.terminal : undefined;
  const handover: Handover = { outer, inner, pidfd, terminal };
  clearMask(b);
  b.call("find the container's process", "pidfd_open", [context.pid, 0], { into: target });
  if (terminal === undefined) {
    giveStreams(b, streams, context.openStdin, process.user, ids);
  }
  const entrance =
    context.cgroup === undefined ? undefined : openEntrance(b, context.cgroup.driver, context.cgroup.cgroup);
  const first = { flags: int(0, "0"), channel: outer, cgroup: entrance?.slot };
  const between = b.clone("make the process between", first, () => {
    entrance?.enter(b);
    setOomScore(b, "self", process.oomScoreAdj);
    b.call("enter the container's namespaces", "setns", [target, joinFlags(context.namespaces)]);
    const pid = b.clone("make the process", { flags: flags(CLONE, "PARENT"), pidfd, channel: inner }, () => {
      becomeRoot(b);
      if (terminal !== undefined) {
        makeTerminalPair(b, CWD, "/dev/pts/ptmx", { master: terminal, slave }, process.consoleSize);
        b.call("give the terminal to the process", "fchown", [slave, process.user.uid, process.user.gid]);
        b.composite("pass the terminal", "pass", [inner, slotList([terminal])]);
      }
      setStreams(b, streams, terminal === undefined ? undefined : slave);
      becomeProcess(b, process, inner, {
        seccomp: context.seccomp,
        lastCapability: context.lastCapability,
        dieWithShim: false,
      });
    });
    handOver(b, handover, pid);
  });
  entrance?.close(b);
  receive(b, handover, between);
  return b.build();
}
