/**
 * Devices that a container asks for by what they can do (`--gpus`) or by their names (`--device vendor.com/class=name`).
 * The only driver is that of the Container Device Interface.
 * @module
 */
import { failure } from "../errors/mod.ts";
import type { DeviceRequest, HostConfig } from "./container-types.ts";

/**
 * Checks what is asked for; whether the devices are there is seen when the container starts.
 * @throws invalid-parameter in Docker's words for what no driver can do
 */
export function checkDeviceRequests({ DeviceRequests }: Pick<HostConfig, "DeviceRequests">): void {
  for (const request of DeviceRequests ?? []) checkRequest(request);
}

function checkRequest({ Driver = "", Count = 0, Options, Capabilities }: DeviceRequest): void {
  const wrong = (message: string): never => {
    throw failure("invalid-parameter", { message });
  };
  if (Driver !== "cdi") {
    const sets = (Capabilities ?? []).map((set) => `[${set.join(" ")}]`);
    wrong(`could not select device driver ${JSON.stringify(Driver)} with capabilities: [${sets.join(" ")}]`);
  }
  if (Count !== 0) wrong("unexpected count in CDI device request");
  if (Object.keys(Options ?? {}).length > 0) wrong("unexpected options in CDI device request");
}

/** Names of devices of the Container Device Interface that a container asks for. */
export function cdiNames({ DeviceRequests }: Pick<HostConfig, "DeviceRequests">): string[] {
  return (DeviceRequests ?? []).flatMap(({ DeviceIDs }) => DeviceIDs ?? []);
}
