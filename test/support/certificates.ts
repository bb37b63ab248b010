/**
 * Certificates for a test, by openssl: an authority, and what it has signed.
 * @module
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", args);
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr.toString("utf8")}`);
}

/** An authority with its files in a folder: `ca.pem`. */
export class Authority {
  readonly folder: string;
  readonly certificate: string;

  /** Makes one. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.folder = folder;
    this.certificate = join(folder, "ca.pem");
    openssl(
      "req",
      "-x509",
      ...newKey,
      "-days",
      "2",
      "-subj",
      "/CN=authority of a test",
      "-keyout",
      join(folder, "ca-key.pem"),
      "-out",
      this.certificate,
    );
  }

  /** Signs a certificate for 127.0.0.1; returns its folder, with the names that docker has: ca.pem, cert.pem, key.pem. */
  sign(name: string, usage: "serverAuth" | "clientAuth"): string {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const [request, key, extensions] = ["csr", "key.pem", "ext"].map((file) => join(folder, file));
    if (request === undefined || key === undefined || extensions === undefined) throw new Error("no paths");
    openssl("req", ...newKey, "-subj", `/CN=${name}`, "-keyout", key, "-out", request);
    writeFileSync(extensions, `subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=${usage}\n`);
    const authority = ["-CA", this.certificate, "-CAkey", join(this.folder, "ca-key.pem"), "-CAcreateserial"];
    const made = ["-days", "2", "-extfile", extensions, "-out", join(folder, "cert.pem")];
    openssl("x509", "-req", "-in", request, ...authority, ...made);
    openssl("x509", "-in", this.certificate, "-out", join(folder, "ca.pem"));
    return folder;
  }
}
