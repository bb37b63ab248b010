/**
 * `caisson context ls`
 * @module
 */
import { Row } from "../../template/mod.ts";
import { messageOf } from "../../errors/mod.ts";
import type { Command } from "../command.ts";
import { ellipsis, formatList, listFormatFlag } from "../list-format.ts";
import { defaultDescription, defaultHost } from "./create.ts";
import { configurationFolder, currentContext } from "./current.ts";
import { ContextStore } from "./store.ts";

interface Listed {
  readonly Name: string;
  readonly Description: string;
  readonly DockerEndpoint: string;
  readonly Error: string;
}

const headers = {
  Name: "NAME",
  Description: "DESCRIPTION",
  DockerEndpoint: "DOCKER ENDPOINT",
  Current: "CURRENT",
  Error: "ERROR",
};
const longestDescription = 60;
const longestError = 45;

/** `caisson context ls` */
export const contexts: Command = {
  use: "[OPTIONS]",
  flags: [listFormatFlag, { name: "quiet", short: "q", type: "bool", usage: "Only show context names" }],
  args: { exact: 0 },
  run: async ({ globals, stdout, stderr }, flags) => {
    const store = new ContextStore(configurationFolder(globals));
    const { name: current, overriddenBy } = currentContext(globals);
    const listed: Listed[] = store.all().map(({ Name, Metadata, Endpoints }) => ({
      Name,
      Description: typeof Metadata["Description"] === "string" ? Metadata["Description"] : "",
      DockerEndpoint: Endpoints.docker?.Host ?? "",
      Error: "",
    }));
    listed.push({
      Name: "default",
      Description: defaultDescription,
      DockerEndpoint: defaultHost(globals),
      Error: "",
    });
    if (current !== "default" && !store.has(current)) {
      // It is asked for all the same, so it is shown with what is wrong with it.
      listed.push({ Name: current, Description: "", DockerEndpoint: "", Error: problem(store, current) });
    }
    const format = flags.string("format") ?? "";
    const usual = "table {{.Name}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}";
    const starred = format === "" || format === "table";
    const wanted = flags.bool("quiet") ? "{{.Name}}" : starred ? usual : format;
    const table = format === "" || format.startsWith("table");
    const rows = listed
      .toSorted((a, b) => (a.Name < b.Name ? -1 : 1))
      .map(
        (each) =>
          new Row("*formatter.clientContextContext", {
            Current: () => each.Name === current,
            Description: () => (table ? ellipsis(each.Description, longestDescription) : each.Description),
            DockerEndpoint: () => each.DockerEndpoint,
            Error: () => (table ? ellipsis(each.Error, longestError) : each.Error),
            // In docker's own table the current one has a star.
            Name: () => (wanted === usual && each.Name === current ? `${each.Name} *` : each.Name),
          }),
      );
    stdout.text(formatList(rows, { format: wanted, headers }));
    if (overriddenBy !== undefined) {
      stderr.line(
        `Warning: ${overriddenBy} environment variable overrides the active context. To use a context, either set the global --context flag, or unset ${overriddenBy} environment variable.`,
      );
    }
    return 0;
  },
};

function problem(store: ContextStore, name: string): string {
  try {
    store.read(name);
    return "";
  } catch (error) {
    return messageOf(error);
  }
}
