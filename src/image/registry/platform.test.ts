import { expect, test } from "bun:test";
import { formatPlatform, normalize, parsePlatform, selectManifest } from "./platform.ts";
import type { Descriptor } from "./types.ts";

const entry = (platform: string | undefined, annotations?: Record<string, string>): Descriptor => {
  const [os = "", architecture = "", variant] = platform?.split("/") ?? [];
  return {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha256:${platform ?? "none"}`,
    size: 1,
    platform: platform === undefined ? undefined : { os, architecture, variant },
    annotations,
  };
};
const select = (wanted: string, ...entries: (string | undefined)[]): string => {
  const [os = "", architecture = "", variant] = wanted.split("/");
  return selectManifest(
    entries.map((text) => entry(text)),
    { os, architecture, variant },
  ).digest.slice("sha256:".length);
};

test("normal forms are containerd's", () => {
  const normal = (text: string): string => formatPlatform(parsePlatform(text));
  expect(
    ["linux/aarch64", "linux/arm64/v8", "linux/arm64/9", "linux/x86_64", "linux/amd64/v1"].map(normal),
  ).toEqual(["linux/arm64", "linux/arm64", "linux/arm64/v9", "linux/amd64", "linux/amd64"]);
  expect(["linux/armhf", "linux/armel", "linux/arm", "linux/arm/6", "Linux/ARM/V7"].map(normal)).toEqual([
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/arm/v7",
  ]);
  expect(["linux/i686", "s390x", "amd64", "macos/amd64"].map(normal)).toEqual([
    "linux/386",
    "linux/s390x",
    "linux/amd64",
    "darwin/amd64",
  ]);
  expect(normalize({ os: "windows", architecture: "amd64", osVersion: "10.0" }).osVersion).toBe("10.0");
});

test("a platform that cannot be parsed is refused", () => {
  expect(() => parsePlatform("a/b/c/d")).toThrow('"a/b/c/d": cannot parse platform specifier');
  expect(() => parsePlatform("x")).toThrow('"x": unknown operating system or architecture: invalid argument');
  for (const text of ["linux//v7", "linux/amd 64"])
    expect(() => parsePlatform(text)).toThrow(`is an invalid component of "${text}"`);
  for (const text of ["", "../x"])
    expect(() => parsePlatform(text)).toThrow(`is an invalid OS component of "${text}": OSAndVersion`);
});

test("the exact entry wins over those that merely run", () => {
  expect(select("linux/amd64", "linux/386", "linux/arm64", "linux/amd64")).toBe("linux/amd64");
  expect(select("linux/arm64/v8", "linux/arm/v7", "linux/arm64/v8")).toBe("linux/arm64/v8");
  expect(select("linux/arm/v7", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7")).toBe("linux/arm/v7");
});

test("older variants and narrower architectures are fallbacks, newer ones are not", () => {
  expect(select("linux/arm/v7", "linux/arm/v5", "linux/arm/v6")).toBe("linux/arm/v6");
  expect(select("linux/arm64", "linux/arm/v6", "linux/arm/v7")).toBe("linux/arm/v7");
  expect(select("linux/amd64/v3", "linux/amd64", "linux/amd64/v2")).toBe("linux/amd64/v2");
  expect(select("linux/amd64", "linux/386")).toBe("linux/386");
  expect(() => select("linux/amd64", "linux/amd64/v3")).toThrow("no matching manifest");
  expect(() => select("linux/386", "linux/amd64")).toThrow("no matching manifest");
});

test("any arm entry is better than none on arm", () => {
  expect(select("linux/arm/v5", "linux/amd64", "linux/arm/v7")).toBe("linux/arm/v7");
});

test("no match has Docker's text", () => {
  expect(() => select("linux/arm64/v8", "linux/amd64", "windows/arm64")).toThrow(
    "no matching manifest for linux/arm64/v8 in the manifest list entries: no match for platform in manifest: not found",
  );
});

test("attestations and unknown platforms are never chosen; an entry without a platform is the last resort", () => {
  const attestation = entry("linux/amd64", { "vnd.docker.reference.type": "attestation-manifest" });
  const amd64 = { os: "linux", architecture: "amd64" };
  expect(() => selectManifest([attestation, entry("unknown/unknown")], amd64)).toThrow(
    "no matching manifest",
  );
  expect(selectManifest([attestation, entry(undefined)], amd64).digest).toBe("sha256:none");
  expect(select("linux/amd64", undefined, "linux/amd64")).toBe("linux/amd64");
});
