/**
 * How an executor comes to run from a file that nobody can change: what enters a container must have no file of the host as
 * its /proc/PID/exe (memfd_create(2), CVE-2019-5736).
 * @module
 */
import { CWD, open } from "./calls.ts";
import { AT, flags, O } from "./flags.ts";
import { int, ProgramBuilder, vector, type Program } from "./program.ts";

const CLOEXEC_ALLOW_SEALING = 1 | 2;
/** Kernels since 6.3 want to be told, older ones don't know it. */
const MFD_EXEC = 16;
const SHRINK_GROW_WRITE_SEAL = 1 | 2 | 4 | 8;
const F_SEAL_EXEC = 32;
const F_SETFD = 2;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
/** The session's socket. */
const SOCKET = 3;
/** As much as one sendfile(2) takes. */
const ALL = 0x7ffff000;

/** A program after which an executor is executed anew with `argv`, from a sealed copy of its file, unless it was before. */
export function sealing(argv: readonly string[]): Program {
  const b = new ProgramBuilder();
  const [file, copy] = [b.slot("its file"), b.slot("copy")];
  open(b, "open its file", CWD, "/proc/self/exe", flags(O, "RDONLY", "CLOEXEC"), file);
  const seals = b.call("see whether it is sealed", "fcntl", [file, int(F_GET_SEALS, "F_GET_SEALS"), 0], {
    tolerate: ["EINVAL"],
  });
  b.skipIf("unless it is", seals, ">=0", 0, () => {
    const name = "caisson";
    const made = b.call("make a file in memory", "memfd_create", [name, CLOEXEC_ALLOW_SEALING | MFD_EXEC], {
      into: copy,
      tolerate: ["EINVAL"],
    });
    b.skipIf("unless it is there", made, ">=0", 0, () =>
      b.call("make it as old kernels do", "memfd_create", [name, CLOEXEC_ALLOW_SEALING], { into: copy }),
    );
    // For everybody: it is the init of containers whose users are others.
    b.call("make it executable", "fchmod", [copy, 0o555]);
    b.call("copy the file", "sendfile", [copy, file, 0, ALL]);
    const add = int(F_ADD_SEALS, "F_ADD_SEALS");
    const sealed = b.call("seal it", "fcntl", [copy, add, SHRINK_GROW_WRITE_SEAL | F_SEAL_EXEC], {
      tolerate: ["EINVAL"],
    });
    b.skipIf("unless it is sealed", sealed, ">=0", 0, () =>
      b.call("seal it as old kernels do", "fcntl", [copy, add, SHRINK_GROW_WRITE_SEAL]),
    );
    b.call("keep the session's socket", "fcntl", [SOCKET, int(F_SETFD, "F_SETFD"), 0]);
    b.call("execute it", "execveat", [copy, "", vector(argv), vector([]), flags(AT, "EMPTY_PATH")]);
  });
  return b.build();
}
