/**
 * Values as Go's fmt prints them: `%v` of maps and lists, and the verbs of printf.
 * @module
 */

/** `%v` */
export function printValue(value: unknown, top = true): string {
  if (value === null || value === undefined) return top ? "<no value>" : "<nil>";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map((one) => printValue(one, false)).join(" ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, one]) => `${key}:${printValue(one, false)}`).join(" ")}]`;
  }
  return printScalar(value);
}

function printScalar(value: unknown): string {
  if (typeof value === "number" && Number.isInteger(value)) return String(BigInt(value));
  if (typeof value === "number" && Math.abs(value) >= 1e21)
    return value.toExponential().replace(/e\+?/, "e+");
  return String(value);
}

/** `fmt.Sprint`: a space between operands when neither is a string. */
export function sprint(values: readonly unknown[]): string {
  let text = "";
  values.forEach((value, i) => {
    const spaced = i > 0 && typeof value !== "string" && typeof values[i - 1] !== "string";
    text += (spaced ? " " : "") + printValue(value, false);
  });
  return text;
}

/** `fmt.Sprintln` */
export function sprintln(values: readonly unknown[]): string {
  return `${values.map((value) => printValue(value, false)).join(" ")}\n`;
}

/** `fmt.Sprintf` */
export function sprintf(format: string, values: readonly unknown[]): string {
  let used = 0;
  const text = format.replace(
    /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])/g,
    (
      whole: string,
      flags: string,
      width: string | undefined,
      precision: string | undefined,
      verb: string,
    ) => {
      if (verb === "%") return "%";
      const star = (given: string | undefined): number | undefined =>
        given === undefined ? undefined : given === "*" ? Number(values[used++]) : Number(given);
      const columns = star(width);
      const digits = whole.includes(".") ? (star(precision) ?? 0) : undefined;
      if (used >= values.length) return `%!${verb}(MISSING)`;
      return padded(verbText(verb, values[used++], flags, digits), flags, columns);
    },
  );
  if (used >= values.length) return text;
  const extra = values.slice(used).map((value) => `${goType(value)}=${printValue(value, false)}`);
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

function padded(text: string, flags: string, width: number | undefined): string {
  if (width === undefined) return text;
  if (flags.includes("-")) return text.padEnd(width);
  if (!flags.includes("0")) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

function verbText(verb: string, value: unknown, flags: string, precision: number | undefined): string {
  const bad = (): string => `%!${verb}(${goType(value)}=${printValue(value, false)})`;
  const number = typeof value === "number" ? value : undefined;
  const plus = number !== undefined && number >= 0 && flags.includes("+") ? "+" : "";
  switch (verb) {
    case "v":
      return plus + printValue(value, false);
    case "s": {
      const text = typeof value === "number" || typeof value === "boolean" ? bad() : printValue(value, false);
      return precision === undefined ? text : Array.from(text).slice(0, precision).join("");
    }
    case "q":
      return typeof value === "string"
        ? JSON.stringify(value)
        : Array.isArray(value)
          ? quotedList(value)
          : bad();
    case "d":
      return number === undefined ? bad() : plus + String(Math.trunc(number));
    case "f":
      return number === undefined ? bad() : plus + number.toFixed(precision ?? 6);
    case "e":
      return number === undefined ? bad() : number.toExponential(precision ?? 6);
    case "g":
      return number === undefined ? bad() : printScalar(number);
    case "x":
    case "X": {
      const hex =
        number === undefined
          ? Buffer.from(printValue(value, false)).toString("hex")
          : Math.trunc(number).toString(16);
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    case "o":
      return number === undefined ? bad() : Math.trunc(number).toString(8);
    case "b":
      return number === undefined ? bad() : Math.trunc(number).toString(2);
    case "t":
      return typeof value === "boolean" ? String(value) : bad();
    case "T":
      return goType(value);
    default:
      return bad();
  }
}

function quotedList(values: readonly unknown[]): string {
  return `[${values.map((one) => JSON.stringify(printValue(one, false))).join(" ")}]`;
}

function goType(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}
