/**
 * The page that lists every setting of the daemon, made from the tables that the daemon reads them by.
 * @module
 */
import { daemonSettings } from "../src/cli/daemon-flags.ts";
import { refusedSettings } from "../src/cli/daemon-refused.ts";
import { keyOf, type DaemonSetting } from "../src/cli/daemon-setting.ts";

const opening = `# Settings of the daemon

Every flag of dockerd 28 and 29 and every key of daemon.json is here: what isn't refused does what it says. What they are
for, and where this engine differs, is in [daemon.md](daemon.md). A flag and its key exclude each other, as in dockerd.
*Reload*: SIGHUP makes a changed value count.

Generated from \`src/cli/daemon-*.ts\` by \`make docs\`.

## Honoured

| flag | key | reload | what |
|---|---|---|---|
`;

const refused = `
## Refused at start

With the reason, unless the value asks for what is the case anyway (\`false\`, nothing, or what is named here).

| flag | key | asks for nothing | why |
|---|---|---|---|
`;

const verdicts = { missing: "not in this version", foreign: "nothing of this engine" } as const;

/** The page, as Markdown. */
export function settingsPage(): string {
  const honoured = daemonSettings.map((setting) => {
    const { usage, shown, reloads } = setting;
    const usual = shown === undefined ? "" : ` (default ${shown})`;
    return row(flag(setting), key(setting), reloads === true ? "yes" : "", `${usage}${usual}`);
  });
  const others = refusedSettings.map((setting) =>
    row(
      flag(setting),
      key(setting),
      (setting.harmless ?? []).map((value) => `\`${value}\``).join(", "),
      `${verdicts[setting.verdict]}: ${setting.reason}`,
    ),
  );
  return opening + honoured.join("") + refused + others.join("");
}

function flag({ name, short, only }: DaemonSetting): string {
  if (only === "key") return "–";
  return short === undefined ? `\`--${name}\`` : `\`-${short}, --${name}\``;
}

function key(setting: DaemonSetting): string {
  return setting.only === "flag" ? "–" : `\`${keyOf(setting)}\``;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |\n`;
}
