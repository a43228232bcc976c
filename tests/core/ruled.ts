// Servers whose people may have accounts: who logs in with a password has the account of the nick,
// and with the password "operator" that role, too. For tests of what rooms permit.

import authGuest from "../../plugins/auth-guest.ts";
import { allow, definePlugin } from "../../src/plugin.ts";
import type { Json, Peer } from "./peer.ts";
import { type Home, Place, type StartOptions } from "./place.ts";

export const authAnybody = definePlugin({
  name: "auth-anybody",
  provides: ["auth"],
  setup: () => ({
    onAuth({ nick, credential }) {
      if (credential.kind !== "password") return undefined;
      const roles = credential.password === "operator" ? ["operator"] : [];
      return allow(nick.toLowerCase(), roles);
    },
  }),
});

export class Ruled {
  readonly place: Place;

  constructor(seed: string, crypto: "cheap" | "real" = "cheap") {
    this.place = new Place(seed, crypto);
  }

  start(name: string, options: StartOptions = {}): Home {
    const plugins = [authAnybody(), authGuest(), this.place.hub.plugin()];
    return this.place.start(name, { plugins, ...options });
  }

  /** Starts servers and joins them. */
  town(...names: readonly string[]): Home[] {
    const homes = names.map((name) => this.start(name));
    this.place.join(...homes);
    return homes;
  }

  /** Somebody with an account of this name; an operator with that password. */
  account(home: Home, nick: string, password = "x"): Peer {
    return this.place.enter(home, nick, { password });
  }

  guest(home: Home, nick: string): Peer {
    return this.place.enter(home, nick);
  }

  /**
   * Two servers whose people were in a room before these met: ann, who has founded it in Paris; in
   * Lyon ben, who has founded it there, and gus, a guest.
   */
  met(room: string) {
    const [paris, lyon] = [this.start("paris"), this.start("lyon")];
    const people = {
      ann: this.account(paris, "ann"),
      ben: this.account(lyon, "ben"),
      gus: this.guest(lyon, "gus"),
    };
    for (const peer of Object.values(people)) peer.get("join", { room });
    this.place.rest(70_000);
    this.place.join(paris, lyon);
    return { paris, lyon, ...people };
  }

  /** How many entries a server holds. */
  held(home: Home): unknown {
    return (this.place.command(home, "status").data as { settings: number }).settings;
  }

  /** Sets a key, and returns the answer. */
  set(by: Peer, room: string, key: string, value: unknown = null): Json {
    return by.ask("set", { room, key, value });
  }

  /** All that is in force in a room, as somebody there sees it. */
  settings(by: Peer, room: string): Record<string, unknown> {
    const { settings } = by.get("room", { room }) as { settings: readonly Json[] };
    return Object.fromEntries(settings.map(({ key, value }) => [String(key), value]));
  }
}
