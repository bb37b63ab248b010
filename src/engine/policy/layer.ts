/**
 * An engine seen through a policy: every method that the policy doesn't know is refused.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Engine } from "../engine.ts";

/** The parts of an engine that requests are about. */
type Parts = {
  readonly [P in keyof Engine as Engine[P] extends (...args: never[]) => unknown ? never : P]: Engine[P];
};

/** What a policy lets through: `pass`, or what is done instead. What isn't named is refused. */
export type Rules = {
  readonly [P in keyof Parts]?: { readonly [M in keyof Parts[P]]?: "pass" | Parts[P][M] };
};

/** The answer to what a policy refuses; `what` says what was asked. */
export function denied(policy: string, what: string): Error {
  return failure("forbidden", { message: `the policy of this socket (${policy}) does not allow ${what}` });
}

/** `inner` behind the rules of `policy`, which its refusals name. */
export function layer(inner: Engine, policy: string, rules: Rules): Engine {
  const parts = new Map<string | symbol, unknown>();
  return new Proxy(inner, {
    get: (engine, name) => {
      const part: unknown = Reflect.get(engine, name);
      // Whether it idles is no request's business; all else that the engine has for its daemon stays with that.
      if (name === "idle") return () => engine.idle();
      if (typeof part !== "object" || part === null) return () => refuse(policy, [name]);
      if (!parts.has(name)) {
        const known = (rules as Readonly<Record<string | symbol, object | undefined>>)[name];
        parts.set(name, guarded(part, name, policy, known ?? {}));
      }
      return parts.get(name);
    },
  });
}

function guarded(part: object, name: string | symbol, policy: string, rules: object): object {
  return new Proxy(part, {
    get: (target, method) => {
      const own: unknown = Object.hasOwn(rules, method) ? Reflect.get(rules, method) : undefined;
      if (typeof own === "function") return own;
      const real: unknown = Reflect.get(target, method);
      if (typeof real !== "function") return undefined;
      // Bound: a class's private fields are reached only by the object itself.
      return own === "pass" ? (real.bind(target) as unknown) : () => refuse(policy, [name, method]);
    },
  });
}

function refuse(policy: string, words: readonly (string | symbol)[]): never {
  throw denied(policy, `this: ${words.map(String).join(" ")}`);
}
