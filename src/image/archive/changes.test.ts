import { expect, test } from "bun:test";
import type { ImageRunConfig } from "../config.ts";
import { applyChanges } from "./changes.ts";

// Each answer is dockerd 28's for `docker import --change`.
test.each<[string, ImageRunConfig]>([
  ["CMD", { Cmd: ["/bin/sh", "-c"] }],
  ['CMD ["a", "b"]', { Cmd: ["a", "b"] }],
  ["cmd a   b", { Cmd: ["/bin/sh", "-c", "a   b"] }],
  ["CMD []", {}],
  ['ENTRYPOINT ["a"', { Entrypoint: ["/bin/sh", "-c", '["a"'] }],
  ["ENTRYPOINT []", {}],
  ["ENV A b c", { Env: ["A=b c"] }],
  ['ENV A="x y" B=$HOME', { Env: ["A=x y", "B="] }],
  ["EXPOSE 80-82/udp 90", { ExposedPorts: { "80/udp": {}, "81/udp": {}, "82/udp": {}, "90/tcp": {} } }],
  ["EXPOSE 8080:80", { ExposedPorts: { "80/tcp": {} } }],
  ["EXPOSE 443/TCP", { ExposedPorts: { "443/tcp": {} } }],
  ["EXPOSE 0", { ExposedPorts: { "0/tcp": {} } }],
  ["LABEL a b", { Labels: { a: "b" } }],
  ['LABEL "a b"=c\\ d', { Labels: { "a b": "c d" } }],
  ['VOLUME ["/a","/b"]', { Volumes: { "/a": {}, "/b": {} } }],
  ["VOLUME /a /b", { Volumes: { "/a": {}, "/b": {} } }],
  ["WORKDIR rel", { WorkingDir: "/rel" }],
  ["STOPSIGNAL 9", { StopSignal: "9" }],
  ["STOPSIGNAL SIGRTMIN+3", { StopSignal: "SIGRTMIN+3" }],
  ["HEALTHCHECK NONE", { Healthcheck: { Test: ["NONE"] } }],
  [
    'HEALTHCHECK --interval=5s --timeout=3s --start-period=2s --start-interval=1s --retries=3 CMD ["a","b"]',
    {
      Healthcheck: {
        Test: ["CMD", "a", "b"],
        Interval: 5_000_000_000,
        Timeout: 3_000_000_000,
        StartPeriod: 2_000_000_000,
        StartInterval: 1_000_000_000,
        Retries: 3,
      },
    },
  ],
  ["HEALTHCHECK --interval=0s CMD x", { Healthcheck: { Test: ["CMD-SHELL", "x"] } }],
  ["ONBUILD ADD a b", { OnBuild: ["ADD a b"] }],
  ["USER a b", { User: "a b" }],
])("%s", (change, config) => {
  expect(applyChanges({}, [change])).toEqual(config);
});

test.each([
  ["RUN x", "RUN is not a valid change command"],
  ['SHELL ["x"]', "SHELL is not a valid change command"],
  ["ENV", "ENV requires at least one argument"],
  ["ENV A", "ENV must have two arguments"],
  ["ENV =x", "ENV names can not be blank"],
  ["ENV a=b c", 'Syntax error - can\'t find = in "c". Must be of the form: name=value'],
  ["LABEL a", "LABEL must have two arguments"],
  ["EXPOSE x", "Invalid containerPort: x"],
  ["EXPOSE 70000", "Invalid containerPort: 70000"],
  ["EXPOSE 80/foo", "Invalid proto: foo"],
  ["VOLUME []", "VOLUME requires at least one argument"],
  ["WORKDIR", "WORKDIR requires exactly one argument"],
  ["USER", "USER requires exactly one argument"],
  ["STOPSIGNAL FOO", "invalid signal: FOO"],
  ["STOPSIGNAL SIGTERM x", "invalid signal: SIGTERM x"],
  ["STOPSIGNAL 0", "invalid signal: 0"],
  ["HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"],
  ["HEALTHCHECK FOO", 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
  ["HEALTHCHECK --interval=x CMD true", 'time: invalid duration "x"'],
  ["HEALTHCHECK --interval=5 CMD true", 'time: missing unit in duration "5"'],
  ["HEALTHCHECK --interval=1us CMD x", 'Interval "interval" cannot be less than 1ms'],
  ["HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"],
  ["HEALTHCHECK --foo=1 CMD x", "unknown flag: --foo"],
  ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
  ["ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
])("%s is refused", (change, message) => {
  expect(() => applyChanges({}, [change])).toThrow(message);
});

test("instructions build on each other and on what was there", () => {
  const before: ImageRunConfig = {
    Cmd: ["old"],
    Env: ["PATH=/bin", "A=1"],
    WorkingDir: "/w",
    Shell: ["/bin/zsh", "-c"],
  };
  const changes = [
    "# a comment",
    "ENV A=2 \\",
    "  B=${A}-${C:-c}${PATH:+p}",
    "WORKDIR sub/../x",
    "ENTRYPOINT run",
    "LABEL q=\"$A \\$B\" r='$A'",
  ];
  expect(applyChanges(before, changes)).toEqual({
    Env: ["PATH=/bin", "A=2", "B=1-cp"],
    WorkingDir: "/w/x",
    Entrypoint: ["/bin/zsh", "-c", "run"],
    Labels: { q: "2 $B", r: "$A" },
    Shell: ["/bin/zsh", "-c"],
  });
  expect(applyChanges(before, ["CMD x", "ENTRYPOINT y"]).Cmd).toEqual(["/bin/zsh", "-c", "x"]);
  expect(before.Cmd).toEqual(["old"]);
});
