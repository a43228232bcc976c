// A configuration brought to life: its servers, and the situation in which it begins.

import { sidOf } from "../../src/plugin.ts";
import type { Config } from "./config.ts";
import { rosterOf } from "./facts.ts";
import { Locals } from "./locals.ts";
import { GONE, NONE } from "./situation.ts";
import type { Situation } from "./situation.ts";

export interface World {
  readonly config: Config;
  readonly locals: Locals;
  readonly addresses: readonly string[];
  readonly looks: readonly string[];
}

export function worldOf(config: Config): World {
  const people = config.servers.map((server, at) => {
    const [address = "", name = address] = server.split("=");
    const key = new Uint8Array(32).fill(16 * (at + 1));
    return { address, name, key, card: new Uint8Array(0), sid: sidOf(key.slice(0, 16)) };
  });
  const roster = rosterOf(people);
  const locals = new Locals({
    people,
    roster,
    operators: config.operators,
    batches: config.batches ?? false,
    ticks: config.ticks ?? false,
  });
  const addresses = people.map(({ address }) => address);
  return { config, locals, addresses, looks: roster.looks };
}

export function firstOf({ config, locals }: World): Situation {
  const empty = new Map<string, Uint8Array>();
  const disks = config.servers.map((_, server) =>
    locals.diskOf({ server, epoch: 0, stored: empty }),
  );
  return {
    locals: disks.map((disk) => locals.begin(disk)),
    said: 0,
    answered: 0,
    cuts: config.cuts ?? 0,
    restarts: config.restarts ?? 0,
    restores: config.restores ?? 0,
    hurries: config.hurries ?? 0,
    parted: 0,
    calm: 0,
    sides: 0,
    waits: 0,
    copies: disks.map((disk) => (config.copied === true ? disk : NONE)),
    connections: [],
    dials: [],
  };
}

/** Nothing is on its way. */
export function isQuiet({ config, locals }: World, situation: Situation): boolean {
  const { connections, dials } = situation;
  if (dials.length > 0) return false;
  if (situation.locals.some((local) => locals.facts(local).ticks)) return false;
  return connections.every(({ ends, broken }) =>
    ends.every(({ number, coming }, side) => {
      if (coming.length > 0) return false;
      return broken ? number === GONE || !learns(config, side) : number !== GONE;
    }),
  );
}

/** Which end of a broken connection learns of that by itself. */
export const learns = ({ halfOpen }: Config, side: number): boolean =>
  halfOpen !== true || side === 0;

/** The server at an address. */
export function serverAt({ addresses }: World, address: string): number {
  return addresses.indexOf(address.replace(/:.*/, ""));
}
