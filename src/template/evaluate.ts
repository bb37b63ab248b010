/**
 * Go's text/template, third step: a tree and a value become text.
 * @module
 */
import { messageOf } from "../errors/mod.ts";
import { commandFailed } from "./command-failed.ts";
import { functions, truth, type TemplateFunction } from "./functions.ts";
import { parseTemplate, type Call, type Expression, type Node, type Pipe } from "./parse.ts";
import { printValue } from "./print.ts";
import { Row } from "./row.ts";

/** What stands for nothing of a Go type: how it prints is all that is left of it. */
export type Nothing = "none" | "nil" | "list" | "map" | "text" | "false";

/** How a template is worked out. */
export interface EvaluateOptions {
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
  /**
   * What a field is that an object doesn't have: `none` prints `<no value>` however many fields follow, `nil` prints
   * `<nil>` and has no fields, the others print as nothing of their type. `parent` is the name that led to the object.
   * Without this, `none`.
   */
  readonly missing?: (field: string, parent: string | undefined) => Nothing | "error";
  /** What a field is whose value is null. Without this, `nil`. */
  readonly nulls?: (field: string, parent: string | undefined) => Nothing;
}

/** A template, parsed once and used for many values. */
export class Template {
  readonly #source: string;
  readonly #nodes: readonly Node[];

  /** @throws command-failed with Go's text when `source` is no template */
  constructor(source: string) {
    this.#source = source;
    this.#nodes = parseTemplate(source);
  }

  /** The text for `value`. @throws command-failed with Go's text */
  execute(value: unknown, options: EvaluateOptions = {}): string {
    return new Evaluator(this.#source, value, options).run(this.#nodes);
  }
}

/** A value that is known to be nothing of a type. */
class Nil {
  readonly kind: Nothing;

  constructor(kind: Nothing) {
    this.kind = kind;
  }

  /** As `{{.Field}}` prints it. */
  get text(): string {
    return { none: "<no value>", nil: "<nil>", list: "[]", map: "map[]", text: "", false: "false" }[
      this.kind
    ];
  }
}

/** `{{break}}` and `{{continue}}` on their way to the loop. */
interface Jump {
  readonly jump: "break" | "continue";
}

class Evaluator {
  readonly #source: string;
  readonly #root: unknown;
  readonly #functions: Readonly<Record<string, TemplateFunction>>;
  readonly #missing: NonNullable<EvaluateOptions["missing"]>;
  readonly #nulls: NonNullable<EvaluateOptions["nulls"]>;
  readonly #scopes: Map<string, unknown>[];
  #output = "";

  constructor(source: string, root: unknown, options: EvaluateOptions) {
    this.#source = source;
    this.#root = root;
    this.#functions = options.functions ?? functions;
    this.#missing = options.missing ?? ((): "none" => "none");
    this.#nulls = options.nulls ?? ((): "nil" => "nil");
    this.#scopes = [new Map([["$", root]])];
  }

  run(nodes: readonly Node[]): string {
    this.#walk(nodes, this.#root);
    return this.#output;
  }

  #error(at: number, source: string, what: string): Error {
    const before = this.#source.slice(0, at);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    return commandFailed(`template: :${line}:${column}: executing "" at <${source}>: ${what}`);
  }

