// The roles in a room: a tree. The founder stands at the top; an owner gives and takes the roles of
// accounts that nobody above or beside him has decided. So who gave a role can take it, and nobody
// takes the role of one above or beside. Pure functions of the entries. Read room-state.ts first.

import type { Nick, Sid } from "../names.ts";
import { nameKey } from "../names.ts";
import type { RoleName, RoleValue } from "../protocol/state.ts";
import { accountId, partsOf } from "../protocol/state.ts";
import type { Authority, Granted, Signed } from "./room-state.ts";

/** Who has which role: level by level, at each level those who came to it first. */
export function rolesOf(entries: readonly Signed[], authority: Authority): Map<string, Granted> {
  const founder = authority.founder === undefined ? undefined : folded(authority.founder);
  const roles = new Map<string, Granted>();
  /** By who gave it, and to whom: the newest, however these were written. */
  const given = new Map<string, Given>();
  const office: Given = new Map();
  for (const one of entries) {
    if (!one.entry.key.startsWith("role/")) continue; // most are none, and all are checked keys
    if (isInOffice(one, authority)) takeNewest(office, one);
    else if (one.entry.office === undefined) {
      const by = folded(actorOf(one));
      const some = given.get(by) ?? new Map();
      given.set(by, some);
      takeNewest(some, one);
    }
  }
  const decide = (some: Given, depth: number) => {
    for (const from of [...some.values()].toSorted(byTime)) {
      const target = targetOf(from);
      if (!roles.has(target)) roles.set(target, { role: givenBy(from), depth, from });
    }
  };
  decide(office, 0);
  if (founder !== undefined && !roles.has(founder))
    roles.set(founder, { role: "owner", depth: 0, from: undefined });
  for (let depth = 0; ; depth++) {
    const level = [...roles].filter(([, one]) => one.role === "owner" && one.depth === depth);
    if (level.length === 0) break;
    for (const [account] of level.toSorted(bySeniority))
      decide(given.get(account) ?? NONE, depth + 1);
  }
  giveVoices(roles, given);
  return roles;
}

/** What is decided of an account's role, however its name is written. */
export const grantOf = (
  roles: ReadonlyMap<string, Granted>,
  account: string,
  sid: Sid,
): Granted | undefined => roles.get(folded(accountId(account, sid)));

/**
 * Which is the newer one of two entries, and counts; never undecided between two that differ. Of
 * two foundings by one server, which had lost the first one, that one counts.
 */
export function isNewer(one: Signed, other: Signed): boolean {
  const areFoundings = one.entry.key === "founded" && other.entry.key === "founded";
  const [later, earlier] = areFoundings ? [other, one] : [one, other];
  if (later.entry.id !== earlier.entry.id) return later.entry.id > earlier.entry.id;
  if (one.sid !== other.sid) return one.sid > other.sid;
  return JSON.stringify(one.entry) > JSON.stringify(other.entry);
}

/** Who did it: `account@sid`. */
export const actorOf = ({ entry, sid }: Signed): string => accountId(entry.by, sid);

/** Done by an operator of the server whose operators stand on top. */
export const isInOffice = ({ entry, sid }: Signed, { office }: Authority): boolean =>
  entry.office === true && office === sid;

// --- internal -----------------------------------------------------------------------------------

/** Of accounts that no owner has decided, the newest word of a moderator counts. */
function giveVoices(roles: Map<string, Granted>, given: ReadonlyMap<string, Given>) {
  const newest = new Map<string, { readonly from: Signed; readonly depth: number }>();
  for (const [account, { role, depth }] of roles) {
    if (role !== "moderator") continue;
    for (const from of (given.get(account) ?? NONE).values()) {
      const target = targetOf(from);
      const isVoice = givenBy(from) === undefined || givenBy(from) === "voice";
      if (roles.has(target) || !isVoice) continue;
      const other = newest.get(target);
      if (other === undefined || isNewer(from, other.from))
        newest.set(target, { from, depth: depth + 1 });
    }
  }
  for (const [target, { from, depth }] of newest)
    roles.set(target, { role: givenBy(from), depth, from });
}

/** Roles that one has given, by the account that they are of. */
type Given = Map<string, Signed>;
const NONE: Given = new Map();

function takeNewest(some: Given, one: Signed): void {
  const target = targetOf(one);
  const other = some.get(target);
  if (other === undefined || isNewer(one, other)) some.set(target, one);
}

/** An account as it is compared: `account@sid` in small letters. */
const folded = (id: string): string => nameKey(id as Nick); // only compared

/** Whose role an entry gives or takes. */
export const targetOf = ({ entry }: Signed): string => folded(partsOf(entry.key)?.of ?? "");

const givenBy = ({ entry }: Signed): RoleName | undefined =>
  (entry.value as RoleValue | null)?.role; // checked with its key

const byTime = (a: Signed, b: Signed): number => (isNewer(a, b) ? 1 : -1);

/** The founder, then who was given the role first. */
function bySeniority(a: readonly [string, Granted], b: readonly [string, Granted]): number {
  const keyOf = ([account, { from }]: readonly [string, Granted]) =>
    from === undefined ? "" : `${from.entry.id} ${account}`;
  return keyOf(a) < keyOf(b) ? -1 : 1;
}
