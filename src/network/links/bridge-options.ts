/**
 * The options of bridge networks, read and checked as Docker does. Options that no driver knows are accepted, as there.
 * @module
 */
import { isIP } from "node:net";
import { failure } from "../../errors/mod.ts";
import type { BridgeOptions, GatewayMode, NetworkRecord } from "../types.ts";

const bridgeLabel = (name: string): string => `com.docker.network.bridge.${name}`;
const label = (name: string): string => `com.docker.network.${name}`;
const gatewayModes: ReadonlySet<string> = new Set(["nat", "nat-unprotected", "routed", "isolated"]);
const LONGEST_NAME = 15;
const SMALLEST_MTU = 68;
const LARGEST_MTU = 65535;
const INT64 = 2n ** 63n;

function unparsable(option: string, value: string, reason: string): Error {
  return failure("invalid-parameter", { message: `failed to parse ${option} value: ${value} (${reason})` });
}

class Reader {
  readonly #options: Readonly<Record<string, string>>;

  constructor(options: Readonly<Record<string, string>>) {
    this.#options = options;
  }

  text(option: string): string | undefined {
    return this.#options[option];
  }

  bool(option: string): boolean | undefined {
    const value = this.#options[option];
    if (value === undefined) return undefined;
    if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
    if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
    throw unparsable(option, value, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
  }

  integer(option: string): number | undefined {
    const value = this.#options[option];
    if (value === undefined) return undefined;
    const quoted = `strconv.Atoi: parsing ${JSON.stringify(value)}`;
    if (!/^[+-]?\d+$/.test(value)) throw unparsable(option, value, `${quoted}: invalid syntax`);
    const number = BigInt(value.replace("+", ""));
    if (number >= INT64 || number < -INT64) throw unparsable(option, value, `${quoted}: value out of range`);
    return Number(number);
  }

  mode(option: string): GatewayMode | undefined {
    const value = this.#options[option];
    if (value === undefined) return undefined;
    if (!gatewayModes.has(value)) throw unparsable(option, value, `unknown gateway mode ${value}`);
    return value as GatewayMode;
  }

  address(option: string): string | undefined {
    const value = this.#options[option];
    if (value === undefined) return undefined;
    if (isIP(value) === 0 || value.includes("%")) throw unparsable(option, value, "nil ip");
    return value;
  }
}

/** The bridge's name; what the kernel would refuse is refused in its words, as Docker passes them on. */
function bridgeName(options: Reader, { id }: NetworkRecord, isDefault: boolean): string {
  const name = options.text(bridgeLabel("name")) ?? "";
  if (name === "") return isDefault ? "docker0" : `br-${id.slice(0, 12)}`;
  if (Buffer.byteLength(name) > LONGEST_NAME)
    throw failure("invalid-parameter", { message: "numerical result out of range" });
  if (/[/:\s\0]/.test(name) || name === "." || name === "..") {
    throw failure("invalid-parameter", { message: "invalid argument" });
  }
  return name;
}

function readMtu(options: Reader): number | undefined {
  const mtu = options.integer(label("driver.mtu")) ?? 0;
  if (mtu < 0) throw failure("invalid-parameter", { message: `invalid MTU number: ${mtu}` });
  if (mtu === 0) return undefined;
  if (mtu < SMALLEST_MTU || mtu > LARGEST_MTU)
    throw failure("invalid-parameter", { message: "invalid argument" });
  return mtu;
}

/**
 * A bridge network's options.
 * @throws invalid-parameter, internal with Docker's texts
 */
export function readBridgeOptions(network: NetworkRecord): BridgeOptions {
  const options = new Reader(network.options);
  const masquerade = options.bool(bridgeLabel("enable_ip_masquerade")) ?? true;
  const isDefault = options.bool(bridgeLabel("default_bridge")) ?? false;
  options.bool(label("enable_ipv4"));
  options.bool(label("enable_ipv6"));
  const gatewayMode4 = options.mode(bridgeLabel("gateway_mode_ipv4")) ?? "nat";
  const gatewayMode6 = options.mode(bridgeLabel("gateway_mode_ipv6")) ?? "nat";
  const read = {
    masquerade4: masquerade,
    masquerade6: masquerade,
    icc: options.bool(bridgeLabel("enable_icc")) ?? true,
    gatewayMode4,
    gatewayMode6,
    hostBinding4: options.address(bridgeLabel("host_binding_ipv4")) ?? "0.0.0.0",
    inhibitIPv4: options.bool(bridgeLabel("inhibit_ipv4")) ?? false,
    trustedInterfaces: (options.text(bridgeLabel("trusted_host_interfaces")) ?? "")
      .split(":")
      .filter((name) => name !== ""),
    interfacePrefix: options.text(label("container_iface_prefix")) || "eth",
    hostIPv4: options.address(label("host_ipv4")),
    hostIPv6: options.address(label("host_ipv6")),
  };
  if ((gatewayMode4 === "isolated" || gatewayMode6 === "isolated") && !network.internal) {
    throw failure("invalid-parameter", {
      message: "gateway mode 'isolated' can only be used for an internal network",
    });
  }
  return { ...read, mtu: readMtu(options), bridge: bridgeName(options, network, isDefault) };
}

/**
 * Checks that no other network has the same bridge.
 * @throws forbidden
 */
export function checkBridgeIsFree(network: NetworkRecord, others: readonly NetworkRecord[]): void {
  const { bridge } = readBridgeOptions(network);
  for (const other of others) {
    if (other.driver !== "bridge" || other.configOnly || other.id === network.id) continue;
    if (readBridgeOptions(other).bridge !== bridge) continue;
    throw failure("forbidden", {
      message: `cannot create network ${network.id} (${bridge}): conflicts with network ${other.id} (${bridge}): networks have same bridge name`,
    });
  }
}
