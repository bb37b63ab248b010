/**
 * Every method and path of Docker's API, on objects that don't exist and with bodies that say nothing.
 * @module
 */
import { compareGroup, step, type Step } from "./compare.ts";

/** The pairs of Engine API 1.51's description, in its order. */
const pairs = `
GET /containers/json
POST /containers/create
GET /containers/{id}/json
GET /containers/{id}/top
GET /containers/{id}/logs
GET /containers/{id}/changes
GET /containers/{id}/export
GET /containers/{id}/stats
POST /containers/{id}/resize
POST /containers/{id}/start
POST /containers/{id}/stop
POST /containers/{id}/restart
POST /containers/{id}/kill
POST /containers/{id}/update
POST /containers/{id}/rename
POST /containers/{id}/pause
POST /containers/{id}/unpause
POST /containers/{id}/attach
GET /containers/{id}/attach/ws
POST /containers/{id}/wait
DELETE /containers/{id}
HEAD /containers/{id}/archive
GET /containers/{id}/archive
PUT /containers/{id}/archive
POST /containers/prune
GET /images/json
POST /build
POST /build/prune
POST /images/create
GET /images/{name}/json
GET /images/{name}/history
POST /images/{name}/push
POST /images/{name}/tag
DELETE /images/{name}
GET /images/search
POST /images/prune
POST /auth
GET /info
GET /version
GET /_ping
HEAD /_ping
POST /commit
GET /events
GET /system/df
GET /images/{name}/get
GET /images/get
POST /images/load
POST /containers/{id}/exec
POST /exec/{id}/start
POST /exec/{id}/resize
GET /exec/{id}/json
GET /volumes
POST /volumes/create
GET /volumes/{name}
PUT /volumes/{name}
DELETE /volumes/{name}
POST /volumes/prune
GET /networks
GET /networks/{id}
DELETE /networks/{id}
POST /networks/create
POST /networks/{id}/connect
POST /networks/{id}/disconnect
POST /networks/prune
GET /plugins
GET /plugins/privileges
POST /plugins/pull
GET /plugins/{name}/json
DELETE /plugins/{name}
POST /plugins/{name}/enable
POST /plugins/{name}/disable
POST /plugins/{name}/upgrade
POST /plugins/create
POST /plugins/{name}/push
POST /plugins/{name}/set
GET /nodes
GET /nodes/{id}
DELETE /nodes/{id}
POST /nodes/{id}/update
GET /swarm
POST /swarm/init
POST /swarm/join
POST /swarm/leave
POST /swarm/update
GET /swarm/unlockkey
POST /swarm/unlock
GET /services
POST /services/create
GET /services/{id}
DELETE /services/{id}
POST /services/{id}/update
GET /services/{id}/logs
GET /tasks
GET /tasks/{id}
GET /tasks/{id}/logs
GET /secrets
POST /secrets/create
GET /secrets/{id}
DELETE /secrets/{id}
POST /secrets/{id}/update
GET /configs
POST /configs/create
GET /configs/{id}
DELETE /configs/{id}
POST /configs/{id}/update
GET /distribution/{name}/json
POST /session
POST /build/cancel
POST /grpc
GET /containers/{id}/checkpoints
POST /containers/{id}/checkpoints
DELETE /containers/{id}/checkpoints/{checkpoint}
`
  .trim()
  .split("\n");

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

const calm = pairs.filter((pair) => !apart.has(pair));
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
