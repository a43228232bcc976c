// Accounts that were removed, as a room's entries tell it: `gone/ACCOUNT`, signed by the account's
// own server. What was set by such an account, or given to it, before it was removed is of somebody
// who is no more: it stays as it was, under a name that nobody has, so that whoever has the name
// later has nothing of it. Pure. Read room-state.ts first. Next: removals.ts (when it is said).

import type { Nick, Sid } from "../names.ts";
import { nameKey } from "../names.ts";
import { accountId, accountIn, partsOf } from "../protocol/state.ts";
import type { Signed } from "./room-state.ts";

/** Whether `account@sid` is one that was removed. */
export const isRemoved = (id: string): boolean => accountIn(id)?.account.endsWith(REMOVED) === true;

/** The entries of a room, in which accounts that were removed have other names than later ones. */
export function apartFromRemoved(entries: readonly Signed[]): readonly Signed[] {
  const removed = new Map<string, string>();
  for (const { entry, sid } of entries) {
    if (entry.value !== true || !entry.key.startsWith("gone/")) continue;
    const account = folded(partsOf(entry.key)?.of ?? "", sid);
    if (entry.id > (removed.get(account) ?? "")) removed.set(account, entry.id);
  }
  if (removed.size === 0) return entries;
  const isGone = (account: string, sid: Sid, { entry }: Signed) =>
    entry.id < (removed.get(folded(account, sid)) ?? "");
  return entries.map((one) => {
    const { entry, sid } = one;
    const { kind, of = "" } = partsOf(entry.key) ?? {};
    const target = kind === "role" ? accountIn(of) : undefined;
    const isOfGone = target !== undefined && isGone(target.account, target.sid, one);
    const isByGone = isGone(entry.by, sid, one);
    if (!isOfGone && !isByGone) return one;
    const key = isOfGone ? `role/${asRemoved(target.account, target.sid)}` : entry.key;
    // Whom a mute by nick fits who has set an open topic, it still fits.
    const by = isByGone ? { by: entry.by + REMOVED, nick: entry.nick ?? entry.by } : {};
    return { entry: { ...entry, ...by, key }, sid };
  });
}

/** `account@sid` of an account that was removed. */
export const asRemoved = (account: string, sid: Sid): string => accountId(account + REMOVED, sid);

// --- internal -----------------------------------------------------------------------------------

/** Behind the name of an account that was removed; a nick has no blank. */
const REMOVED = " (removed)";

/** As names are compared. */
const folded = (account: string, sid: Sid): string => nameKey(accountId(account, sid) as Nick);
