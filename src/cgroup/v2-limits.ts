/**
 * OCI's linux.resources as files of version 2. Files: the kernel's admin-guide/cgroup-v2.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { ProgramBuilder, Slot } from "../kernel/mod.ts";
import { orMax, slotWriter, writeInEitherOrder, type LimitWriter } from "./limit-writer.ts";
import { directoryFor } from "./location.ts";
import { isEmpty, rdmaLine } from "./resources.ts";
import type { BlockIOResources, Cgroup, CpuResources, LiveResources, MemoryResources } from "./types.ts";
import { cpuWeight, ioWeight, swapMax } from "./v2-conversion.ts";

/** Writes all limits but `devices` into the cgroup whose directory `slot` refers to. */
export function writeLimitsV2(b: ProgramBuilder, cgroup: Cgroup, slot: Slot, resources: LiveResources): void {
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma, unified } = resources;
  if (!isEmpty(network)) refuse("network class or priorities");
  const write = slotWriter(b, slot);
  const need = (controller: string, limit: string): void => {
    directoryFor(cgroup, controller, limit);
  };
  if (!isEmpty(memory)) {
    need("memory", "memory limit");
    writeMemory(write, memory);
  }
  if (!isEmpty(cpu)) writeCpu(b, write, need, cpu);
  if (pids !== undefined) {
    need("pids", "pids limit");
    write("pids.max", orMax(pids.limit), "pids limit");
  }
  if (!isEmpty(blockIO)) {
    need("io", "block IO limits");
    writeBlockIO(b, write, blockIO);
  }
  for (const { pageSize, limit } of hugepageLimits ?? []) {
    need("hugetlb", "hugetlb limit");
    const what = `limit of huge pages of ${pageSize}`;
    // Reservations fault at mmap, not with SIGBUS later; kernels before 5.7 don't have them.
    write(`hugetlb.${pageSize}.rsvd.max`, limit, `${what}, reserved`, ["ENOENT"]);
    write(`hugetlb.${pageSize}.max`, limit, what);
  }
  for (const [device, limits] of Object.entries(rdma ?? {})) {
    need("rdma", "RDMA limits");
    write("rdma.max", rdmaLine(device, limits), `RDMA limits of ${device}`);
  }
  if (unified !== undefined) writeUnified(write, unified);
}

function refuse(limit: string): never {
  throw failure("invalid-parameter", { message: `cannot set ${limit}: cgroup v2 has no such limit` });
}

function writeMemory(write: LimitWriter, memory: MemoryResources): void {
  const { limit, reservation, kernelTCP, swappiness, disableOOMKiller } = memory;
  if (kernelTCP !== undefined) refuse("limit of TCP buffers");
  if (swappiness !== undefined) refuse("swappiness");
  if (disableOOMKiller === true) refuse("OOM killer off");
  const swap = swapMax(memory);
  if (swap !== undefined) {
    // A kernel without swap accounting doesn't have the file: nothing to forbid, nothing to allow.
    const tolerate = swap <= 0 ? (["ENOENT"] as const) : undefined;
    write("memory.swap.max", orMax(swap), "swap limit", tolerate);
  }
  if (limit !== undefined) write("memory.max", orMax(limit), "memory limit");
  if (reservation !== undefined) write("memory.low", orMax(reservation), "memory reservation");
}

function writeCpu(
  b: ProgramBuilder,
  write: LimitWriter,
  need: (controller: string, limit: string) => void,
  cpu: CpuResources,
): void {
  const { shares, quota, period, burst, realtimeRuntime, realtimePeriod, cpus, mems, idle } = cpu;
  if (realtimeRuntime !== undefined || realtimePeriod !== undefined) refuse("CPU real-time limits");
  if (!isEmpty({ shares, quota, period, burst, idle })) need("cpu", "CPU limits");
  if (idle !== undefined) write("cpu.idle", idle, "CPU idle policy");
  // The kernel refuses a weight for an idle cgroup.
  if (shares !== undefined && idle !== 1) write("cpu.weight", cpuWeight(shares), "CPU weight");
  const bandwidth = (): void => {
    if (quota === undefined && period === undefined) return;
    const value = quota === undefined || quota <= 0 ? "max" : quota;
    // Without a period the kernel keeps the one it has, at first 100 ms.
    write("cpu.max", period === undefined ? value : `${value} ${period}`, "CPU quota");
  };
  if (burst === undefined) {
    bandwidth();
  } else {
    writeInEitherOrder(b, write, ["cpu.max.burst", burst, "CPU burst"], bandwidth);
  }
  if (!isEmpty({ cpus, mems })) need("cpuset", "CPU set");
  if (cpus !== undefined) write("cpuset.cpus", cpus, "CPU set");
  if (mems !== undefined) write("cpuset.mems", mems, "memory nodes");
}

function writeBlockIO(b: ProgramBuilder, write: LimitWriter, blockIO: BlockIOResources): void {
  // BFQ counts as version 1 does; without it blk-iocost has a range of its own.
  const weight = (prefix: string, value: number, what: string): void => {
    const bfq = write("io.bfq.weight", `${prefix}${value}`, what, ["ENOENT"]);
    b.skipIf("unless BFQ is missing", bfq, ">=0", 0, () => {
      write("io.weight", `${prefix}${ioWeight(value)}`, what);
    });
  };
  if (blockIO.weight !== undefined) weight("", blockIO.weight, "block IO weight");
  for (const { major, minor, weight: value } of blockIO.weightDevice ?? []) {
    weight(`${major}:${minor} `, value, `block IO weight of ${major}:${minor}`);
  }
  const throttles = [
    [blockIO.throttleReadBpsDevice, "rbps", "read rate"],
    [blockIO.throttleWriteBpsDevice, "wbps", "write rate"],
    [blockIO.throttleReadIOPSDevice, "riops", "read operations rate"],
    [blockIO.throttleWriteIOPSDevice, "wiops", "write operations rate"],
  ] as const;
  for (const [devices, key, what] of throttles) {
    for (const { major, minor, rate } of devices ?? []) {
      // As version 1: 0 takes the limit away.
      const value = rate === 0 ? "max" : rate;
      write("io.max", `${major}:${minor} ${key}=${value}`, `${what} of ${major}:${minor}`);
    }
  }
}

function writeUnified(write: LimitWriter, unified: Readonly<Record<string, string>>): void {
  for (const [file, value] of Object.entries(unified)) {
    if (file.includes("/") || file === "" || file === "." || file === "..") {
      const message = `unified resource "${file}" must be a file name (no slashes)`;
      throw failure("invalid-parameter", { message });
    }
    for (const line of value.split("\n")) write(file, line, `unified resource ${file}`);
  }
}
