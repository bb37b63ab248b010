/**
 * The engine as those may use it who come in by a socket with a policy.
 * @module
 */
import type { SocketPolicy } from "../daemon-options.ts";
import type { Engine } from "../engine.ts";
import { scoped } from "./label-scope.ts";
import { limited } from "./limits.ts";
import { readOnly } from "./read-only.ts";

/**
 * Puts the engine behind a policy. Whatever a request is, it reaches the engine through here, decoded and checked; a
 * method that a policy doesn't know is refused, so a new one is closed until somebody decides.
 */
export function guardEngine(engine: Engine, policy: SocketPolicy): Engine {
  let guarded = engine;
  // What a limit looks at is what the label lets through, so that it can't be used to find out about others.
  if (policy.label !== undefined) guarded = scoped(guarded, policy.label);
  if (policy.noPrivileged || policy.noHostMounts) guarded = limited(guarded, policy);
  if (policy.readOnly) guarded = readOnly(guarded);
  return guarded;
}
