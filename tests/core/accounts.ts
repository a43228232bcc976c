// A server on which some nicks have a password, for tests of what that means for them.

import { expect } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import { allow, type AuthHost, definePlugin, deny, type Plugin } from "../../src/plugin.ts";
import type { Peer } from "./peer.ts";
import { type Home, Place } from "./place.ts";

/**
 * A server where `ana` has an account, and whoever else is put among `accounts`; with a history,
 * where one is given, that outlives it.
 */
export function startWithAccounts(seed: string, history?: () => Plugin) {
  const place = new Place(seed);
  const accounts = new Set(["ana"]);
  let host: AuthHost | undefined;
  const plugin = definePlugin({
    name: "auth-accounts",
    provides: ["auth"],
    setup(context) {
      ({ host } = context);
      const accountOf = (nick: string) => {
        const account = nick.toLowerCase();
        return accounts.has(account) ? account : undefined;
      };
      return {
        accountOf,
        onAuth({ nick, credential }) {
          const account = accountOf(nick);
          if (account === undefined) return undefined;
          const isRight = credential.kind === "password";
          return isRight ? allow(account) : deny("log in", "NICK_REGISTERED");
        },
      };
    },
  });
  const openParis = () =>
    place.start("paris", {
      plugins: [plugin(), authGuest(), place.hub.plugin(), ...(history ? [history()] : [])],
    });
  let paris = openParis();
  return {
    place,
    paris,
    accounts,
    revoke: (account: string) => host?.revoked(account),
    restart(how: "crash" | "stopped"): Home {
      if (how === "crash") place.world.crash("paris");
      place.hub.part("paris");
      place.rest(2000);
      return (paris = openParis());
    },
    /** Logs in to the server as it is now; a mute client says of nothing that it has got it. */
    logIn(nick: string, isMute = false): Peer {
      const peer = place.connect(paris, true);
      peer.isMute = isMute;
      expect(peer.login({ nick, password: "x" }).name).toBe("welcome");
      place.rest(50);
      return peer;
    },
  };
}
