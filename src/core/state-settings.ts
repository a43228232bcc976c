// What somebody asks to set in a room, as the key and the value that are stored: patterns and
// accounts as they are compared, a key hashed. Whether he may is state-changes.ts'.

import { failure, isFailure, type Failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName, Sid } from "../names.ts";
import { LOBBY, nameKey, parseServerName, visible } from "../names.ts";
import type { Ask, PersonEntry } from "../protocol/messages.ts";
import type { RoleName, StateValue } from "../protocol/state.ts";
import { accountId, accountIn, fitsKey, partsOf, ROLES } from "../protocol/state.ts";
import type { AccountOf } from "./auth.ts";
import { patternOf } from "./pattern.ts";
import { grantOf } from "./room-roles.ts";
import type { RoomState } from "./room-state.ts";
import { stands } from "./room-state.ts";
import type { LiveSession } from "./session.ts";
import { expectedOf, gotText, modesFor, notInLobby } from "./state-texts.ts";
import type { States } from "./states.ts";

export interface SettingOptions {
  readonly self: ServerName;
  readonly states: States;
  readonly accountOf: AccountOf;
  /** Whether plugins tell accounts: else whoever they tell none of may have one. */
  readonly tellsAccounts: () => boolean;
  hash(password: string): Promise<string>;
  /** One who is online; undefined where nobody is there under this address. */
  person(address: string): PersonEntry | undefined;
  /** Those of other servers who have a nick. */
  namesakes(nick: string): string;
  /** One of this server, under this address. */
  sessionAt(address: string): LiveSession | undefined;
}

/** The key and value that are stored for what somebody asked to set. */
export async function settingOf(
  options: SettingOptions,
  room: RoomName,
  { key: text, value: asked }: Ask<"set">,
): Promise<{ readonly key: string; readonly value: StateValue } | Failure> {
  const slash = text.indexOf("/");
  const [kind, of] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
  if (kind === "role") return roleSetting(options, room, { address: of, value: asked });
  let key = text;
  if (kind === "ban" || kind === "mute" || kind === "invite") {
    const pattern = patternOf(of);
    if (isFailure(pattern)) return pattern;
    key = `${kind}/${pattern}`;
    const isSanction = kind !== "invite" && asked !== null;
    const standing = isSanction ? standingOf(options, room, pattern) : undefined;
    if (standing !== undefined)
      return aboveSanctions(room, kind === "ban" ? "banned" : "muted", standing);
  }
  if (kind === "founded" || kind === "gone" || partsOf(key) === undefined)
    return failure(
      "BAD_REQUEST",
      `room ${room}: ${visible(text)}: there is no such key${modesFor(text)}`,
    );
  const notThere = room === LOBBY ? notInLobby(key) : undefined;
  if (notThere !== undefined) return failure("BAD_REQUEST", `room ${room}: ${notThere}`);
  const given = valueOf(asked);
  if (!fitsKey(key, given) && key !== "mode/key")
    return failure(
      "BAD_REQUEST",
      `room ${room}: ${visible(key)}: expected ${expectedOf(key)}${gotText(asked)}`,
    );
  if (key !== "mode/key" || asked === null) return { key, value: given };
  if (typeof asked !== "string" || asked === "")
    return failure("BAD_REQUEST", `room ${room}: mode/key: expected a text`);
  return { key, value: await options.hash(asked) };
}

// --- internal -----------------------------------------------------------------------------------

/** What was left out is not there. */
function valueOf(asked: Ask<"set">["value"]): StateValue {
  if (asked === null || typeof asked !== "object") return asked;
  const { reason, until } = asked;
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(until === undefined ? {} : { until }),
  };
}

