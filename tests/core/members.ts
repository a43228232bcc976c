// Merged servers with histories, where everybody who gives a password has an account of his nick,
// or with the password "as NAME" that one; and `op` is an operator.

import authGuest from "../../plugins/auth-guest.ts";
import { allow, definePlugin, type Plugin } from "../../src/plugin.ts";
import { MemoryHistory } from "./memory.ts";
import type { Json, Peer } from "./peer.ts";
import { type Home, Place } from "./place.ts";

const auth = definePlugin({
  name: "auth-members",
  provides: ["auth"],
  setup: () => ({
    accountOf: (nick) => (/^[a-z]+$/.test(nick) ? nick : undefined),
    onAuth({ nick, credential }) {
      if (credential.kind !== "password") return undefined;
      const [, account = nick] = /^as (.*)$/.exec(credential.password) ?? [];
      return allow(account, account === "op" ? ["operator"] : []);
    },
  }),
});

export class Members {
  readonly place: Place;
  readonly homes = new Map<string, Home>();
  readonly histories = new Map<string, MemoryHistory>();

  /** Starts servers and merges them. */
  constructor(
    seed: string,
    names: readonly string[],
    private readonly isLogged = true,
  ) {
    this.place = new Place(seed);
    for (const name of names) this.start(name);
    this.place.join(...this.homes.values());
  }

  start(name: string, ...more: readonly Plugin[]): void {
    const history = this.histories.get(name) ?? new MemoryHistory();
    this.histories.set(name, history);
    const logs = this.isLogged ? [history.plugin()] : [];
    const plugins = [auth(), authGuest(), this.place.hub.plugin(), ...logs, ...more];
    this.homes.set(name, this.place.start(name, { plugins }));
  }

  restart(name: string): void {
    this.place.world.crash(name);
    this.place.hub.part(name);
    this.place.rest(2000);
    this.start(name);
    this.place.join(...this.homes.values());
  }

  /** Somebody with an account, or with `Guest` in the nick, without. */
  enter(server: string, nick: string): Peer {
    const more = /^[A-Z]/.test(nick) ? {} : { password: "x" };
    return this.place.enter(this.homes.get(server)!, nick, more);
  }
}

/** What somebody was told in a room since then, as `kind text`. */
export const told = (peer: Peer, from = 0): string[] =>
  peer.heard
    .slice(from)
    .filter(({ name }) => name === "message")
    .map(({ value }) => `${String(value["kind"])} ${String(value["text"])}`);

/** The messages that the history gives, oldest first. */
export const past = (peer: Peer, more: Json = {}): Json[] =>
  peer.get("history", { room: "#lobby", ...more })["messages"] as Json[];

/** ana on paris and bob on lyon, which are merged. */
export function merged(seed: string) {
  const town = new Members(seed, ["paris", "lyon"]);
  const ana = town.enter("paris", "ana");
  const bob = town.enter("lyon", "bob");
  town.place.rest(200);
  return { town, place: town.place, ana, bob };
}

/** Says something in the lobby; returns its id. */
export const say = (peer: Peer, text: string, more: Json = {}): string =>
  String(peer.get("say", { room: "#lobby", text, ...more })["id"]);
