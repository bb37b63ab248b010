/**
 * Every method and path of Docker's API, on objects that don't exist and with bodies that say nothing.
 * @module
 */
import { compareGroup, step, type Step } from "./compare.ts";
import { endpoints } from "./endpoints.ts";

/** These do something to the machine or ask the internet; what they answer is asked elsewhere, or can't be. */
const apart = new Set([
  "GET /info",
  "GET /events",
  "GET /images/search",
  "POST /auth",
  "POST /swarm/init",
  "POST /swarm/join",
  "POST /session",
  "POST /grpc",
  "POST /build",
  "POST /images/load",
]);

const calm = endpoints.map(({ pair }) => pair).filter((pair) => !apart.has(pair));
const onNothing = (pair: string): string => pair.replaceAll(/\{\w+\}/g, "missing");

/** Each pair once, with a version and a body. */
function walk(
  kind: string,
  version: string,
  body?: object | string,
  headers?: Record<string, string>,
): readonly Step[] {
  return calm.map((pair) => {
    const [method, path = ""] = onNothing(pair).split(" ");
    const sent = { ...(body === undefined ? {} : { body }), ...(headers === undefined ? {} : { headers }) };
    return step(
      `${kind} ${pair.replaceAll(/[{}]/g, "").replaceAll("/", ".")}`,
      `${method} ${version}${path}`,
      { ...sent, sort: "Name" },
    );
  });
}

compareGroup("walk", {
  "without a body": walk("empty", "/v1.51"),
  "with an empty object": walk("object", "/v1.51", {}),
  "with JSON that ends too early": walk("broken", "/v1.51", '{"', { "Content-Type": "application/json" }),
  "with another type of content": walk("typed", "/v1.51", "x=1", { "Content-Type": "text/plain" }),
  "in the oldest version": walk("oldest", "/v1.24"),
});
