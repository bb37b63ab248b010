import { describe, expect, test } from "bun:test";
import { messageOf } from "../../errors/mod.ts";
import { fakeHostPaths } from "../fake-services.ts";
import { exampleRecord } from "../testing.ts";
import { attributesText, recordAttributes } from "./info.ts";
import { checkLogFiles, checkLogOptions, checkLogStart, logWarnings } from "./options.ts";

type Options = Readonly<Record<string, string>>;

const info = {
  record: exampleRecord({
    config: { Labels: { a: "1", "b.c": "2", c: "3" }, Env: ["E=x=y", "F=z", "bare"] },
  }),
  name: "web",
};

async function check(Type: string, Config: Options): Promise<void> {
  checkLogOptions({ Type, Config });
  await checkLogFiles(fakeHostPaths, { Type, Config });
  checkLogStart({ Type, Config }, info);
}

/** As a real dockerd answers, some at create, some at start. */
const initialize = "failed to initialize logging driver: ";

describe("refused as dockerd refuses", () => {
  test.each([
    ["json-file", { x: "1" }, "unknown log opt 'x' for json-file log driver"],
    ["json-file", { "max-size": "foo" }, `${initialize}invalid size: 'foo'`],
    ["json-file", { "max-size": "-1" }, `${initialize}invalid size: '-1'`],
    ["json-file", { "max-size": "" }, `${initialize}invalid size: ''`],
    ["json-file", { "max-size": "0" }, `${initialize}max-size must be a positive number`],
    ["json-file", { "max-file": "x" }, `${initialize}strconv.Atoi: parsing "x": invalid syntax`],
    ["json-file", { "max-file": "0" }, `${initialize}max-file cannot be less than 1`],
    ["json-file", { compress: "maybe" }, `${initialize}strconv.ParseBool: parsing "maybe": invalid syntax`],
    [
      "json-file",
      { compress: "true" },
      `${initialize}compress cannot be true when max-file is less than 2 or max-size is not set`,
    ],
    ["json-file", { mode: "foo" }, "logger: logging mode not supported: foo"],
    [
      "json-file",
      { "max-buffer-size": "1m" },
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [
      "json-file",
      { "max-buffer-size": "x", mode: "non-blocking" },
      "error parsing option max-buffer-size: invalid size: 'x'",
    ],
    [
      "json-file",
      { tag: "{{.Nonsense}}" },
      `${initialize}template: log-tag:1:2: executing "log-tag" at <.Nonsense>: can't evaluate field Nonsense in type *logger.Info`,
    ],
    ["json-file", { tag: "{{.ID" }, `${initialize}template: log-tag:1: unclosed action`],
    [
      "json-file",
      { tag: "{{nosuch .Name}}" },
      `${initialize}template: log-tag:1: function "nosuch" not defined`,
    ],
    ["json-file", { "labels-regex": "(" }, `${initialize}error parsing regexp: missing closing ): \`(\``],
    ["json-file", { "cache-disabled": "maybe" }, "invalid value for option cache-disabled: maybe"],
    ["local", { x: "1" }, "unknown log opt 'x' for log driver local"],
    ["local", { labels: "a" }, "unknown log opt 'labels' for log driver local"],
    ["local", { "max-size": "foo" }, `${initialize}invalid value for max-size: foo: invalid size: 'foo'`],
    [
      "local",
      { "max-file": "x" },
      `${initialize}invalid value for max-file: x: strconv.Atoi: parsing "x": invalid syntax`,
    ],
    ["local", { "max-file": "1" }, `${initialize}compression cannot be enabled when max file count is 1`],
    [
      "local",
      { compress: "x" },
      `${initialize}error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax`,
    ],
    ["foo", {}, 'error looking up logging plugin foo: plugin "foo" not found'],
    ["syslog", { x: "1" }, "unknown log opt 'x' for syslog log driver"],
    ["syslog", { "syslog-address": "unix:///nosuch" }, "stat /nosuch: no such file or directory"],
    [
      "syslog",
      { "syslog-address": "127.0.0.1:1514" },
      'parse "127.0.0.1:1514": first path segment in URL cannot contain colon',
    ],
    ["syslog", { "syslog-address": "foo://127.0.0.1:1" }, "unsupported scheme: 'foo'"],
    ["syslog", { "syslog-facility": "foo" }, "invalid syslog facility"],
    ["syslog", { "syslog-format": "foo" }, "Invalid syslog format"],
    ["syslog", { "cache-x": "1" }, "unknown log opt 'cache-x' for syslog log driver"],
    [
      "syslog",
      { "syslog-address": "tcp+tls://127.0.0.1:1", "syslog-tls-ca-cert": "/nosuch" },
      `${initialize}could not read CA certificate "/nosuch": open /nosuch: no such file or directory`,
    ],
    ["fluentd", { x: "1" }, "unknown log opt 'x' for fluentd log driver"],
    [
      "fluentd",
      { "fluentd-address": "udp://127.0.0.1:1" },
      "invalid fluentd-address (udp://127.0.0.1:1): unsupported scheme: 'udp'",
    ],
    [
      "fluentd",
      { "fluentd-address": "tcp://127.0.0.1:1/path" },
      "invalid fluentd-address (tcp://127.0.0.1:1/path): should not contain a path element",
    ],
    [
      "fluentd",
      { "fluentd-address": "127.0.0.1:abc" },
      'invalid fluentd-address (127.0.0.1:abc): parse "tcp://127.0.0.1:abc": invalid port ":abc" after host',
    ],
    [
      "fluentd",
      { "fluentd-address": "127.0.0.1:99999" },
      'invalid fluentd-address (127.0.0.1:99999): invalid port: strconv.ParseUint: parsing "99999": value out of range',
    ],
    ["fluentd", { "fluentd-address": "unix://" }, "invalid fluentd-address (unix://): path is empty"],
    ["fluentd", { "fluentd-async": "maybe" }, 'strconv.ParseBool: parsing "maybe": invalid syntax'],
    ["fluentd", { "fluentd-buffer-limit": "x" }, "invalid size: 'x'"],
    ["fluentd", { "fluentd-retry-wait": "x" }, 'time: invalid duration "x"'],
    ["fluentd", { "fluentd-max-retries": "-1" }, 'strconv.ParseUint: parsing "-1": invalid syntax'],
    [
      "fluentd",
      { "fluentd-async-reconnect-interval": "1" },
      'invalid value for fluentd-async-reconnect-interval: time: missing unit in duration "1"',
    ],
    ["gelf", {}, "gelf-address is a required parameter"],
    ["gelf", { x: "1" }, "gelf-address is a required parameter"],
    ["gelf", { "gelf-address": "http://127.0.0.1:1" }, "gelf: endpoint needs to be TCP or UDP"],
    ["gelf", { "gelf-address": "udp://127.0.0.1" }, "gelf: please provide gelf-address as proto://host:port"],
    [
      "gelf",
      { "gelf-address": "udp://127.0.0.1:1", "gelf-compression-type": "foo" },
      'unknown value "foo" for log opt "gelf-compression-type" for gelf log driver',
    ],
    [
      "gelf",
      { "gelf-address": "tcp://127.0.0.1:1", "gelf-compression-level": "1" },
      "compression is only supported on UDP",
    ],
    [
      "gelf",
      { "gelf-address": "udp://127.0.0.1:1", "gelf-tcp-max-reconnect": "1" },
      '"gelf-tcp-max-reconnect" is only valid for TCP',
    ],
    [
      "gelf",
      { "gelf-address": "tcp://127.0.0.1:1", "gelf-tcp-reconnect-delay": "-1" },
      '"gelf-tcp-reconnect-delay" must be a positive integer',
    ],
    ["journald", { x: "1" }, "unknown log opt 'x' for journald log driver"],
    ["splunk", {}, "the log driver splunk is not supported by this version of caisson"],
  ] as [string, Options, string][])("%s %j", async (driver, options, text) => {
    expect(await check(driver, options).catch(messageOf)).toContain(text);
  });
});

test("taken as dockerd takes them", async () => {
  await check("json-file", { "max-size": "10m", "max-file": "3", compress: "1", mode: "blocking" });
  await check("json-file", { mode: "non-blocking", "max-buffer-size": "4m", "cache-max-size": "1m" });
  await check("local", { "max-file": "1", compress: "false" });
  await check("none", { anything: "goes" });
  await check("syslog", {
    "syslog-address": "udp://127.0.0.1",
    "syslog-facility": "23",
    "syslog-format": "rfc5424",
  });
  await check("fluentd", { "fluentd-address": "unix:///run/x", "fluentd-write-timeout": "1m30s" });
  await check("gelf", {
    "gelf-address": "udp://host:1",
    "gelf-compression-level": "-1",
    tag: "{{.Name | upper}}",
  });
  await check("journald", { labels: "a" });
});

test("what has no effect is said", () => {
  const of = (Type: string, Config: Options): string[] => logWarnings({ Type, Config });
  expect(of("syslog", { labels: "a", tag: "x" })).toEqual([
    "The log driver syslog has no place for attributes: labels discarded.",
  ]);
  expect(of("local", { "cache-disabled": "true" })).toEqual([
    "The log driver local has no cache: cache-disabled discarded.",
  ]);
  expect(of("json-file", { labels: "a" })).toEqual([]);
  expect(of("fluentd", { labels: "a", "cache-disabled": "true" })).toEqual([]);
});

test("attributes: the labels and variables that were asked for, and the tag", () => {
  const of = (options: Options): object => recordAttributes(info, options);
  expect(of({})).toEqual({});
  expect(of({ labels: "a,nosuch", "labels-regex": "^b", env: "E", "env-regex": "F" })).toEqual({
    a: "1",
    "b.c": "2",
    E: "x=y",
    F: "z",
  });
  const { id, imageId } = info.record;
  const tag =
    "{{.ID}}/{{.FullID}}/{{.Name}}/{{.ImageName}}/{{.DaemonName}}/{{.ImageID}}/{{.ImageFullID}}/{{.Command}}";
  expect(of({ tag })).toEqual({
    tag: `${id.slice(0, 12)}/${id}/web/busybox/docker/${imageId.slice(0, 12)}/${imageId}/sh`,
  });
  expect(of({ tag: "{{.Name | upper}} {{json .ImageName}} {{.ContainerCreated}}" })).toEqual({
    tag: 'WEB "busybox" 2026-01-02 03:04:05.6 +0000 UTC',
  });
});

test("attributes in a record are sorted and escaped as Go does", () => {
  expect(attributesText({})).toBe("");
  expect(attributesText({ b: "<&>", a: '"' })).toBe(',"attrs":{"a":"\\"","b":"\\u003c\\u0026\\u003e"}');
});
