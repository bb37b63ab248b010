/**
 * OCI's linux.resources as files of version 1. Files and orders: the kernel's admin-guide/cgroup-v1.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ProgramBuilder } from "../kernel/mod.ts";
import { directoryWriter, orMax, writeInEitherOrder, type LimitWriter } from "./limit-writer.ts";
import { directoryFor } from "./location.ts";
import { isEmpty, rdmaLine } from "./resources.ts";
import type { BlockIOResources, Cgroup, CpuResources, LiveResources, MemoryResources } from "./types.ts";

/** Writes all limits but `devices`. `live`: the cgroup has limits already. */
export function writeLimitsV1(
  b: ProgramBuilder,
  cgroup: Cgroup,
  resources: LiveResources,
  live: boolean,
): void {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma, unified } = resources;
  if (unified !== undefined && !isEmpty(unified)) {
    throw failure("invalid-parameter", { message: "invalid configuration: cannot use unified on cgroup v1" });
  }
  const writer = (controller: string, limit: string): LimitWriter =>
    directoryWriter(b, directoryFor(cgroup, controller, limit));

  if (!isEmpty(memory)) writeMemory(b, writer("memory", "memory limit"), memory, live);
  if (!isEmpty(cpu)) writeCpu(b, writer, cpu);
  if (pids !== undefined) writer("pids", "pids limit")("pids.max", orMax(pids.limit), "pids limit");
  if (!isEmpty(blockIO)) writeBlockIO(b, writer("blkio", "block IO limits"), blockIO);
  for (const { pageSize, limit } of hugepageLimits ?? []) {
    const write = writer("hugetlb", "hugetlb limit");
    const what = `limit of huge pages of ${pageSize}`;
    // Reservations fault at mmap, not with SIGBUS later; kernels before 5.7 don't have them.
    write(`hugetlb.${pageSize}.rsvd.limit_in_bytes`, limit, `${what}, reserved`, ["ENOENT"]);
    write(`hugetlb.${pageSize}.limit_in_bytes`, limit, what);
  }
  if (network?.classID !== undefined) {
    writer("net_cls", "network class")("net_cls.classid", network.classID, "network class");
  }
  for (const { name, priority } of network?.priorities ?? []) {
    const write = writer("net_prio", "network priorities");
    write("net_prio.ifpriomap", `${name} ${priority}`, `network priority on ${name}`);
  }
  for (const [device, limits] of Object.entries(rdma ?? {})) {
    writer("rdma", "RDMA limits")("rdma.max", rdmaLine(device, limits), `RDMA limits of ${device}`);
  }
}

function writeMemory(b: ProgramBuilder, write: LimitWriter, memory: MemoryResources, live: boolean): void {
  const { limit, swap, reservation, kernelTCP, swappiness, disableOOMKiller } = memory;
  const limitFile = (): void => {
    if (limit !== undefined) write("memory.limit_in_bytes", limit, "memory limit");
  };
  if (swap === undefined) {
    limitFile();
  } else {
    const swapFile = ["memory.memsw.limit_in_bytes", swap, "limit of memory and swap"] as const;
    // The kernel refuses a limit of both below that of memory. A new cgroup has neither: memory first always works.
    if (live && limit !== undefined) {
      writeInEitherOrder(b, write, swapFile, limitFile);
    } else {
      limitFile();
      write(...swapFile);
    }
  }
  if (reservation !== undefined) write("memory.soft_limit_in_bytes", reservation, "memory reservation");
  if (kernelTCP !== undefined) write("memory.kmem.tcp.limit_in_bytes", kernelTCP, "limit of TCP buffers");
  if (swappiness !== undefined) write("memory.swappiness", swappiness, "swappiness");
  if (disableOOMKiller !== undefined) {
    write("memory.oom_control", Number(disableOOMKiller), "state of the OOM killer");
  }
}

function writeCpu(
  b: ProgramBuilder,
  writer: (controller: string, limit: string) => LimitWriter,
  cpu: CpuResources,
): void {
  const { shares, quota, period, burst, realtimeRuntime, realtimePeriod, cpus, mems, ...rest } = cpu;
  if (!isEmpty({ ...rest, shares, quota, period, burst, realtimeRuntime, realtimePeriod })) {
    const write = writer("cpu", "CPU limits");
    if (rest.idle !== undefined) write("cpu.idle", rest.idle, "CPU idle policy");
    if (shares !== undefined) write("cpu.shares", shares, "CPU shares");
    if (realtimePeriod !== undefined) write("cpu.rt_period_us", realtimePeriod, "CPU real-time period");
    if (realtimeRuntime !== undefined) write("cpu.rt_runtime_us", realtimeRuntime, "CPU real-time runtime");
    writeBandwidth(b, write, { quota, period, burst });
  }
  if (cpus !== undefined) writer("cpuset", "CPU set")("cpuset.cpus", cpus, "CPU set");
  if (mems !== undefined) writer("cpuset", "memory nodes")("cpuset.mems", mems, "memory nodes");
}

/** A period may be too short for the old quota, a burst too large for it: then they come after the new one. */
function writeBandwidth(
  b: ProgramBuilder,
  write: LimitWriter,
  { quota, period, burst }: Pick<CpuResources, "quota" | "period" | "burst">,
): void {
  const quotaFile = (): void => {
    if (quota !== undefined) write("cpu.cfs_quota_us", quota, "CPU quota");
  };
  const periodFile = (): void => {
    if (period === undefined) {
      quotaFile();
    } else if (quota === undefined) {
      write("cpu.cfs_period_us", period, "CPU period");
    } else {
      writeInEitherOrder(b, write, ["cpu.cfs_period_us", period, "CPU period"], quotaFile);
    }
  };
  if (burst === undefined) {
    periodFile();
  } else if (quota === undefined) {
    periodFile();
    write("cpu.cfs_burst_us", burst, "CPU burst");
  } else {
    writeInEitherOrder(b, write, ["cpu.cfs_burst_us", burst, "CPU burst"], periodFile);
  }
}

function writeBlockIO(b: ProgramBuilder, write: LimitWriter, blockIO: BlockIOResources): void {
  // Whose file it is depends on the I/O scheduler: BFQ's, or CFQ's on kernels before 5.0.
  const weight = (suffix: string, value: string | number, what: string): void => {
    const bfq = write(`blkio.bfq.${suffix}`, value, what, ["ENOENT"]);
    b.skipIf("unless BFQ is missing", bfq, ">=0", 0, () => {
      write(`blkio.${suffix}`, value, what);
    });
  };
  if (blockIO.weight !== undefined) weight("weight", blockIO.weight, "block IO weight");
  for (const { major, minor, weight: value } of blockIO.weightDevice ?? []) {
    weight("weight_device", `${major}:${minor} ${value}`, `block IO weight of ${major}:${minor}`);
  }
  const throttles = [
    [blockIO.throttleReadBpsDevice, "read_bps", "read rate"],
    [blockIO.throttleWriteBpsDevice, "write_bps", "write rate"],
    [blockIO.throttleReadIOPSDevice, "read_iops", "read operations rate"],
    [blockIO.throttleWriteIOPSDevice, "write_iops", "write operations rate"],
  ] as const;
  for (const [devices, file, what] of throttles) {
    for (const { major, minor, rate } of devices ?? []) {
      write(`blkio.throttle.${file}_device`, `${major}:${minor} ${rate}`, `${what} of ${major}:${minor}`);
    }
  }
}
