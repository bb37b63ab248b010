/**
 * Device rules of version 1: each is a write of its own to devices.allow or devices.deny. A container has about fifteen;
 * the files stay open between the writes, which makes a rule one system call and not four.
 * @module
 */
import {
  bytes,
  close,
  CWD,
  flags,
  int,
  O,
  open,
  type Out,
  type ProgramBuilder,
  type Slot,
} from "../kernel/mod.ts";
import { cgroupMagic } from "./limit-writer.ts";
import { directoryFor } from "./location.ts";
import { deviceRuleText } from "./resources.ts";
import type { Cgroup, DeviceRule } from "./types.ts";

const STATFS_SIZE = 120;
const EXDEV = 18;

/** Writes the rules in their order. */
export function writeDevicesV1(b: ProgramBuilder, cgroup: Cgroup, rules: readonly DeviceRule[]): void {
  if (rules.length === 0) return;
  const directory = directoryFor(cgroup, "devices", "device rules");
  const files = new Map<string, Slot>();
  for (const rule of rules) {
    const name = rule.allow ? "devices.allow" : "devices.deny";
    let file = files.get(name);
    if (file === undefined) {
      file = b.slot(name);
      files.set(name, file);
      openChecked(b, `${directory}/${name}`, file);
    }
    const content = deviceRuleText(rule);
    const shown = rule.type === "a" ? "all devices" : `device ${content}`;
    const data = bytes(new TextEncoder().encode(content), JSON.stringify(content));
    b.call(`${rule.allow ? "allow" : "deny"} ${shown}`, "write", [file, data, content.length]);
  }
  for (const file of files.values()) close(b, file);
}

function openChecked(b: ProgramBuilder, path: string, into: Slot): void {
  open(b, `open ${into.name}`, CWD, path, flags(O, "WRONLY", "CLOEXEC"), into);
  const status = b.out(STATFS_SIZE);
  const type: Out = { kind: "out", offset: status.offset, size: 4 };
  b.call(`look what file system ${into.name} is of`, "fstatfs", [into, status]);
  b.composite(`refuse anything but a cgroup's ${into.name}`, "compare", [
    type,
    int(0xffffffff, "all"),
    cgroupMagic(1),
    int(EXDEV, "EXDEV"),
  ]);
}
