/**
 * Platforms: parsing, normal form, and which entry of an index suits a machine. The rules are containerd's
 * (github.com/containerd/platforms, `Normalize` and `Only`), which Docker uses.
 * @module
 */
import { failure } from "../../errors/mod.ts";
import type { Descriptor, Platform } from "./types.ts";

const architectures: Readonly<Record<string, readonly [string, string?]>> = {
  i386: ["386"],
  i486: ["386"],
  i586: ["386"],
  i686: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};
const nodeArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const operatingSystems: Readonly<Record<string, string>> = { macos: "darwin" };
const component = /^[A-Za-z0-9_.-]+$/;
const system = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/;
/** Go's (internal/goos, internal/goarch), as containerd knows them. */
const knownSystems: ReadonlySet<string> = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " ",
  ),
);
const knownArchitectures: ReadonlySet<string> = new Set(
  "386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm".split(
    " ",
  ),
);

/** The platform that this machine's containers run on. */
export function hostPlatform(): Platform {
  const architecture = nodeArchitectures[process.arch] ?? process.arch;
  if (architecture === "arm64") return { os: "linux", architecture, variant: "v8" };
  if (architecture === "arm") return { os: "linux", architecture, variant: "v7" };
  return { os: "linux", architecture };
}

/**
 * Parses `os[/architecture[/variant]]` or an architecture alone, as `--platform` takes it. What is left out is the
 * host's. Fails with `invalid-parameter`.
 */
export function parsePlatform(text: string): Platform {
  const refuse = (why: string): never => {
    throw failure("invalid-parameter", { message: `${why}: invalid argument` });
  };
  // Of a system's version nothing is known here: a host of Linux has none.
  const parts = text.split("/");
  for (const [at, part] of parts.entries()) {
    if (at === 0 && !system.test(part))
      refuse(
        `${JSON.stringify(part)} is an invalid OS component of ${JSON.stringify(text)}: OSAndVersion specifier component must match ${JSON.stringify(system.source)}`,
      );
    if (at > 0 && !component.test(part))
      refuse(
        `${JSON.stringify(part)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match ${JSON.stringify(component.source)}`,
      );
  }
  if (parts.length > 3) refuse(`${JSON.stringify(text)}: cannot parse platform specifier`);
  const [first = "", architecture, variant] = parts.map((part) => part.toLowerCase());
  const os = system.exec(first)?.[1] ?? first;
  if (architecture !== undefined) return normalize({ os, architecture, variant });
  const host = hostPlatform();
  if (knownSystems.has(operatingSystems[os] ?? os)) return normalize({ ...host, os });
  const known = normalize({ os: host.os, architecture: os });
  if (!knownArchitectures.has(known.architecture))
    refuse(`${JSON.stringify(text)}: unknown operating system or architecture`);
  return known;
}

/** `linux/arm64/v8`: the form in messages. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined && part !== "").join("/");
}

/** Whether an image of a platform is what `wanted`, in its normal form, asks for: variants count where both have one. */
export function isOfPlatform(image: Platform, wanted: Platform): boolean {
  const { os, architecture, variant } = normalize(image);
  const sameVariant = wanted.variant === undefined || variant === undefined || wanted.variant === variant;
  return wanted.os === os && wanted.architecture === architecture && sameVariant;
}

/** The normal form: Go's names, the usual variant left out (`arm64/v8` → `arm64`, `arm` → `arm/v7`). */
export function normalize(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const given = platform.architecture.toLowerCase();
  const [architecture, implied] = architectures[given] ?? [given];
  const variant = normalVariant(architecture, (platform.variant ?? "").toLowerCase() || (implied ?? ""));
  return { ...platform, os: operatingSystems[os] ?? os, architecture, variant };
}

function normalVariant(architecture: string, variant: string): string | undefined {
  const named = /^\d/.test(variant) ? `v${variant}` : variant;
  switch (architecture) {
    case "amd64":
      return named === "v1" ? undefined : named || undefined;
    case "arm64":
      return named === "v8" || named === "v8.0" ? undefined : named.replace(/^v9\.0$/, "v9") || undefined;
    case "arm":
      return named || "v7";
    default:
      return named || undefined;
  }
}

/** What runs on `platform`, the best first: the variant itself, then older ones, then the narrower architecture. */
function runnable(platform: Platform): Platform[] {
  const wanted = normalize(platform);
  const { os, architecture, variant } = wanted;
  const level = Number(/^v(\d+)/.exec(variant ?? "")?.[1] ?? 0);
  const candidates: Platform[] = [wanted];
  const older = (arch: string, from: number, to: number): void => {
    for (let v = from; v >= to; v -= 1)
      candidates.push(normalize({ os, architecture: arch, variant: `v${v}` }));
  };
  if (architecture === "amd64") {
    older("amd64", level - 1, 1);
    candidates.push({ os, architecture: "386" });
  }
  if (architecture === "arm") older("arm", level - 1, 5);
  if (architecture === "arm64") {
    if (variant !== undefined) candidates.push({ os, architecture: "arm64" });
    older("arm", 8, 5);
  }
  return candidates;
}

/**
 * The entry of an index that suits `platform`. Attestations and entries for `unknown` never do. An `arm` entry of any
 * variant is better than none (Docker's rule for old images); an entry that names no platform is taken if no other
 * suits. Fails with `no-matching-manifest`.
 */
export function selectManifest(entries: readonly Descriptor[], platform: Platform): Descriptor {
  const images = entries.filter((entry) => !isAttestation(entry));
  const named = images.flatMap((entry) =>
    entry.platform === undefined ? [] : [{ entry, is: normalize(entry.platform) }],
  );
  const wanted = runnable(platform);
  for (const candidate of wanted) {
    const match = named.find(({ is }) => same(is, candidate));
    if (match !== undefined) return match.entry;
  }
  const [normal] = wanted;
  const anyArm = named.find(({ is }) => is.os === normal?.os && is.architecture === "arm");
  if (normal?.architecture === "arm" && anyArm !== undefined) return anyArm.entry;
  const unnamed = images.find((entry) => entry.platform === undefined);
  if (unnamed !== undefined) return unnamed;
  throw failure("no-matching-manifest", { platform: formatPlatform(platform) });
}

function isAttestation({ platform, annotations }: Descriptor): boolean {
  if (annotations?.["vnd.docker.reference.type"] !== undefined) return true;
  return platform?.os === "unknown" || platform?.architecture === "unknown";
}

function same(a: Platform, b: Platform): boolean {
  return a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
}
