/**
 * Loads a device program and attaches it to a cgroup of version 2: bpf(2).
 * @module
 */
import { bytes, close, int, struct, type ProgramBuilder, type Slot } from "../kernel/mod.ts";
import { compileDevices } from "./devices-bpf.ts";
import type { DeviceRule } from "./types.ts";

const BPF_PROG_LOAD = int(5, "BPF_PROG_LOAD");
const BPF_PROG_ATTACH = int(8, "BPF_PROG_ATTACH");
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Cgroups below may have programs of their own; all of them must agree. */
const BPF_F_ALLOW_MULTI = 2;
const LOAD_SIZE = 64;
const NAME_OFFSET = 48;
const ATTACH_SIZE = 20;

/** Lets the cgroup whose directory is open have the devices that `rules` allow; no rules: whatever the parent has. */
export function attachDevices(b: ProgramBuilder, directory: Slot, rules: readonly DeviceRule[]): void {
  const code = rules.length === 0 ? undefined : compileDevices(rules);
  if (code === undefined) return;
  const count = code.length / 8;

  const load = new Uint8Array(LOAD_SIZE);
  const loadView = new DataView(load.buffer);
  loadView.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
  loadView.setUint32(4, count, true);
  load.set(new TextEncoder().encode("caisson_devices"), NAME_OFFSET);
  const shown = `{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=${count}, license="Apache-2.0"}`;
  const license = bytes(new TextEncoder().encode("Apache-2.0"), '"Apache-2.0"');
  const attributes = struct(load, shown, [
    { offset: 8, width: 8, value: bytes(code, `[${count} instructions]`) },
    { offset: 16, width: 8, value: license },
  ]);
  const program = b.slot("device program");
  b.call("load the program that judges devices", "bpf", [BPF_PROG_LOAD, attributes, LOAD_SIZE], {
    into: program,
  });

  const attach = new Uint8Array(ATTACH_SIZE);
  const attachView = new DataView(attach.buffer);
  attachView.setUint32(8, BPF_CGROUP_DEVICE, true);
  attachView.setUint32(12, BPF_F_ALLOW_MULTI, true);
  const text = `{target_fd=${directory.name}, attach_bpf_fd=${program.name}, attach_type=BPF_CGROUP_DEVICE, attach_flags=BPF_F_ALLOW_MULTI}`;
  const target = struct(attach, text, [
    { offset: 0, width: 4, value: directory },
    { offset: 4, width: 4, value: program },
  ]);
  b.call("restrict the cgroup's devices", "bpf", [BPF_PROG_ATTACH, target, ATTACH_SIZE]);
  close(b, program);
}
