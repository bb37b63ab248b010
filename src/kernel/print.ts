/**
 * Programs as text, the way strace shows system calls, each with its label.
 * @module
 */
import type { Argument, Operation, Program } from "./program.ts";

const LONGEST_STRING = 200;

function quote(value: string): string {
  const short = value.length > LONGEST_STRING ? `${value.slice(0, LONGEST_STRING)}…` : value;
  return JSON.stringify(short);
}

/** One argument, as strace would show it. */
export function printArgument(argument: Argument): string {
  if (typeof argument === "number" || typeof argument === "bigint") return String(argument);
  if (typeof argument === "string") return quote(argument);
  switch (argument.kind) {
    case "int":
      return argument.text ?? String(argument.value);
    case "slot":
      return `<${argument.name}>`;
    case "bytes":
    case "struct":
      return argument.text;
    case "out":
      return `&out[${argument.offset}..${argument.offset + argument.size}]`;
    case "result":
      return `$${argument.name}`;
    case "vector":
      return `[${argument.values.map(quote).join(", ")}]`;
    case "text":
      return `"${argument.parts.map((part) => (typeof part === "string" ? part : printArgument(part))).join("")}"`;
  }
}

/** One operation without its label: `openat(AT_FDCWD, "/", O_PATH) = <root>`. */
export function printCall(operation: Operation): string {
  const { call, args, into, tolerate, optional, span, composite } = operation;
  const shown = args.map(printArgument);
  if (composite && span !== undefined)
    shown.push(call === "clone" ? `child: next ${span} steps` : `next ${span} steps`);
  let line = `${call}(${shown.join(", ")})`;
  if (into !== undefined) line += ` = <${into.name}>`;
  if (tolerate === "any") line += " ?";
  else if (tolerate !== undefined && tolerate.length > 0) line += ` ?${tolerate.join("|")}`;
  if (optional === true) line += " (if open)";
  return line;
}

/** A whole program: a line for each operation, numbered, indented by child, with its label as a comment. */
export function printProgram(program: Program): string {
  const width = String(Math.max(program.operations.length - 1, 0)).length;
  const lines = program.operations.map((operation, index) => {
    const number = String(index).padStart(width);
    const indent = "  ".repeat(operation.depth);
    return `${number}  ${indent}# ${operation.label}\n${" ".repeat(width)}  ${indent}${printCall(operation)}`;
  });
  return `${lines.join("\n")}\n`;
}
