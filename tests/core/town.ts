// Servers with histories that outlive them, for what comes over restarts and splits.

import type { Plugin } from "../../src/plugin.ts";
import { MemoryHistory } from "./memory.ts";
import type { Peer } from "./peer.ts";
import { type Home, Place } from "./place.ts";

export const lobby = "#lobby";

export const say = (peer: Peer, text: string, room = lobby) => peer.get("say", { room, text });

/**
 * What paris said last, "two", lyon has alone, and caen lacks: the forgetful ones were told of it,
 * and have lost it. Paris is gone.
 */
export function forgetfulTown(seed: string, forgetful: readonly string[]) {
  const town = new Town(seed, ["paris", "lyon", "caen", ...forgetful]);
  const cat = town.enter("caen", "cat");
  const ana = town.enter("paris", "ana");
  say(ana, "one");
  town.place.rest(1000);
  town.part("caen");
  say(ana, "two");
  town.place.rest(1000);
  town.kill("paris");
  for (const name of forgetful) {
    town.kill(name);
    town.histories.get(name)!.range = () => []; // its disk is damaged
    town.start(name);
  }
  town.join("lyon", "caen", ...forgetful);
  return { town, cat };
}

/** Servers, each with a history of its own that outlives it. */
export class Town {
  readonly place: Place;
  readonly histories = new Map<string, MemoryHistory>();
  readonly homes = new Map<string, Home>();

  constructor(seed: string, names: readonly string[]) {
    this.place = new Place(seed);
    for (const name of names) this.start(name);
    this.join(...names);
  }

  start(name: string, ...more: readonly Plugin[]): Home {
    const history = this.histories.get(name) ?? new MemoryHistory();
    this.histories.set(name, history);
    const home = this.place.start(name, { more: [history.plugin(), ...more] });
    this.homes.set(name, home);
    return home;
  }

  enter(server: string, nick: string): Peer {
    return this.place.enter(this.homes.get(server)!, nick);
  }

  join(...names: readonly string[]): void {
    this.place.join(...names.map((name) => this.homes.get(name)!));
    this.place.rest(5000);
  }

  part(name: string): void {
    this.place.hub.part(name);
    this.place.rest(2000);
  }

  kill(name: string): void {
    this.place.world.crash(name);
    this.part(name);
  }

  said(name: string): string[] {
    return this.histories
      .get(name)!
      .backlog(lobby, 1000)
      .map(({ text }) => text);
  }
}
