import { expect, test } from "bun:test";
import { sshCommand } from "./ssh-command.ts";

const line = (host: string): string => sshCommand(host).join(" ");

test("docker's arguments", () => {
  expect(line("ssh://me@host")).toBe("ssh -o ConnectTimeout=30 -T -l me -- host caisson system dial-stdio");
  expect(line("ssh://host:2222")).toBe(
    "ssh -o ConnectTimeout=30 -T -p 2222 -- host caisson system dial-stdio",
  );
  expect(line("ssh://host/")).toBe("ssh -o ConnectTimeout=30 -T -- host caisson system dial-stdio");
  expect(line("ssh://[::1]:22/run/x.sock")).toBe(
    "ssh -o ConnectTimeout=30 -T -p 22 -- ::1 caisson --host=unix:///run/x.sock system dial-stdio",
  );
});

test("nothing of the host becomes an option or a command", () => {
  expect(sshCommand("ssh://h/a;reboot").at(-1)).toBe("caisson '--host=unix:///a;reboot' system dial-stdio");
  expect(sshCommand("ssh://h/it's").at(-1)).toBe(`caisson '--host=unix:///it'\\''s' system dial-stdio`);
  expect(sshCommand("ssh://-oProxyCommand=x").slice(4)).toEqual([
    "--",
    "-oProxyCommand=x",
    "caisson system dial-stdio",
  ]);
});

test.each([
  ["ssh://me:secret@host", "plain-text password is not supported"],
  ["ssh://host?x=y", 'query parameters are not allowed: "x=y"'],
  ["ssh://host#x", 'fragments are not allowed: "x"'],
  ["ssh:///path", "no host specified"],
])("%s is refused", (host, why) => {
  expect(() => sshCommand(host)).toThrow(`ssh host connection is not valid: invalid SSH URL: ${why}`);
});
