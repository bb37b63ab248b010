/**
 * The page that lists every error, made from the registry.
 * @module
 */
import { registry, type ErrorCode } from "../src/errors/registry.ts";

/** Stands for every parameter: its own name in angle brackets, so that a text shows where it goes. */
const placeholders: object = new Proxy(
  {},
  { get: (_, name) => (typeof name === "string" ? `<${name}>` : undefined) },
);

const opening = `# Errors

Every failure that a person or a client can see is one of these. The text is Docker's where Docker has one; \`<x>\` stands
for what differs. *Status* is the HTTP status of the API's answer, *exit* the exit code of a command that fails with it
on its own (a command that hands on what the API said ends as docker's does).

Generated from [src/errors/registry.ts](../src/errors/registry.ts) by \`make docs\`.

| code | status | exit | text |
|---|---|---|---|
`;

/** The page, as Markdown. */
export function errorPage(): string {
  return opening + (Object.keys(registry) as ErrorCode[]).map(row).join("");
}

function row(code: ErrorCode): string {
  const { status, exit, text } = registry[code];
  const sample = (text as (params: object) => string)(placeholders)
    .replaceAll("|", "\\|")
    .replaceAll("\n", " ");
  return `| \`${code}\` | ${status} | ${exit} | \`${sample}\` |\n`;
}
