// Slows down those who guess passwords, for all doors and auth plugins alike (security A4). Pure:
// a try is asked for before the password is looked at, and given back when it was right.
//
// Three tables, each bounded, the longest untouched entry first to go:
//   by address and nick   5 tries a minute, then one after waits that double up to 15 minutes
//   by address            20 wrong tries a minute, whatever the nicks: counted when they are known
//                         to be wrong, so that a class that comes back at once is not held up. What
//                         is looked at meanwhile, for as many as may connect, is owed
//   by nick               guessed at from many addresses, it is hot: then each address has one try
//                         instead of five. Never a lock-out: the owner's address has its own
// An address is what one customer of a network has: an IPv4 address, or an IPv6 /64.

import type { Clock, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Nick } from "../names.ts";
import { skeleton } from "../names.ts";

export interface Throttle {
  /**
   * Takes a try at `nick`'s password by the peer at `remote` ("127.0.0.1:40123", "[::1]:40123").
   * Returns 0 to go on, else the milliseconds after which to try again; then nothing was taken.
   */
  try(remote: string, nick: Nick): Millis;
  /** The password was wrong. */
  failed(remote: string, nick: Nick): void;
  /** The password was right: gives the try back, and forgets the wrong ones before it. */
  succeeded(remote: string, nick: Nick): void;
  /** The password was not looked at (`AUTH_BUSY`): gives this one try back. */
  untried(remote: string, nick: Nick): void;
}

/** Makes the throttle of a server. */
export function createThrottle(clock: Pick<Clock, "monotonic">): Throttle {
  const pairs = createTable<Pair>();
  const addresses = createTable<Bucket>();
  const nicks = createTable<Bucket>();
  const keysOf = (remote: string, nick: Nick) => {
    const address = networkOf(remote);
    // Look-alikes are refused by their skeleton, and guessed at by it.
    const name = skeleton(nick);
    return { address, name, both: `${address} ${name}` };
  };
  return {
    try(remote, nick) {
      const now = clock.monotonic();
      const { address, name, both } = keysOf(remote, nick);
      const byAddress = refill(addresses.get(address), now);
      if (byAddress.left < 1) return Math.ceil((1 - byAddress.left) * REFILL);
      const byNick = refill(nicks.get(name), now);
      const known = pairs.get(both);
      const pair = known === undefined || isForgotten(known, now) ? freshPair(now) : known;
      if (pair.until > now) return Math.ceil(pair.until - now);
      if (pair.tries < LIMITS.loginTriesPerNickMax && now >= pair.since + MINUTE) {
        Object.assign(pair, freshPair(now));
      }
      pair.tries += 1;
      const free = byNick.left < 1 ? 1 : LIMITS.loginTriesPerNickMax;
      if (pair.tries >= free) pair.until = now + waitAfter(pair.tries - free);
      byNick.left = Math.max(0, byNick.left - 1);
      pairs.set(both, pair);
      addresses.set(address, byAddress);
      nicks.set(name, byNick);
      return 0;
    },
    untried(remote, nick) {
      const { name, both } = keysOf(remote, nick);
      const pair = pairs.get(both);
      if (pair !== undefined) {
        pair.tries = Math.max(0, pair.tries - 1);
        pair.until = Math.min(pair.until, clock.monotonic());
      }
      giveBack(nicks.get(name));
    },
    failed(remote, nick) {
      const { address } = keysOf(remote, nick);
      const bucket = refill(addresses.get(address), clock.monotonic());
      bucket.left -= 1;
      addresses.set(address, bucket);
    },
    succeeded(remote, nick) {
      const { name, both } = keysOf(remote, nick);
      pairs.delete(both);
      giveBack(nicks.get(name));
    },
  };
}

// --- internal ---

const MINUTE = 60_000;
/** One more wrong try is allowed after this. */
const REFILL = MINUTE / LIMITS.loginTriesPerAddressMax;

interface Pair {
  tries: number;
  since: Millis;
  /** Before this there is no other try. */
  until: Millis;
}

interface Bucket {
  left: number;
  at: Millis;
}

const freshPair = (now: Millis): Pair => ({ tries: 0, since: now, until: now });

/** A pair that has kept still for as long as the longest wait begins anew. */
const isForgotten = (pair: Pair, now: Millis): boolean =>
  now >= pair.until + LIMITS.loginBackoffMsMax;

const waitAfter = (excess: number): Millis =>
  Math.min(LIMITS.loginBackoffMsMax, MINUTE * 2 ** Math.min(excess, 30));

function refill(bucket: Bucket | undefined, now: Millis): Bucket {
  const full = LIMITS.loginTriesPerAddressMax;
  if (bucket === undefined) return { left: full, at: now };
  bucket.left = Math.min(full, bucket.left + (now - bucket.at) / REFILL);
  bucket.at = now;
  return bucket;
}

function giveBack(bucket: Bucket | undefined): void {
  if (bucket !== undefined) bucket.left = Math.min(LIMITS.loginTriesPerAddressMax, bucket.left + 1);
}

/** A map that holds so many; whoever was set last is the last to be forgotten. */
function createTable<T>() {
  const rows = new Map<string, T>();
  return {
    get: (key: string): T | undefined => rows.get(key),
    set(key: string, row: T): void {
      rows.delete(key);
      rows.set(key, row);
      if (rows.size <= LIMITS.loginAddressesMax) return;
      for (const oldest of rows.keys()) {
        rows.delete(oldest);
        break;
      }
    },
    delete: (key: string): boolean => rows.delete(key),
  };
}

/** The address without its port; of IPv6 the first 64 bits. */
export function networkOf(remote: string): string {
  const host = /^\[(.*)\](?::\d+)?$/.exec(remote)?.[1];
  if (host === undefined) return remote.replace(/:\d+$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  if (mapped !== undefined) return mapped;
  const [before = "", after] = host.replace(/%.*$/, "").toLowerCase().split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail].slice(0, 4);
  return groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}
