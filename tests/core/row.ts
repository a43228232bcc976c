// Servers with the real fabric in one simulated world, for what their operators ask and are told.

import authGuest from "../../plugins/auth-guest.ts";
import fabricTree from "../../plugins/fabric-tree.ts";
import { eventText } from "../../src/cli/print.ts";
import type { ServerEvent } from "../../src/core/events.ts";
import type { Failure } from "../../src/errors.ts";
import type { Plugin } from "../../src/plugin.ts";
import { type Home, Place } from "./place.ts";

export interface Asked {
  readonly text: string;
  readonly code?: Failure["code"];
  readonly data?: unknown;
}

export class Row {
  readonly place: Place;

  constructor(seed: string) {
    this.place = new Place(seed);
  }

  start(name: string, ...more: readonly Plugin[]): Home {
    return this.place.start(name, { plugins: [authGuest(), fabricTree(), ...more], tls: true });
  }

  /** Starts servers and merges each with the next one. */
  row(...names: readonly string[]): Home[] {
    const homes = names.map((name) => this.start(name));
    homes.forEach((home, at) => {
      const next = names[at + 1];
      if (next !== undefined) this.ask(home, `merge ${next}:7331`);
    });
    this.place.rest(3000);
    return homes;
  }

  /** What an operator is answered. */
  ask(home: Home, line: string): Asked {
    return this.place.world.until(home.server.run(line.split(" "), { by: "console", roles: [] }));
  }

  /** Forgets what operators have been told so far. */
  hush(): void {
    for (const { events } of this.place.homes.values()) events.length = 0;
  }

  /** The machine of a server loses its power; its peers see a reset. */
  kill(home: Home): void {
    this.place.world.crash(home.name);
  }
}

/** The lines that a console has shown, those that say what is tried again left out. */
export function linesOf(home: Home): string[] {
  const isTry = (event: ServerEvent) => event.event === "link" && event.state === "retrying";
  return home.events.flatMap((event) => (isTry(event) ? [] : (eventText(event) ?? [])));
}