/** Whose role it is: of one who is there by his account, else of the account of that name. */
function roleSetting(
  options: SettingOptions,
  room: RoomName,
  { address, value }: { readonly address: string; readonly value: Ask<"set">["value"] },
): { readonly key: string; readonly value: StateValue } | Failure {
  const { states, person, self, sessionAt } = options;
  const at = address.lastIndexOf("@");
  const refused = (what: string) => failure("BAD_REQUEST", `${visible(address)}: ${what}`);
  if (at < 1) return refused("expected ACCOUNT@SERVER");
  const text = address.slice(at + 1);
  const name = nameKey(text as ServerName) === nameKey(self) ? self : serverIn(text);
  const sid = name === undefined ? undefined : states.sidNamed(name);
  if (name === undefined || sid === undefined)
    return failure("NO_SUCH_SERVER", `${visible(address)}: no server of this name is known`);
  const takes = value === null || value === "none";
  const found = person(address);
  const here = sessionAt(address);
  const mark = here === undefined ? undefined : states.guests.enlist(here, room);
  const state = states.of(room);
  const has = (account = ""): boolean => grantOf(state.roles, account, sid) !== undefined;
  const named = writtenAs(options, state, { account: address.slice(0, at), sid, server: name });
  // Who is there under the name of an account that is away has no role to lose: it is that one's.
  const isAway = takes && !has(found?.account ?? mark) && has(named);
  if (!isAway && found !== undefined && found.account === undefined && mark === undefined)
    return failure("NOT_PERMITTED", `${visible(address)} is a guest: roles are given to accounts`);
  const account = isAway ? named : (found?.account ?? mark ?? named);
  const key = `role/${accountId(account, sid)}`;
  if (Buffer.byteLength(account) > LIMITS.nameBytesMax || partsOf(key) === undefined)
    return refused(`expected an account of up to ${LIMITS.nameBytesMax} bytes`);
  if (takes) return { key, value: null };
  if (!(ROLES as readonly unknown[]).includes(value))
    return refused(`expected the role owner, moderator, voice or none`);
  const isNobody = found === undefined && name === self && options.tellsAccounts();
  if (isNobody && options.accountOf(account) === undefined) return noAccount(options, address);
  return { key, value: { role: value as RoleName, server: name } }; // it is one of them
}

/** Who takes a nick later would have the role, if its account need not be there. */
function noAccount({ self, namesakes }: SettingOptions, address: string): Failure {
  const hint = namesakes(address.slice(0, address.lastIndexOf("@")));
  const text = `${self} has no such account, and nobody there has this nick`;
  return failure(
    "NO_SUCH_NICK",
    `${visible(address)}: ${text}; roles are given to accounts${hint}`,
  );
}

/**
 * The one whom a pattern is about, if it is one alone and he is above bans and mutes: who is there
 * under that address, else the account of that name.
 */
function standingOf(
  { states, person, sessionAt }: SettingOptions,
  room: RoomName,
  pattern: string,
): Standing | undefined {
  const at = pattern.lastIndexOf("@");
  const sid = states.sidNamed(pattern.slice(at + 1) as ServerName); // only compared
  if (sid === undefined || /[*?]/.test(pattern)) return undefined;
  const entry = person(pattern);
  const here = entry === undefined ? undefined : sessionAt(entry.address);
  const account = entry === undefined ? pattern.slice(0, at) : entry.account;
  const somebody = here === undefined ? { account, sid } : states.personOf(here, room);
  const state = states.of(room);
  if (!stands(state, somebody)) return undefined;
  const grant = grantOf(state.roles, somebody.account ?? "", sid);
  const isFounder = grant !== undefined && grant.from === undefined;
  return { address: entry?.address ?? pattern, isFounder };
}

interface Standing {
  readonly address: string;
  readonly isFounder: boolean;
}

function aboveSanctions(room: RoomName, done: "banned" | "muted", who: Standing): Failure {
  const [is, how] = who.isFounder
    ? ["the founder", ""]
    : ["an owner or a moderator", ": take the role first"];
  const what = `${visible(who.address)} is ${is}, and cannot be ${done}${how}`;
  return failure("NOT_PERMITTED", `room ${room}: ${what}`);
}

/** An account in its own writing, else in that in which it has a role, else as it was typed. */
function writtenAs(
  { accountOf, self }: Pick<SettingOptions, "accountOf" | "self">,
  { roles }: RoomState,
  { account, sid, server }: { account: string; sid: Sid; server: ServerName },
): string {
  const own = server === self ? accountOf(account) : undefined;
  if (typeof own === "string") return own;
  const { from } = grantOf(roles, account, sid) ?? {};
  const given = from === undefined ? undefined : accountIn(partsOf(from.entry.key)?.of ?? "");
  return given?.account ?? account;
}

function serverIn(text: string): ServerName | undefined {
  try {
    return parseServerName(text);
  } catch {
    return undefined; // the caller says that there is none
  }
}
