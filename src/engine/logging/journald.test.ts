import { expect, test } from "bun:test";
import { exampleRecord } from "../testing.ts";
import { journald } from "./journald.ts";

test("fields of the native protocol: a value with line feeds has its length before it", () => {
  const record = exampleRecord({ config: { Labels: { "com.example.a": "1" } } });
  const remote = journald.open({ record, name: "web" }, { labels: "com.example.a", tag: "{{.Name}}" });
  const text = Buffer.from("a\nb");
  const fields = remote.encode({ stream: "stderr", text, time: 1_500_000_000n })?.toString("latin1");
  expect(fields).toBe(
    [
      "PRIORITY=3",
      `CONTAINER_ID=${record.id.slice(0, 12)}`,
      `CONTAINER_ID_FULL=${record.id}`,
      "CONTAINER_NAME=web",
      "CONTAINER_TAG=web",
      "IMAGE_NAME=busybox",
      "SYSLOG_IDENTIFIER=web",
      "COM_EXAMPLE_A=1",
      "SYSLOG_TIMESTAMP=1970-01-01T00:00:01.5Z",
      "MESSAGE\n\x03\0\0\0\0\0\0\0a\nb",
      "",
    ].join("\n"),
  );
});

test("pieces of a long line are marked", () => {
  const remote = journald.open({ record: exampleRecord({}), name: "web" }, {});
  const of = (ordinal: number, last: boolean): string | undefined =>
    remote
      .encode({ stream: "stdout", text: Buffer.from("x"), time: 0n, piece: { id: "p", ordinal, last } })
      ?.toString();
  expect(of(1, false)).toContain(
    "CONTAINER_PARTIAL_MESSAGE=true\nCONTAINER_PARTIAL_ID=p\nCONTAINER_PARTIAL_ORDINAL=1\n",
  );
  expect(of(2, true)).not.toContain("CONTAINER_PARTIAL_MESSAGE");
});

test("names of fields as Docker makes them: each character that a field can't have is one underline", () => {
  const Labels = { "__a.b": "1", straße: "2", "x😀y": "3" };
  const record = exampleRecord({ config: { Labels } });
  const remote = journald.open({ record, name: "web" }, { "labels-regex": "." });
  const fields = remote.encode({ stream: "stdout", text: Buffer.from("x"), time: 0n })?.toString();
  for (const field of ["A_B=1", "STRA_E=2", "X_Y=3"]) expect(fields).toContain(`\n${field}\n`);
});
