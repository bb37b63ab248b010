import { expect, test } from "bun:test";
import { runCommand } from "../testing.ts";
import { volumes } from "./ls.ts";

const answers = {
  "GET /volumes": {
    json: {
      Volumes: [
        { Name: "v10", Driver: "local", Scope: "local", Mountpoint: "/m/v10", Labels: { b: "2", a: "1" } },
        {
          Name: "v9",
          Driver: "local",
          Scope: "local",
          Mountpoint: "/m/v9",
          UsageData: { Size: 1500, RefCount: 2 },
        },
      ],
    },
  },
};
const shown = async (...argv: readonly string[]): Promise<string> =>
  (await runCommand(volumes, argv, answers)).stdout;

test("in the order of their names, numbers as numbers", async () => {
  expect(await shown()).toBe("DRIVER    VOLUME NAME\nlocal     v9\nlocal     v10\n");
  expect(await shown("-q")).toBe("v9\nv10\n");
});

test("what wasn't measured is N/A", async () => {
  expect(await shown("--format", "{{.Name}} {{.Links}} {{.Size}} {{.Labels}} {{.Mountpoint}}")).toBe(
    "v9 2 1.5kB  /m/v9\nv10 N/A N/A a=1,b=2 /m/v10\n",
  );
});

test("no volumes are an empty table", async () => {
  const none = { "GET /volumes": { json: { Volumes: null } } };
  const ran = await runCommand(volumes, ["-f", "dangling=true"], none);
  expect(ran.stdout).toBe("DRIVER    VOLUME NAME\n");
  expect(ran.asked).toEqual(['GET /volumes?filters={"dangling":{"true":true}}']);
});
