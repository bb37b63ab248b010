/**
 * Networks.
 * @module
 */
import { compareGroup, step, type Step } from "./compare.ts";

const v = "/v1.51";
const filters = (value: object): string => encodeURIComponent(JSON.stringify(value));
const create = (name: string, body: object | string, as?: string): Step =>
  step(`create: ${name}`, `POST ${v}/networks/create`, { body, ...(as === undefined ? {} : { as }) });
const versions = ["1.24", "1.40", "1.43", "1.44", "1.45", "1.47", "1.48", "1.49", "1.51"];
const container = (name: string, networks?: object): Step =>
  step(`make ${name}`, `POST ${v}/containers/create?name=${name}`, {
    body: {
      Image: "busybox",
      Cmd: ["sleep", "1000"],
      StopSignal: "SIGKILL",
      ...(networks === undefined ? {} : { NetworkingConfig: { EndpointsConfig: networks } }),
      HostConfig: networks === undefined ? {} : { NetworkMode: Object.keys(networks)[0] },
    },
    as: name,
    silent: true,
  });

compareGroup("networks", {
  "create and inspect": [
    step("list: at first", `GET ${v}/networks`, { sort: "Name" }),
    create("it works", { Name: "one" }, "one"),
    create("again", { Name: "one" }),
    create("without a name", {}),
    create("bad name", { Name: "b@d" }),
    create("predefined", { Name: "bridge" }),
    create("host again", { Name: "other", Driver: "host" }),
    create("null again", { Name: "other", Driver: "null" }),
    create("no driver", { Name: "other", Driver: "nothere" }),
    create("overlay", { Name: "other", Driver: "overlay" }),
    create("scope", { Name: "other", Scope: "swarm" }),
    create("ingress", { Name: "other", Ingress: true }),
    create("bad subnet", { Name: "other", IPAM: { Config: [{ Subnet: "x" }] } }),
    create("subnet with host bits", { Name: "other", IPAM: { Config: [{ Subnet: "10.77.0.1/24" }] } }),
    create("gateway outside", {
      Name: "other",
      IPAM: { Config: [{ Subnet: "10.77.0.0/24", Gateway: "10.78.0.1" }] },
    }),
    create("range outside", {
      Name: "other",
      IPAM: { Config: [{ Subnet: "10.77.0.0/24", IPRange: "10.78.0.0/25" }] },
    }),
    create("gateway without a subnet", { Name: "other", IPAM: { Config: [{ Gateway: "10.78.0.1" }] } }),
    create("auxiliary address outside", {
      Name: "other",
      IPAM: { Config: [{ Subnet: "10.77.0.0/24", AuxiliaryAddresses: { a: "10.78.0.5" } }] },
    }),
    create("no address management", { Name: "other", IPAM: { Driver: "nothere" } }),
    create("bad option", { Name: "other", Options: { "com.docker.network.driver.mtu": "much" } }),
    create("config-only with a driver", { Name: "configured", ConfigOnly: true, Driver: "bridge" }),
    create("config from nothing", { Name: "other", ConfigFrom: { Network: "nothing" } }),
    create("without IPv4 and IPv6", { Name: "other", EnableIPv4: false }),
    create("a wrong type", { Name: 7 }),
    create(
      "everything",
      {
        Name: "full",
        Driver: "bridge",
        Internal: true,
        Attachable: true,
        EnableIPv6: true,
        Labels: { a: "b" },
        Options: { "com.docker.network.bridge.name": "full0", "com.docker.network.driver.mtu": "1400" },
        IPAM: {
          Driver: "default",
          Config: [
            {
              Subnet: "10.99.0.0/24",
              IPRange: "10.99.0.128/25",
              Gateway: "10.99.0.1",
              AuxiliaryAddresses: { router: "10.99.0.200" },
            },
            { Subnet: "fd99::/64" },
          ],
        },
      },
      "full",
    ),
    create("overlap", { Name: "other", IPAM: { Config: [{ Subnet: "10.99.0.0/25" }] } }),
    create("bridge's name taken", { Name: "other", Options: { "com.docker.network.bridge.name": "full0" } }),
    create(
      "config-only",
      { Name: "model", ConfigOnly: true, IPAM: { Config: [{ Subnet: "10.98.0.0/24" }] } },
      "model",
    ),
    create("from a configuration", { Name: "copy", ConfigFrom: { Network: "model" } }, "copy"),
    step("remove: a configuration in use", `DELETE ${v}/networks/model`),
    step("inspect: one", `GET ${v}/networks/one`),
    step("inspect: by id", `GET ${v}/networks/{one}`),
    step("inspect: full", `GET ${v}/networks/full`),
    step("inspect: copy", `GET ${v}/networks/copy`),
    step("inspect: model", `GET ${v}/networks/model`),
    step("inspect: bridge", `GET ${v}/networks/bridge`),
    step("inspect: host", `GET ${v}/networks/host`),
    step("inspect: nothing", `GET ${v}/networks/nothing`),
    step("inspect: verbose", `GET ${v}/networks/one?verbose=true`),
    step("inspect: bad verbose", `GET ${v}/networks/one?verbose=strange`),
    step("inspect: another scope", `GET ${v}/networks/one?scope=swarm`),
    ...versions.map((n) => step(`inspect: ${n}`, `GET /v${n}/networks/full`)),
    ...versions.map((n) => step(`list: ${n}`, `GET /v${n}/networks?filters=${filters({ name: ["full"] })}`)),
    ...Object.entries({
      driver: { driver: ["null"] },
      "no driver": { driver: ["nothere"] },
      custom: { type: ["custom"] },
      builtin: { type: ["builtin"] },
      "bad type": { type: ["strange"] },
      label: { label: ["a=b"] },
      scope: { scope: ["local"] },
      id: { id: ["nothing"] },
      dangling: { dangling: ["true"] },
      "bad dangling": { dangling: ["strange"] },
      strange: { strange: ["x"] },
    }).map(([name, filter]) =>
      step(`list: filter ${name}`, `GET ${v}/networks?filters=${filters(filter)}`, { sort: "Name" }),
    ),
  ],
  "connect and disconnect": [
    container("c1"),
    container("c2", { full: { IPAMConfig: { IPv4Address: "10.99.0.130" }, Aliases: ["alias"] } }),
    step("c1 starts", `POST ${v}/containers/c1/start`, { silent: true }),
    step("c2 starts", `POST ${v}/containers/c2/start`, { silent: true }),
    step("connect: a container at creation", `GET ${v}/containers/c2/json`),
    step("connect: it works", `POST ${v}/networks/one/connect`, {
      body: { Container: "c1", EndpointConfig: { Aliases: ["x"] } },
    }),
    step("connect: inspect the container", `GET ${v}/containers/c1/json`),
    step("connect: inspect the network", `GET ${v}/networks/one`),
    step("connect: again", `POST ${v}/networks/one/connect`, { body: { Container: "c1" } }),
    step("connect: nobody", `POST ${v}/networks/one/connect`, { body: { Container: "nothing" } }),
    step("connect: without a container", `POST ${v}/networks/one/connect`, { body: {} }),
    step("connect: to nothing", `POST ${v}/networks/nothing/connect`, { body: { Container: "c1" } }),
    step("connect: to host", `POST ${v}/networks/host/connect`, { body: { Container: "c1" } }),
    step("connect: to none", `POST ${v}/networks/none/connect`, { body: { Container: "c1" } }),
    step("connect: to a configuration", `POST ${v}/networks/model/connect`, { body: { Container: "c1" } }),
    step("connect: an address outside", `POST ${v}/networks/full/connect`, {
      body: { Container: "c1", EndpointConfig: { IPAMConfig: { IPv4Address: "10.1.1.1" } } },
    }),
    step("connect: an address in use", `POST ${v}/networks/full/connect`, {
      body: { Container: "c1", EndpointConfig: { IPAMConfig: { IPv4Address: "10.99.0.130" } } },
    }),
    step("connect: a bad address", `POST ${v}/networks/full/connect`, {
      body: { Container: "c1", EndpointConfig: { IPAMConfig: { IPv4Address: "x" } } },
    }),
    step("connect: an address without a subnet of one's own", `POST ${v}/networks/one/connect`, {
      body: { Container: "c2", EndpointConfig: { IPAMConfig: { IPv4Address: "172.18.0.99" } } },
    }),
    step("connect: a bad MAC", `POST ${v}/networks/copy/connect`, {
      body: { Container: "c1", EndpointConfig: { MacAddress: "x" } },
    }),
    step("remove: in use", `DELETE ${v}/networks/one`),
    step("disconnect: it works", `POST ${v}/networks/one/disconnect`, { body: { Container: "c1" } }),
    step("disconnect: again", `POST ${v}/networks/one/disconnect`, { body: { Container: "c1" } }),
    step("disconnect: nobody", `POST ${v}/networks/one/disconnect`, { body: { Container: "nothing" } }),
    step("disconnect: from nothing", `POST ${v}/networks/nothing/disconnect`, { body: { Container: "c1" } }),
    step("disconnect: from host", `POST ${v}/networks/host/disconnect`, { body: { Container: "c1" } }),
    step("disconnect: by force", `POST ${v}/networks/one/disconnect`, {
      body: { Container: "nothing", Force: true },
    }),
    step("disconnect: inspect", `GET ${v}/networks/one`),
    step("c1 stops", `POST ${v}/containers/c1/stop`, { silent: true }),
    step("connect: stopped", `POST ${v}/networks/one/connect`, { body: { Container: "c1" } }),
    step("connect: stopped, inspect", `GET ${v}/containers/c1/json`),
    step("disconnect: stopped", `POST ${v}/networks/one/disconnect`, { body: { Container: "c1" } }),
    step("c1 goes", `DELETE ${v}/containers/c1?force=1`, { silent: true }),
    step("c2 goes", `DELETE ${v}/containers/c2?force=1`, { silent: true }),
  ],
  "remove and prune": [
    step("remove: it works", `DELETE ${v}/networks/one`),
    step("remove: again", `DELETE ${v}/networks/one`),
    step("remove: predefined", `DELETE ${v}/networks/bridge`),
    step("prune: bad filter", `POST ${v}/networks/prune?filters=${filters({ strange: ["x"] })}`),
    step("prune: bad until", `POST ${v}/networks/prune?filters=${filters({ until: ["x"] })}`),
    step("prune: nothing", `POST ${v}/networks/prune?filters=${filters({ label: ["x=y"] })}`),
    step("prune: full", `POST ${v}/networks/prune?filters=${filters({ label: ["a=b"] })}`),
    step("prune: the rest", `POST ${v}/networks/prune`, { sort: "" }),
    step("list: at last", `GET ${v}/networks`, { sort: "Name" }),
  ],
});
