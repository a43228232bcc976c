// Accounts that were revoked, so that nothing counts that was proven before. The oldest of very
// many are forgotten; what was proven before the last of those counts no more, whoever proved it.

import { LIMITS } from "../limits.ts";

export function createRevocations() {
  /** Each after how many others the last time; in that order. */
  const last = new Map<string, number>();
  let count = 0;
  /** Of those that are not known any more the newest. */
  let forgotten = 0;
  return {
    /** How many there were: when something is proven. */
    get count(): number {
      return count;
    },
    add(account: string): void {
      last.delete(account);
      last.set(account, ++count);
      if (last.size <= LIMITS.revocationsMax) return;
      for (const [oldest, at] of last) {
        last.delete(oldest);
        forgotten = at;
        return;
      }
    },
    /** Whether the account was revoked, or may have been, after so many others. */
    has: (account: string, since: number): boolean =>
      since < forgotten || (last.get(account) ?? 0) > since,
  };
}
