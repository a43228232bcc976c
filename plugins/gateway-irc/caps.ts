// The capabilities that a client may ask for, as a table, and a set of them as one number.
// Those that change how events of rooms are written name a format (format.ts).

/** What each capability is for; the order is that of CAP LS. */
const TABLE = {
  "account-notify": "an account that changes is told",
  "account-tag": "who says something has their account beside it",
  "away-notify": "who goes away without going is told",
  batch: "lines that belong together are marked",
  "cap-notify": "capabilities that come and go are told; ours stay",
  "draft/account-registration": "a nick can be registered with a password",
  "draft/chathistory": "what was said can be asked for",
  "draft/event-playback": "and what was done to it",
  "draft/message-redaction": "messages that are deleted are told",
  "draft/read-marker": "up to where rooms are read",
  "draft/multiline": "a text of several lines is one message",
  "echo-message": "what one says comes back as others see it",
  chghost: "a user in a mask may change",
  "extended-monitor": "of those who are watched more is told than that they are there",
  "extended-join": "who joins has account and real name beside it",
  "invite-notify": "who is invited to a room is told there",
  "labeled-response": "an answer names what it answers",
  "message-tags": "tags of clients, and ids of messages",
  "multi-prefix": "all signs of a member, not the highest alone",
  "server-time": "when it was said",
  setname: "a real name may change",
  "standard-replies": "FAIL, WARN and NOTE",
  "userhost-in-names": "whole masks in NAMES",
  sasl: "logging in before the session begins",
} as const;

export type Cap = keyof typeof TABLE;

const CAPS = Object.keys(TABLE) as Cap[]; // the keys of the table
const BITS = new Map(CAPS.map((cap, index) => [cap, 1 << index]));
/** The same, for what is asked with each message. */
const BIT = Object.fromEntries(BITS) as Readonly<Record<Cap, number>>; // of all keys of the table

/** A set of capabilities. */
export type CapSet = number & { readonly brand?: "caps" };

export const NO_CAPS: CapSet = 0;

export const hasCap = (caps: CapSet, cap: Cap): boolean => (caps & BIT[cap]) !== 0;

/** Those in the set, in the order of the table. */
export const capNames = (caps: CapSet): Cap[] => CAPS.filter((cap) => hasCap(caps, cap));

/** Those that decide how a room's events are written. */
export const FORMAT_CAPS: CapSet = setOf([
  "account-notify",
  "account-tag",
  "away-notify",
  "batch",
  "chghost",
  "draft/message-redaction",
  "draft/multiline",
  "extended-join",
  "invite-notify",
  "message-tags",
  "server-time",
  "setname",
]);

/**
 * The set after a request of words such as "batch -sasl"; undefined where one is not known, since a
 * request is granted whole or not at all. `without`: those that this server has not.
 */
export function changeCaps(
  caps: CapSet,
  words: readonly string[],
  without: ReadonlySet<Cap> = new Set(),
): CapSet | undefined {
  let after: number = caps;
  for (const word of words) {
    const isRemoved = word.startsWith("-");
    const cap = (isRemoved ? word.slice(1) : word) as Cap; // no bit for what is not ours
    const bit = BITS.get(cap);
    if (bit === undefined || without.has(cap)) return undefined;
    after = isRemoved ? after & ~bit : after | bit;
  }
  return after;
}

/** As CAP LS lists them: with values for those who ask for version 302. */
export const capList = (
  values: Readonly<Partial<Record<Cap, string>>>,
  without: ReadonlySet<Cap>,
): string[] =>
  CAPS.filter((cap) => !without.has(cap)).map((cap) =>
    values[cap] ? `${cap}=${values[cap]}` : cap,
  );

// --- internal ---

function setOf(caps: readonly Cap[]): CapSet {
  return caps.reduce((set, cap) => set | BIT[cap], 0);
}
