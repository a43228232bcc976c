// Accounts of this server that are removed: it is said in all rooms in which they have something,
// so that on every server whoever has the name later has nothing of theirs. Kept for this server
// alone in the lobby's state as well: a role from before that is told of later is answered so, too.
// Read removed-accounts.ts first.

import type { Log } from "../environment.ts";
import type { Nick, RoomName, Sid } from "../names.ts";
import { LOBBY, sameName } from "../names.ts";
import { accountIn, partsOf } from "../protocol/state.ts";
import type { AccountOf } from "./auth.ts";
import type { StateChanges } from "./state-changes.ts";
import type { Held, StateStore } from "./state-store.ts";

export interface RemovalsOptions {
  readonly log: Log;
  readonly selfSid: () => Sid;
  readonly store: StateStore;
  readonly changes: Pick<StateChanges, "remove">;
  readonly accountOf: AccountOf;
  readonly tellsAccounts: () => boolean;
}

export function createRemovals(options: RemovalsOptions) {
  const { store, selfSid } = options;
  /** When it was said in a room that an account was removed: the id of that, or "". */
  const saidIn = (room: RoomName, account: string): string =>
    store.ofKey(room, `gone/${account}`).find(({ sid }) => sid === selfSid())?.entry.id ?? "";
  /** The account of this server that has something by an entry. */
  const holderIn = ({ entry: { key, value, by }, sid }: Held): string | undefined => {
    if (value === null) return undefined;
    if (key === "founded") return sid === selfSid() ? by : undefined;
    const { kind, of = "" } = partsOf(key) ?? {};
    const target = kind === "role" ? accountIn(of) : undefined;
    return target?.sid === selfSid() ? target.account : undefined;
  };
  const say = (
    rooms: ReadonlyMap<string, { readonly room: RoomName; readonly account: string }>,
  ) => {
    if (rooms.size === 0) return;
    const failed = (error: unknown) => options.log.error("removed account not told", { error });
    options.changes.remove([...rooms.values()]).then((refused) => {
      if (refused !== undefined) failed(refused.text);
    }, failed);
  };
  /** Of some entries, those by which an account has something that was removed since. */
  const look = (some: Iterable<Held>, wasRemoved: (account: string, one: Held) => boolean) => {
    const found = new Map<string, { readonly room: RoomName; readonly account: string }>();
    for (const one of some) {
      const { room, id } = one.entry;
      const account = holderIn(one);
      if (account === undefined || id < saidIn(room, account)) continue;
      if (wasRemoved(account, one)) found.set(`${room} ${account}`, { room, account });
    }
    return found;
  };
  return {
    /** When an account of this name was removed the last time: the id of that, or "". */
    removedAt: (account: string): string => saidIn(LOBBY, account),
    /** An account may have been removed. */
    revoked(account: string): void {
      if (!options.tellsAccounts() || options.accountOf(account) !== undefined) return;
      const found = look(store.all(), (one) => sameName(one as Nick, account as Nick));
      say(found.set(LOBBY, { room: LOBBY, account }));
    },
    /** Entries came from other servers: of a role that was given before this was removed. */
    arrived(some: readonly Held[]): void {
      say(look(some, (account, { entry }) => entry.id < saidIn(LOBBY, account)));
    },
  };
}
