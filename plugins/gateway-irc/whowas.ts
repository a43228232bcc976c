// Who was here and has left, for WHOWAS: people of this server, the newest first, bounded.

import type { Millis } from "chatfusion";
import { LIMITS, nameKey, parseNick } from "chatfusion";
import type { Ident } from "./names.ts";

export interface Gone extends Omit<Ident, "modes" | "rooms"> {
  readonly nick: string;
  readonly host: string;
  readonly account: string | undefined;
  readonly at: Millis;
}

export interface Whowas {
  add(one: Gone): void;
  /** Those of a nick, the newest first. */
  find(nick: string): readonly Gone[];
}

export function createWhowas(): Whowas {
  /** The oldest first. */
  const all: { readonly key: string; readonly gone: Gone }[] = [];
  return {
    add(gone) {
      all.push({ key: keyOf(gone.nick), gone });
      if (all.length > LIMITS.ircWhowasMax * 2) all.splice(0, all.length - LIMITS.ircWhowasMax);
    },
    find(nick) {
      const key = keyOf(nick);
      return all
        .slice(-LIMITS.ircWhowasMax)
        .filter((one) => one.key === key)
        .map(({ gone }) => gone)
        .toReversed();
    },
  };
}

// --- internal ---

/** A text that is no nick is nobody's. */
function keyOf(nick: string): string {
  try {
    return nameKey(parseNick(nick));
  } catch {
    return nick;
  }
}
