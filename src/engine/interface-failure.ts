/**
 * Why a container's interface couldn't be made as it was asked for, in Docker's words.
 * @module
 */
import { failure } from "../errors/mod.ts";
import { KernelError } from "../kernel/mod.ts";
import { sysctlOf } from "../network/mod.ts";
import type { Place } from "./endpoints.ts";

const reasons: Readonly<Record<string, string>> = {
  EEXIST: "file exists",
  EINVAL: "invalid argument",
  ERANGE: "numerical result out of range",
};

/** The same error in Docker's words, if it is about an interface's name or a setting of it. */
export function interfaceFailure(error: unknown, places: readonly Place[]): unknown {
  if (!(error instanceof KernelError)) return error;
  const { label = "" } = error.operation ?? {};
  for (const { endpoint } of places) {
    const link = endpoint.hostLink ?? endpoint.interface;
    const adding = `failed to add interface ${link} to sandbox`;
    const reason = reasons[error.errnoName];
    const makes = [" and join it to ", " on "].some((then) =>
      label.startsWith(`make ${endpoint.interface}${then}`),
    );
    if (makes && reason !== undefined) {
      const message = `${adding}: error renaming interface "${link}" to "${endpoint.interface}": ${reason}`;
      return failure("internal", { message }, error);
    }
    for (const { path, shown } of (endpoint.sysctls ?? []).map((text) =>
      sysctlOf(text, endpoint.interface),
    )) {
      if (label !== `set ${shown}` || error.errnoName !== "ENOENT") continue;
      return failure("internal", { message: `${adding}: ${path} is not a sysctl file` }, error);
    }
  }
  return error;
}
