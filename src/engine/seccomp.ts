/**
 * Which seccomp filter a container's processes get: Docker's `--security-opt seccomp=…`, the engine's own profile, none.
 * @module
 */
import { readFileSync } from "node:fs";
import { failure } from "../errors/mod.ts";
import { compileOnce, defaultProfile, expandOnce, parseProfile } from "../security/mod.ts";
import type { HostConfig } from "./container-types.ts";
import type { HostFacts } from "./host-facts.ts";
import { nativeArch } from "../kernel/mod.ts";

type Profile = ReturnType<typeof defaultProfile>;

/** A filter as a process gets it: `oci` is what config.json says, the rest goes to the kernel. */
export interface SeccompFilter {
  readonly oci: object;
  readonly filter: Uint8Array;
  readonly flags: number;
}

/** The engine's filters. */
export class SeccompFilters {
  readonly #byDefault: Profile | "unconfined";
  readonly #facts: HostFacts;
  readonly #parsed = new Map<string, Profile>();
  #builtin: Profile | undefined;

  /** `file` is the daemon's `--seccomp-profile`: a path, `builtin` or `unconfined`. */
  constructor(file: string | undefined, facts: HostFacts) {
    this.#facts = facts;
    if (file === "unconfined") this.#byDefault = "unconfined";
    else if (file === undefined || file === "" || file === "builtin") this.#byDefault = this.#own();
    else this.#byDefault = parseProfile(readFileSync(file, "utf8"));
  }

  #own(): Profile {
    this.#builtin ??= defaultProfile();
    return this.#builtin;
  }

  /** The profile that a container asked for. */
  #profile(host: HostConfig): Profile | "unconfined" {
    if (host.Privileged) return "unconfined";
    const option = (host.SecurityOpt ?? [])
      .findLast((text) => /^seccomp[=:]/.test(text))
      ?.slice("seccomp=".length);
    if (option === undefined) return this.#byDefault;
    if (option === "unconfined") return "unconfined";
    if (option === "builtin") return this.#own();
    let parsed = this.#parsed.get(option);
    if (parsed === undefined) {
      parsed = parseProfile(option);
      // A few are kept, since whoever brings a profile of their own starts many containers with it.
      if (this.#parsed.size >= 16) this.#parsed.clear();
      this.#parsed.set(option, parsed);
    }
    return parsed;
  }

  /** The filter for a process with these capabilities; undefined: none. */
  filter(host: HostConfig, capabilities: readonly string[]): SeccompFilter | undefined {
    const profile = this.#profile(host);
    if (profile === "unconfined") return undefined;
    const arch = nativeArch();
    const expanded = expandOnce(profile, { capabilities, arch, kernel: this.#facts.kernel });
    if (expanded === undefined) return undefined;
    const { filter, flags } = compileOnce(expanded, { arch });
    return { oci: expanded, filter, flags };
  }
}

/** Checks every `--security-opt`; throws for one that this version or this host can't honour. */
export function checkSecurityOptions(
  options: readonly string[],
  filters: SeccompFilters,
  host: HostConfig,
): void {
  for (const option of options) {
    const [name = "", value] = option.split(/[=:]/, 2);
    if (name === "no-new-privileges") continue;
    if (name === "seccomp" && value !== undefined) continue;
    if (name === "apparmor" && value === "unconfined") continue;
    if (name === "label" && value === "disable") continue;
    if (name === "apparmor" || name === "label")
      throw failure("not-implemented", { what: `--security-opt ${option}` });
    throw failure("invalid-parameter", { message: `invalid --security-opt 2: "${option}"` });
  }
  filters.filter(host, []);
}
