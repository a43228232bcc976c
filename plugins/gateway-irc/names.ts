// How people and rooms of a fusion are called on IRC. One of this server is "ann"; one of another
// server is "ben/lyon": a slash stands in no nick and no server's name, so that two people never
// have one name, and IRC clients take it as part of a nick. A mask is nick!user@host, where the
// host is the home server, so that nobody's address is shown.

import type { ServerName } from "chatfusion";
import { wordOf } from "./line.ts";

/** What is known here of one who came in by this gateway. */
export interface Ident {
  readonly user: string;
  /** Changes by SETNAME. */
  realName: string;
  /** The modes that are set: "i", "w", "B", and "o" for operators. */
  readonly modes: Set<string>;
  /** Those that it has been shown. */
  readonly rooms: ReadonlySet<string>;
}

export interface Names {
  readonly self: ServerName;
  /** The name on IRC of `nick@server`. */
  nick(address: string): string;
  /** nick!user@host of `nick@server`. */
  mask(address: string, account?: string): string;
  user(address: string, account?: string): string;
  realName(address: string): string;
  /** The home server in `nick@server`. */
  host(address: string): string;
  /** `nick@server` of what somebody wrote: "ann", "ben/lyon", "ben@lyon". */
  address(text: string): string;
  ident(address: string): Ident | undefined;
  /** Of one who came in by this gateway: until `forget`. */
  remember(address: string, ident: Ident): void;
  forget(address: string): void;
}

export function createNames(self: ServerName): Names {
  const ours = `@${self}`;
  /** By address: those who are here by this gateway, as many as there are sessions. */
  const here = new Map<string, Here>();
  const nick = (address: string) =>
    address.endsWith(ours)
      ? address.slice(0, -ours.length)
      : address.slice(0, address.lastIndexOf("@")) + "/" + hostOf(address);
  // A guest has no account, so that the sign which says "not proven" stands before the user.
  const user = (address: string, account: string | undefined) =>
    here.get(address)?.ident.user ?? (account === undefined ? "~guest" : wordOf(account));
  const mask = (address: string, account: string | undefined) =>
    `${nick(address)}!${user(address, account)}@${hostOf(address)}`;
  return {
    self,
    nick,
    user,
    host: hostOf,
    mask(address, account) {
      const one = here.get(address);
      if (one === undefined) return mask(address, account);
      one.mask ??= mask(address, account); // one who is here has a user, whatever the account is
      return one.mask;
    },
    realName: (address) => here.get(address)?.ident.realName ?? address,
    address(text) {
      if (text.includes("@")) return text;
      const slash = text.lastIndexOf("/");
      return slash === -1 ? text + ours : `${text.slice(0, slash)}@${text.slice(slash + 1)}`;
    },
    ident: (address) => here.get(address)?.ident,
    remember: (address, ident) => void here.set(address, { ident, mask: undefined }),
    forget: (address) => void here.delete(address),
  };
}

/** What may stand as the user of a mask; "" where nothing of it may. */
export const userOf = (text: string): string =>
  text.replaceAll(/[^\w.-]/g, "").slice(0, userLengthMax);

// --- internal ---

interface Here {
  readonly ident: Ident;
  /** Made when it is first asked for, since it stands before each message. */
  mask: string | undefined;
}

const userLengthMax = 18;

const hostOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1);
