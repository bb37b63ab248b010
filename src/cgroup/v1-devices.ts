/**
 * Device rules of version 1: each is a write of its own to devices.allow or devices.deny. A container has about fifteen;
 * the files stay open between the writes, which makes a rule one system call and not four.
 * @module
 */
import { bytes, close, type ProgramBuilder, type Slot } from "../kernel/mod.ts";
import { openChecked } from "./limit-writer.ts";
import { directoryFor } from "./location.ts";
import { deviceRuleText } from "./resources.ts";
import type { Cgroup, DeviceRule } from "./types.ts";

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
      openChecked(b, `open ${name}`, `${directory}/${name}`, 1, file);
    }
    const content = deviceRuleText(rule);
    const shown = rule.type === "a" ? "all devices" : `device ${content}`;
    const data = bytes(new TextEncoder().encode(content), JSON.stringify(content));
    b.call(`${rule.allow ? "allow" : "deny"} ${shown}`, "write", [file, data, content.length]);
  }
  for (const file of files.values()) close(b, file);
}
