import { expect, test } from "bun:test";
import { printProgram, ProgramBuilder } from "../kernel/mod.ts";
import { makeFolder, removeFolder } from "./folders.ts";

test("a folder is removed by its descriptor, and it may be missing with all above it", () => {
  const b = new ProgramBuilder();
  removeFolder(b, "/run/containers/x");
  expect(printProgram(b.build())).toMatchInlineSnapshot(`
"0  # open /run/containers
   openat(AT_FDCWD, "/run/containers", O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC) = <folder above> ?ENOENT
1  # remove /run/containers/x
   remove(<folder above>, "x") (if open)
2  # close folder above
   close(<folder above>) (if open)
"
`);
});

test("a folder is made with its files; one that is there is removed before", () => {
  const b = new ProgramBuilder();
  makeFolder(b, "/run/x", 0o700, { "config.json": { content: "{}", mode: 0o600 } });
  const text = printProgram(b.build());
  expect(text).toContain('mkdirat(AT_FDCWD, "/run/x", 0700) ?EEXIST');
  expect(text).toContain("next 4 steps");
  expect(text).toContain(
    'write(AT_FDCWD, "/run/x/config.json", "{}", O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW, 0600, any)',
  );
});
