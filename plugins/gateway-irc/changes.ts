// What becomes of a room and its roles, as lines of IRC: TOPIC, MODE, KICK and INVITE, in the name
// of those who did it. What is set may be another server's word: nothing of it ends a line.

import type { Ranked, Removal, RoleName, RoomEvent } from "chatfusion";
import { fitting, flat, formatTags, wordOf } from "./line.ts";
import type { Names } from "./names.ts";
import type { Tag } from "./said.ts";
import {
  isTurned,
  listLetter,
  maskOfPattern,
  MODE_LETTERS,
  modeLetter,
  modeLines,
  rankChanges,
} from "./ruling.ts";

type Event<T extends RoomEvent["type"]> = Extract<RoomEvent, { readonly type: T }>;

export interface Changes {
  /** Something was set; "" for what IRC has no word for. */
  state(event: Omit<Event<"state">, "type">): string;
  ranked(event: Ranked): string;
  /** The role that one who comes in has. */
  cameAs(room: string, address: string, role: RoleName | undefined): string;
  kicked(room: string, address: string, removed: Removal): string;
  invited(room: string, nick: string, by: Author): string;
}

/** Who did something: `by` is `account@server`, `from` the nick of one who is there. */
interface Author {
  readonly by: string;
  readonly from?: string;
}

export interface ChangesOptions {
  readonly names: Names;
  /** Members want to hear who is invited (invite-notify). */
  readonly invites: boolean;
  /** Who does something has the account beside it (account-tag). */
  readonly accounts: boolean;
  /** Topics have ids, by which histories know them (message-tags). */
  readonly ids: boolean;
  /** And times (server-time). */
  readonly times: boolean;
}

export function createChanges(options: ChangesOptions): Changes {
  const { names, invites, accounts } = options;
  const { self } = names;
  /** How a line of somebody's begins. */
  const beginning = (address: string, account: string | undefined, more: readonly Tag[] = []) => {
    const proven: Tag[] = accounts && account !== undefined ? [["account", flat(account)]] : [];
    const tag = formatTags([...more, ...proven]);
    // A guest who has gone: his server speaks for him.
    const isGone = address.startsWith("~");
    return `${tag}:${wordOf(isGone ? names.host(address) : names.mask(address, account))}`;
  };
  const authorOf = ({ by, from }: Author, more: readonly Tag[] = []) => {
    const account = by.startsWith("~") ? undefined : by.slice(0, by.lastIndexOf("@"));
    return beginning(from ?? by, account, more);
  };
  const stampOf = ({ id, at }: Pick<Event<"state">, "id" | "at">): Tag[] => {
    const time: Tag[] = options.times ? [["time", new Date(at).toISOString()]] : [];
    return options.ids && id !== undefined ? [...time, ["msgid", id]] : time;
  };
  const line = (source: string, text: string) => `${source} ${text}\r\n`;
  const ending = (head: string, text: string) => `${head}${fitting(head, text)}\r\n`;
  const invited: Changes["invited"] = (room, nick, by) =>
    line(authorOf(by), `INVITE ${wordOf(nick)} ${room}`);
  const listed = (
    { room, value, ...by }: Parameters<Changes["state"]>[0],
    kind: string,
    pattern: string,
  ) => {
    // To invite one person is told by INVITE, and to set a mask by MODE.
    if (kind === "invite" && value !== null && isOne(pattern)) {
      return invites ? invited(room, names.nick(pattern), by) : "";
    }
    const sign = value === null ? "-" : "+";
    const source = by.expired === true ? `:${self}` : authorOf(by);
    const head = `${source} MODE ${room} ${sign}${listLetter(kind)} `;
    return ending(head, wordOf(maskOfPattern(pattern)));
  };
  return {
    invited,
    state(event) {
      const { room, key, value } = event;
      if (key === "topic") {
        const text = typeof value === "string" ? value : "";
        return ending(`${authorOf(event, stampOf(event))} TOPIC ${room} :`, text);
      }
      const slash = key.indexOf("/");
      const [kind, of] = [key.slice(0, Math.max(0, slash)), key.slice(slash + 1)];
      if (listLetter(kind) !== undefined) return listed(event, kind, of);
      const letter = kind === "mode" ? modeLetter(of) : undefined;
      if (letter === undefined) return ""; // roles are told as they touch people
      return line(authorOf(event), `MODE ${room} ${modeChange(letter, value)}`);
    },
    ranked({ room, people, by }) {
      const source = by === undefined ? `:${self}` : beginning(by.address, by.account);
      const changes = people.flatMap(({ address, was, role }) =>
        rankChanges(was, role).map((change) => ({ change, param: names.nick(address) })),
      );
      return modeLines(source, room, changes);
    },
    cameAs(room, address, role) {
      const [change] = rankChanges(undefined, role);
      return change === undefined
        ? ""
        : line(`:${self}`, `MODE ${room} ${change} ${names.nick(address)}`);
    },
    kicked(room, address, { code, by, reason }) {
      const source = by === undefined ? `:${self}` : beginning(by.address, by.account);
      const usual = by === undefined ? "kicked" : wordOf(names.nick(by.address));
      const why = WHY[code] ?? "";
      const text = [why, reason ?? (why === "" ? usual : "")].filter(Boolean).join(": ");
      return ending(`${source} KICK ${room} ${names.nick(address)} :`, text);
    },
  };
}

// --- internal ---

const WHY: Readonly<Record<string, string>> = {
  BANNED: "banned",
  INVITE_ONLY: "by invitation only",
};

/** A pattern that fits one person of one server. */
const isOne = (pattern: string): boolean => !/[*?]/.test(pattern);

function modeChange(letter: string, value: unknown): string {
  const mode = MODE_LETTERS[letter as keyof typeof MODE_LETTERS]; // looked up
  const isKey = mode === "key";
  if (isTurned(mode)) return value === null ? `+${letter}` : `-${letter}`;
  if (value === null) return isKey ? `-${letter} *` : `-${letter}`;
  if (isKey) return `+${letter} *`;
  return typeof value === "number" ? `+${letter} ${value}` : `+${letter}`;
}
