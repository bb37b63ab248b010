/**
 * The methods and paths of Engine API 1.51, in the order of its description, each with the statuses that this names
 * beside 500, which is said of all.
 * @module
 */

/** A method with a path, and what may be answered. */
export interface Endpoint {
  /** `METHOD /path/{parameter}`. */
  readonly pair: string;
  readonly statuses: readonly number[];
}

const table = `
GET /containers/json 200 400
POST /containers/create 201 400 404 409
GET /containers/{id}/json 200 404
GET /containers/{id}/top 200 404
GET /containers/{id}/logs 200 404
GET /containers/{id}/changes 200 404
GET /containers/{id}/export 200 404
GET /containers/{id}/stats 200 404
POST /containers/{id}/resize 200 404
POST /containers/{id}/start 204 304 400 404
POST /containers/{id}/stop 204 304 404
POST /containers/{id}/restart 204 404
POST /containers/{id}/kill 204 404 409
POST /containers/{id}/update 200 404
POST /containers/{id}/rename 204 404 409
POST /containers/{id}/pause 204 404
POST /containers/{id}/unpause 204 404
POST /containers/{id}/attach 101 200 400 404
GET /containers/{id}/attach/ws 101 200 400 404
POST /containers/{id}/wait 200 400 404
DELETE /containers/{id} 204 400 404 409
HEAD /containers/{id}/archive 200 400 404
GET /containers/{id}/archive 200 400 404
PUT /containers/{id}/archive 200 400 403 404
POST /containers/prune 200
GET /images/json 200
POST /build 200 400
POST /build/prune 200
POST /images/create 200 404
GET /images/{name}/json 200 404
GET /images/{name}/history 200 404
POST /images/{name}/push 200 404
POST /images/{name}/tag 201 400 404 409
DELETE /images/{name} 200 404 409
GET /images/search 200
POST /images/prune 200
POST /auth 200 204 401
GET /info 200
GET /version 200
GET /_ping 200
HEAD /_ping 200
POST /commit 201 404
GET /events 200 400
GET /system/df 200
GET /images/{name}/get 200
GET /images/get 200
POST /images/load 200
POST /containers/{id}/exec 201 404 409
POST /exec/{id}/start 200 404 409
POST /exec/{id}/resize 200 400 404
GET /exec/{id}/json 200 404
GET /volumes 200
POST /volumes/create 201
GET /volumes/{name} 200 404
PUT /volumes/{name} 200 400 404 503
DELETE /volumes/{name} 204 404 409
POST /volumes/prune 200
GET /networks 200
GET /networks/{id} 200 404
DELETE /networks/{id} 204 403 404
POST /networks/create 201 400 403 404
POST /networks/{id}/connect 200 400 403 404
POST /networks/{id}/disconnect 200 403 404
POST /networks/prune 200
GET /plugins 200
GET /plugins/privileges 200
POST /plugins/pull 204
GET /plugins/{name}/json 200 404
DELETE /plugins/{name} 200 404
POST /plugins/{name}/enable 200 404
POST /plugins/{name}/disable 200 404
POST /plugins/{name}/upgrade 204 404
POST /plugins/create 204
POST /plugins/{name}/push 200 404
POST /plugins/{name}/set 204 404
GET /nodes 200 503
GET /nodes/{id} 200 404 503
DELETE /nodes/{id} 200 404 503
POST /nodes/{id}/update 200 400 404 503
GET /swarm 200 404 503
POST /swarm/init 200 400 503
POST /swarm/join 200 400 503
POST /swarm/leave 200 503
POST /swarm/update 200 400 503
GET /swarm/unlockkey 200 503
POST /swarm/unlock 200 503
GET /services 200 503
POST /services/create 201 400 403 409 503
GET /services/{id} 200 404 503
DELETE /services/{id} 200 404 503
POST /services/{id}/update 200 400 404 503
GET /services/{id}/logs 200 404 503
GET /tasks 200 503
GET /tasks/{id} 200 404 503
GET /tasks/{id}/logs 200 404 503
GET /secrets 200 503
POST /secrets/create 201 409 503
GET /secrets/{id} 200 404 503
DELETE /secrets/{id} 204 404 503
POST /secrets/{id}/update 200 400 404 503
GET /configs 200 503
POST /configs/create 201 409 503
GET /configs/{id} 200 404 503
DELETE /configs/{id} 204 404 503
POST /configs/{id}/update 200 400 404 503
GET /distribution/{name}/json 200 401
POST /session 101 400
POST /build/cancel
POST /grpc
GET /containers/{id}/checkpoints
POST /containers/{id}/checkpoints
DELETE /containers/{id}/checkpoints/{checkpoint}
`;

/** All of them. */
export const endpoints: readonly Endpoint[] = table
  .trim()
  .split("\n")
  .map((line) => {
    const [method = "", path = "", ...statuses] = line.split(" ");
    return { pair: `${method} ${path}`, statuses: statuses.map(Number) };
  });

const patterns = endpoints.map(({ pair }) => ({
  pair,
  // Names of images and plugins have slashes, ids have none.
  pattern: new RegExp(`^${pair.replaceAll("{name}", "[^?]+").replaceAll(/\{\w+\}/g, "[^/?]+")}(\\?|$)`),
  parameters: pair.split("{").length,
}));

/** Which of them a request is to: `METHOD /vN/path?query`, or the path alone. The most exact one. */
export function endpointOf(request: string): string | undefined {
  const bare = request.replace(/^(\w+) \/v[\d.]+\//, "$1 /").replaceAll(/%7B[^?&]*/g, "");
  const fitting = patterns.filter(({ pattern }) => pattern.test(bare));
  return fitting.toSorted((a, b) => a.parameters - b.parameters)[0]?.pair;
}
