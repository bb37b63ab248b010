/**
 * The program that starts a shim: a process that listens on a unix socket, which whoever needs a shim connects to
 * (native/PROTOCOL.md, section 3).
 * @module
 */
import { basename, dirname } from "node:path";
import { CWD, open } from "./calls.ts";
import { CLONE, flags, O } from "./flags.ts";
import { bytes, int, vector, type ProgramBuilder, type Result } from "./program.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
const CLOSE_RANGE_CLOEXEC = 4;
const ALL = 0xffffffff;
/** The shim's descriptor for the socket. */
const LISTENER = 3;
/** As many connections as a shim serves. */
const BACKLOG = 128;
/** A container's id takes the place of the word. */
const TITLE = "spare".padEnd(64);

/**
 * Adds the start of a shim that listens at `path`, whose last component is short. It ends with the executor, whose pid is
 * `parent`, until it has got its work. The result is its pid.
 */
export function startShim(b: ProgramBuilder, path: string, parent: number): Result {
  const [channel, none, socket] = [
    b.slot("the shim's channel"),
    b.slot("/dev/null"),
    b.slot("the shim's socket"),
  ];
  const name = basename(path);
  const address = Buffer.alloc(3 + name.length);
  address.writeUInt16LE(AF_UNIX);
  address.write(name, 2);
  const pid = b.clone("start a shim", { flags: flags(CLONE, "VM", "VFORK"), channel }, () => {
    b.call("end with the executor", "prctl", [
      int(PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"),
      int(SIGKILL, "SIGKILL"),
      0,
      0,
      0,
    ]);
    const above = b.call("see whether it is there", "getppid", []);
    b.skipIf("if it is", above, "==", parent, () => b.composite("end with it", "exit", [1]));
    b.call("leave its session", "setsid", []);
    // A socket's name has room for 107 bytes only.
    b.call(`go to ${dirname(path)}`, "chdir", [dirname(path)]);
    const how = int(SOCK_STREAM, "SOCK_STREAM");
    b.call("make the shim's socket", "socket", [int(AF_UNIX, "AF_UNIX"), how, 0], { into: socket });
    const mask = b.call("let nobody else connect", "umask", [int(0o177, "0177")]);
    b.call("remove an old one", "unlinkat", [CWD, name, 0], { tolerate: ["ENOENT"] });
    b.call(`bind it to ${path}`, "bind", [socket, bytes(address, `{${name}}`), address.length]);
    b.call("as before", "umask", [mask]);
    b.call("listen on it", "listen", [socket, BACKLOG]);
    open(b, "open /dev/null", CWD, "/dev/null", flags(O, "RDWR", "CLOEXEC"), none);
    for (const i of [0, 1, 2]) b.call(`it is descriptor ${i}`, "dup3", [none, i, 0]);
    b.call(`the socket is descriptor ${LISTENER}`, "dup3", [socket, LISTENER, 0]);
    const others = int(CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC");
    b.call("keep no other", "close_range", [LISTENER + 1, ALL, others]);
    b.call("execute it", "execve", ["/proc/self/exe", vector(["caisson-shim", TITLE]), vector([])]);
  });
  b.composite("wait until it runs", "await", [channel, int(2, "EOF")]);
  b.composite("close its channel", "close", [channel]);
  return pid;
}
