// Every page of somebody who has a machine, and what has to be true of each.
import type { Keeper } from "./test.ts";

/** Name for messages and pictures, and address. */
export type Address = readonly [name: string, path: string];

/** Pages for everybody. */
export const PUBLIC: readonly Address[] = [["login", "/login"]];

/** Pages of the person who keeps a machine that has a history. */
export function pagesOf({ gpu, failover, drill }: Keeper): Address[] {
  return [
    ["machines", "/app"],
    ["machine", `/app/machines/${gpu}`],
    ["offers", "/app/offers"],
    ["report", "/app/failovers"],
    ["report of drills", "/app/failovers?kind=drill&days=7"],
    ["empty report", "/app/failovers?kind=planned"],
    ["failover", `/app/failovers/${failover}`],
    ["drill", `/app/failovers/${drill}`],
    ["notifications", "/app/notifications"],
    ["settings", "/app/settings"],
    ["credentials", "/app/settings/credentials"],
    ["account", "/app/settings/account"],
    ["audit", "/app/settings/audit"],
    ["balance", "/app/balance"],
    ["machines, pages and acts", "/app/palette"],
    ["shortcuts", "/app/shortcuts"],
    ["question before a drill", `/app/machines/${gpu}/drill`],
    ["question before destroying", `/app/machines/${gpu}/destroy`],
  ];
}