  #walk(nodes: readonly Node[], dot: unknown): Jump | undefined {
    for (const node of nodes) {
      const jump = this.#node(node, dot);
      if (jump !== undefined) return jump;
    }
    return undefined;
  }

  #node(node: Node, dot: unknown): Jump | undefined {
    switch (node.kind) {
      case "text":
        this.#output += node.text;
        return undefined;
      case "print": {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0)
          this.#output += value instanceof Nil ? value.text : printValue(value);
        return undefined;
      }
      case "break":
      case "continue":
        return { jump: node.kind };
      default:
        return this.#scoped(() => this.#block(node, dot));
    }
  }

  #scoped<T>(work: () => T): T {
    this.#scopes.push(new Map());
    try {
      return work();
    } finally {
      this.#scopes.pop();
    }
  }

  #block(node: Node & { kind: "if" | "with" | "range" }, dot: unknown): Jump | undefined {
    const value = plain(this.#pipe(node.pipe, dot));
    if (node.kind === "range") return this.#range(node, value, dot);
    if (!truth(value)) return this.#walk(node.else, dot);
    return this.#walk(node.body, node.kind === "with" ? value : dot);
  }

  #range(node: Node & { kind: "if" | "with" | "range" }, value: unknown, dot: unknown): Jump | undefined {
    const entries = entriesOf(value);
    if (entries === undefined) {
      const [call] = node.pipe.calls;
      throw this.#error(
        call?.at ?? 0,
        call?.source ?? "",
        `range can't iterate over ${printValue(value, false)}`,
      );
    }
    if (entries.length === 0) return this.#walk(node.else, dot);
    const { variables } = node.pipe;
    for (const [key, one] of entries) {
      const jump = this.#scoped(() => {
        const names = variables.length === 2 ? [key, one] : [one];
        variables.forEach((name, i) => this.#scopes.at(-1)?.set(name, names[i]));
        return this.#walk(node.body, one);
      });
      if (jump?.jump === "break") break;
    }
    return undefined;
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    let value: unknown;
    pipe.calls.forEach((call, i) => {
      value = this.#call(call, dot, i === 0 ? [] : [plain(value)]);
    });
    for (const name of pipe.variables) {
      const scope = pipe.declares ? this.#scopes.at(-1) : this.#scopes.findLast((s) => s.has(name));
      scope?.set(name, plain(value));
    }
    return value;
  }

  #call(call: Call, dot: unknown, last: readonly unknown[]): unknown {
    const [first, ...others] = call.words;
    if (first === undefined) return undefined;
    if (first.kind === "function") return this.#function(call, first.name, others, dot, last);
    const args = (): readonly unknown[] => [...others.map((word) => plain(this.#value(word, dot))), ...last];
    if (first.kind === "field") return this.#path(first, dot, first.path, args());
    if (others.length > 0 || last.length > 0) {
      throw this.#error(first.at, first.source, `can't give argument to non-function ${first.source}`);
    }
    return this.#value(first, dot);
  }

  #function(
    call: Call,
    name: string,
    words: readonly Expression[],
    dot: unknown,
    last: readonly unknown[],
  ): unknown {
    if (name === "and" || name === "or") {
      let value: unknown;
      const thunks = [
        ...words.map((word) => () => plain(this.#value(word, dot))),
        ...last.map((v) => () => v),
      ];
      for (const thunk of thunks) {
        value = thunk();
        if (truth(value) === (name === "or")) return value;
      }
      return value;
    }
    const args = [...words.map((word) => plain(this.#value(word, dot))), ...last];
    try {
      return this.#functions[name]?.(...args);
    } catch (error) {
      throw this.#error(call.at, call.source, messageOf(error));
    }
  }

  #value(expression: Expression, dot: unknown): unknown {
    switch (expression.kind) {
      case "literal":
        return expression.value;
      case "dot":
        return dot;
      case "field":
        return this.#path(expression, dot, expression.path, []);
      case "variable": {
        const scope = this.#scopes.findLast((s) => s.has(expression.name));
        if (scope === undefined) {
          throw this.#error(
            expression.at,
            expression.source,
            `undefined variable ${JSON.stringify(expression.name)}`,
          );
        }
        return this.#path(expression, scope.get(expression.name), expression.path, []);
      }
      case "chain":
        return this.#path(expression, plain(this.#value(expression.of, dot)), expression.path, []);
      case "pipe":
        return this.#pipe(expression.pipe, dot);
      case "function":
        return this.#function(
          { words: [expression], at: expression.at, source: expression.source },
          expression.name,
          [],
          dot,
          [],
        );
    }
  }

  #path(expression: Expression, start: unknown, path: readonly string[], args: readonly unknown[]): unknown {
    let value = start;
    path.forEach((name, i) => {
      value = this.#field(expression, value, name, path[i - 1], i === path.length - 1 ? args : []);
    });
    return value;
  }

  #field(
    expression: Expression,
    value: unknown,
    name: string,
    parent: string | undefined,
    args: readonly unknown[],
  ): unknown {
    const wrong = (what: string): Error => this.#error(expression.at, expression.source, what);
    if (value instanceof Row) {
      if (value.has(name)) return value.get(name, args);
      throw wrong(`can't evaluate field ${name} in type ${value.type}`);
    }
    if (value instanceof Nil && value.kind === "map") return undefined;
    if (value instanceof Nil) throw wrong(`nil pointer evaluating interface {}.${name}`);
    if (value === null || value === undefined) {
      if (this.#missing(name, parent) !== "error") return undefined;
      throw wrong(`nil data; no entry for key ${JSON.stringify(name)}`);
    }
    if (typeof value !== "object" || Array.isArray(value)) {
      throw wrong(`can't evaluate field ${name} in type interface {}`);
    }
    const map = value as Record<string, unknown>;
    if (Object.hasOwn(map, name)) return map[name] === null ? new Nil(this.#nulls(name, parent)) : map[name];
    const missing = this.#missing(name, parent);
    if (missing !== "error") return missing === "none" ? undefined : new Nil(missing);
    throw wrong(`map has no entry for key ${JSON.stringify(name)}`);
  }
}

function plain(value: unknown): unknown {
  if (!(value instanceof Nil)) return value;
  return { text: "", false: false, none: undefined, nil: undefined, list: undefined, map: undefined }[
    value.kind
  ];
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] | undefined {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((one: unknown, i) => [i, one] as const);
  if (typeof value === "number") return Array.from({ length: Math.max(0, value) }, (_, i) => [i, i] as const);
  if (typeof value !== "object" || value instanceof Row) return undefined;
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
