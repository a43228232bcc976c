// What the state of a room is called on IRC: letters of modes, lists and roles, and masks for the
// patterns of people (docs/rooms.md). As tables, and pure.

import type { ModeName, RoleName } from "chatfusion";
import { LIMITS, nameKey } from "chatfusion";

/** Modes of rooms by letter. Those with numbers have one as their parameter, and k the key. */
export const MODE_LETTERS = {
  A: "read-only",
  f: "slow",
  i: "invite-only",
  k: "key",
  l: "limit",
  m: "moderated",
  n: "open-talk",
  s: "secret",
  t: "open-topic",
} as const satisfies Readonly<Record<string, ModeName>>;

/** Set on IRC where it is not set here. */
export const isTurned = (mode: ModeName): boolean => mode === "open-topic" || mode === "open-talk";

/** Lists of masks. */
export const LIST_LETTERS = { b: "ban", I: "invite", q: "mute" } as const;
export type ListKind = (typeof LIST_LETTERS)[keyof typeof LIST_LETTERS];

/** Roles, the highest first: the letter of the mode, and the sign before a nick. */
export const ROLE_SIGNS = {
  owner: ["o", "@"],
  moderator: ["h", "%"],
  voice: ["v", "+"],
} as const satisfies Readonly<Record<RoleName, readonly [letter: string, sign: string]>>;

/** As ISUPPORT has them: lists; with a parameter always, when set, and never. */
export const CHANMODES = "Ibq,k,fl,Aimnst";
/** All of them, and roles, for the welcome; and those that have a parameter. */
export const CHANNEL_MODES = ["AIbfhiklmnoqstv", "Ibfhkloqv"] as const;

export const modeLetter = (mode: string): string | undefined =>
  Object.entries(MODE_LETTERS).find(([, name]) => name === mode)?.[0];

export const listLetter = (kind: string): string | undefined =>
  Object.entries(LIST_LETTERS).find(([, name]) => name === kind)?.[0];

export const roleOf = (letter: string): RoleName | undefined =>
  ROLES.find((role) => ROLE_SIGNS[role][0] === letter);

/** The sign of a role before a nick; one who has none has no sign. */
export const signOf = (role: RoleName | undefined): string =>
  role === undefined ? "" : ROLE_SIGNS[role][1];

/** Whether a role has all that another one has. */
export const hasRank = (role: RoleName | undefined, wanted: RoleName): boolean =>
  role !== undefined && ROLES.indexOf(role) <= ROLES.indexOf(wanted);

/** What takes a member from one role to another: "-v", "+o". */
export function rankChanges(was: RoleName | undefined, role: RoleName | undefined): string[] {
  if (was === role) return [];
  const off = was === undefined ? [] : [`-${ROLE_SIGNS[was][0]}`];
  return role === undefined ? off : [...off, `+${ROLE_SIGNS[role][0]}`];
}

/** A change, "+b", and its parameter. */
export interface ModeChange {
  readonly change: string;
  readonly param: string | undefined;
}

/**
 * Lines of MODE that tell of changes, as many as fit each; `source` is what they begin with. Tags
 * in it are counted, too: a line is shorter for them.
 */
export function modeLines(source: string, room: string, changes: readonly ModeChange[]): string {
  const head = `${source} MODE ${room} `;
  const lines: { readonly modes: string[]; readonly params: string[]; bytes: number }[] = [];
  for (const { change, param } of changes) {
    const bytes = change.length + (param === undefined ? 0 : Buffer.byteLength(param) + 1);
    let line = lines.at(-1);
    if (line === undefined || line.bytes + bytes > LIMITS.ircLineBytesMax - 2) {
      line = { modes: [], params: [], bytes: Buffer.byteLength(head) };
      lines.push(line);
    }
    line.modes.push(change);
    if (param !== undefined) line.params.push(param);
    line.bytes += bytes;
  }
  return lines
    .map(({ modes, params }) => `${head}${[joinModes(modes), ...params].join(" ")}\r\n`)
    .join("");
}

/** The modes that are set: letters, and parameters; of a key only that there is one. */
export function modesText(modes: Readonly<Partial<Record<ModeName, true | number>>>): string[] {
  const set = Object.entries(MODE_LETTERS).flatMap(([letter, mode]) => {
    const value = modes[mode];
    if ((value === undefined) !== isTurned(mode)) return [];
    if (mode === "key") return [[letter, "*"]];
    return [typeof value === "number" ? [letter, String(value)] : [letter]];
  });
  set.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  const params = set.flatMap(([, param]) => (param === undefined ? [] : [param]));
  return [`+${set.map(([letter]) => letter).join("")}`, ...params];
}

/**
 * The pattern that a mask means, `who@server`, or what is wrong with it. `nick!user@server`, where
 * the nick counts, or, where that is `*`, an account in place of the user; `nick`, `nick/server`,
 * `nick@server`, `*!*@server`.
 */
export function patternOf(mask: string): { readonly pattern: string } | { readonly text: string } {
  const at = mask.lastIndexOf("@");
  const left = at < 0 ? mask : mask.slice(0, at);
  let where = at < 0 ? "*" : mask.slice(at + 1);
  const mark = left.indexOf("!");
  let who = mark < 0 ? left : left.slice(0, mark);
  const user = mark < 0 ? "*" : left.slice(mark + 1);
  const slash = who.lastIndexOf("/");
  if (slash > 0) {
    const server = who.slice(slash + 1);
    if (where !== "*" && !isSame(where, server))
      return { text: "it names two servers; write NICK/SERVER or NICK!*@SERVER" };
    where = server;
    who = who.slice(0, slash);
  }
  if (/^\*+$/.test(who) && !/^~?\*+$/.test(user)) {
    if (user.startsWith("~"))
      return { text: "what a guest says the user is proves nothing; write NICK!*@SERVER" };
    who = user;
  }
  if (/^\*+$/.test(where)) where = "*";
  else if (/[*?]/.test(where)) return { text: "a server is named whole, or *" };
  return { pattern: `${who === "" ? "*" : who}@${where}` };
}

/** The mask of a pattern: "eve!*@lyon", or of a whole server "*!*@lyon". */
export function maskOfPattern(pattern: string): string {
  const at = pattern.lastIndexOf("@");
  return `${pattern.slice(0, at)}!*@${pattern.slice(at + 1)}`;
}

/** Whether two patterns, one as it was written, are the same. */
export const samePattern = (one: string, other: string): boolean => isSame(one, other);

// --- internal ---

/** Changes as they stand in a line: "+bb-k". */
function joinModes(changes: readonly string[]): string {
  let text = "";
  let last = "";
  for (const change of changes) {
    const sign = change.charAt(0);
    text += sign === last ? change.slice(1) : change;
    last = sign;
  }
  return text;
}

const ROLES = ["owner", "moderator", "voice"] as const;

const isSame = (one: string, other: string): boolean => foldOf(one) === foldOf(other);

/** Only compared; it need not be a name. */
const foldOf = (text: string): string => nameKey(text as Parameters<typeof nameKey>[0]);
