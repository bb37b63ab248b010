import { expect, test } from "bun:test";
import { askForRaw } from "./raw-request.ts";

const ask = (text: string): string => askForRaw(Buffer.from(text, "latin1")).toString("latin1");

test("a request for a stream is made to ask for an upgrade, and only such a one", () => {
  expect(
    ask(
      "POST /v1.51/exec/e/start HTTP/1.1\r\nHost: d\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}in\xff",
    ),
  ).toBe(
    "POST /v1.51/exec/e/start HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nConnection: Upgrade\r\nUpgrade: caisson-raw\r\n\r\n{}in\xff",
  );
  expect(ask("POST /containers/a/attach?stdin=1 HTTP/1.1\r\nHost: d\r\n\r\n")).toContain(
    "Upgrade: caisson-raw\r\n\r\n",
  );
  for (const other of [
    "GET /containers/a/attach HTTP/1.1\r\nHost: d\r\n\r\n",
    "POST /containers/a/attach/ws HTTP/1.1\r\nHost: d\r\n\r\n",
    "POST /containers/a/start HTTP/1.1\r\nHost: d\r\n\r\n",
    "POST /containers/a/attach HTTP/1.1\r\nHost: d\r\nupgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
    "POST /containers/a/attach HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /containers/a/attach HTTP/1.1\r\nHost: d\r\n",
    "PO",
  ])
    expect(ask(other)).toBe(other);
});
