/**
 * A line of a list as a template sees it: named columns, worked out when they are asked for.
 * @module
 */

/** A line. `type` is what docker calls it in messages. */
export class Row {
  readonly type: string;
  readonly #columns: Readonly<Record<string, () => unknown>>;
  readonly #methods: Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

  constructor(
    type: string,
    columns: Readonly<Record<string, () => unknown>>,
    methods: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> = {},
  ) {
    this.type = type;
    this.#columns = columns;
    this.#methods = methods;
  }

  /** Whether there is such a column or method. */
  has(name: string): boolean {
    return Object.hasOwn(this.#columns, name) || Object.hasOwn(this.#methods, name);
  }

  /** The value of a column, or of a method with arguments. */
  get(name: string, args: readonly unknown[]): unknown {
    return Object.hasOwn(this.#columns, name) ? this.#columns[name]?.() : this.#methods[name]?.(...args);
  }

  /** Every column, in the order of their names. */
  toJSON(): Record<string, unknown> {
    const names = Object.keys(this.#columns).toSorted();
    return Object.fromEntries(names.map((name) => [name, this.#columns[name]?.()]));
  }
}
