/**
 * Where a context's engine is: for dialling, and as `--docker host=…,ca=…` describes it.
 * @module
 */
import { parseHost, type Endpoint } from "../../client/mod.ts";
import { failure } from "../../errors/mod.ts";
import { fs } from "../builtins.ts";
import { commandFailed } from "../failure-text.ts";
import { fileProblem } from "../file-problem.ts";
import { cut } from "../key-values.ts";
import { ContextStore, type ContextEndpoint, type TlsMaterial } from "./store.ts";

/** The endpoint of a stored context. @throws command-failed in docker's words when there is none */
export function endpointOf(configuration: string, name: string): Endpoint {
  const store = new ContextStore(configuration);
  let context;
  try {
    context = store.read(name);
  } catch (error) {
    const { message } = error as Error;
    throw commandFailed(`Failed to initialize: unable to resolve docker endpoint: ${message}`, error);
  }
  const { Host = "", SkipTLSVerify = false } = context.Endpoints.docker ?? {};
  if (Host === "") throw commandFailed(`the context ${JSON.stringify(name)} names no host`);
  const files = [...store.material(name).keys()];
  if (files.length === 0 && !SkipTLSVerify) return parseHost(Host);
  const folder = `${store.tlsPath(name)}/docker`;
  const file = (key: "ca" | "cert" | "key"): { [K in typeof key]?: string } =>
    files.includes(`${key}.pem`) ? { [key]: `${folder}/${key}.pem` } : {};
  return parseHost(Host, { verify: !SkipTLSVerify, ...file("ca"), ...file("cert"), ...file("key") });
}

/** An endpoint with its certificates. */
export interface DescribedEndpoint {
  readonly endpoint: ContextEndpoint;
  readonly material: TlsMaterial;
}

const keys = ["from", "host", "ca", "cert", "key", "skip-tls-verify"];

/** The values of --docker: `host=…,ca=…`. @throws usage for a word without a value */
export function takeEndpoint(value: string): string {
  for (const word of value.split(",")) {
    if (!word.includes("=")) throw failure("usage", { message: `${word} must be formatted as key=value` });
  }
  return value;
}

/** Reads the values of --docker. @throws command-failed in docker's words */
export function describedEndpoint(
  values: readonly string[],
  copy: (name: string) => DescribedEndpoint,
): DescribedEndpoint {
  const given = new Map(values.flatMap((value) => value.split(",").map((word) => cut(word, "="))));
  const wrong = (why: string, cause?: unknown): Error =>
    commandFailed(`unable to create docker endpoint config: ${why}`, cause);
  const unknown = [...given.keys()].find((key) => !keys.includes(key));
  if (unknown !== undefined) throw wrong(`unrecognized config key: ${unknown}`);
  const from = given.get("from");
  if (from !== undefined) return copy(from);
  const material = new Map<string, Uint8Array>();
  for (const key of ["ca", "cert", "key"]) {
    const path = given.get(key) ?? "";
    if (path === "") continue;
    try {
      material.set(`${key}.pem`, fs().readFileSync(path));
    } catch (error) {
      throw wrong(fileProblem("open", path, error), error);
    }
    const kind = key === "key" ? "PRIVATE KEY-----" : "-----BEGIN CERTIFICATE-----";
    if (!String(material.get(`${key}.pem`)).includes(kind)) {
      throw wrong(
        `invalid docker endpoint options: failed to retrieve context tls info: ${key}.pem seems invalid`,
      );
    }
  }
  const skip = given.get("skip-tls-verify") ?? "";
  if (!/^(?:|1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(skip)) {
    throw wrong(`skip-tls-verify: parsing ${JSON.stringify(skip)}: invalid syntax`);
  }
  const Host = given.get("host") ?? "";
  return {
    endpoint: { ...(Host === "" ? {} : { Host }), SkipTLSVerify: /^[1tT]/.test(skip) },
    material,
  };
}
