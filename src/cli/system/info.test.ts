import { expect, test } from "bun:test";
import { infoLines } from "./info.ts";

test("an engine in docker's words", () => {
  const lines = infoLines({
    Containers: 2,
    Images: 1,
    Driver: "overlay2",
    DriverStatus: [["Backing Filesystem", "extfs"]],
    OSType: "linux",
    SecurityOptions: ["name=seccomp,profile=builtin"],
    MemTotal: 1024 ** 3,
    NCPU: 2,
    Runtimes: { runc: {} },
    DefaultRuntime: "runc",
    RegistryConfig: { InsecureRegistryCIDRs: ["127.0.0.0/8"], IndexConfigs: {}, Mirrors: ["https://m/"] },
  });
  expect(lines).toContain(" Storage Driver: overlay2");
  expect(lines).toContain("  Backing Filesystem: extfs");
  expect(lines.join("\n")).toContain(" Security Options:\n  seccomp\n   Profile: builtin");
  expect(lines.join("\n")).toContain(
    " Insecure Registries:\n  127.0.0.0/8\n Registry Mirrors:\n  https://m/",
  );
  expect(lines).toContain(" Total Memory: 1GiB");
});
