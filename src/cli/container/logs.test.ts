import { expect, test } from "bun:test";
import { frame, runCommand } from "../testing.ts";
import { logs } from "./logs.ts";

const framed = Buffer.concat([frame(1, "out\n"), frame(2, "err\n")]).toString();

function answers(tty: boolean, text: string): Parameters<typeof runCommand>[2] {
  return {
    "GET /containers/a/json": { json: { Id: "id", Config: { Tty: tty } } },
    "GET /containers/id/logs": { text, contentType: "application/octet-stream" },
  };
}

test("the streams come apart", async () => {
  expect(await runCommand(logs, ["a"], answers(false, framed))).toMatchObject({
    code: 0,
    stdout: "out\n",
    stderr: "err\n",
    asked: ["GET /containers/a/json", "GET /containers/id/logs?stdout=1&stderr=1&tail=all"],
  });
});

test("of a terminal the output is shown as it is", async () => {
  expect(await runCommand(logs, ["a"], answers(true, "raw\r\n"))).toMatchObject({
    stdout: "raw\r\n",
    stderr: "",
  });
});

test("flags choose the part", async () => {
  const argv = ["-t", "-f", "--details", "-n", "5", "--since", "1136073600", "--until", "", "a"];
  expect((await runCommand(logs, argv, answers(false, ""))).asked[1]).toBe(
    "GET /containers/id/logs?stdout=1&stderr=1&follow=1&timestamps=1&details=1&tail=5&since=1136073600",
  );
});

test("a time that is none is refused before the log is asked for", async () => {
  const ran = await runCommand(logs, ["--since", "foo", "a"], answers(false, ""));
  expect(ran.problem).toContain('invalid value for "since"');
  expect(ran.asked).toEqual(["GET /containers/a/json"]);
});
