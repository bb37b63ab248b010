/**
 * The firewall: one table of nftables, and everything of networks and containers as its elements.
 * @module
 */
export type { FirewallElement } from "./element.ts";
export { linkElements, networkElements, portElements, type FirewallNetwork } from "./elements.ts";
export { forgetOneByOne, unchosen } from "./forget.ts";
export { Firewall, type FirewallOptions } from "./firewall.ts";
export { FirewallObserver, type Disturbance } from "./observer.ts";
export { add, change, forgetExchanges, keepFirewall, openFirewall, remove } from "./programs.ts";
export type { RulesetOptions } from "./ruleset.ts";
