// People as sessions are told of them, and the answers to questions about them and their rooms: a
// part of messages.ts. Types alone.

import type { RoleName } from "./state.ts";

/** One who is online, as others see them. */
export interface PersonEntry {
  /** `nick@server`. */
  readonly address: string;
  readonly account?: string;
  /** They are away; why, or "". */
  readonly away?: string;
}

/** One who is in a room, with the role there. */
export interface MemberEntry extends PersonEntry {
  readonly role?: RoleName;
}

/** Somebody of whom a person wants to hear nothing. */
export interface IgnoredEntry {
  /** `nick@server`. */
  readonly address: string;
  /** Whatever the nick is, where the server knew the account. */
  readonly account?: string;
}

/** The answers to questions about people and rooms, and about those of whom nothing is wanted. */
export interface PeopleAnswers {
  /** With roles where a room was asked for. */
  who: { readonly people: readonly MemberEntry[]; readonly total: number; readonly next?: string };
  whois: PersonEntry & {
    readonly since: number;
    readonly rooms: readonly string[];
    /** In those of `rooms` in which the person has one. */
    readonly roles?: Readonly<Record<string, RoleName>>;
  };
  rooms: {
    readonly rooms: readonly {
      readonly room: string;
      readonly members: number;
      readonly topic?: string;
    }[];
    readonly next?: string;
  };
  ignore: IgnoredEntry;
  unignore: { readonly address: string };
  ignored: { readonly people: readonly IgnoredEntry[] };
}

/** The server's word, or with `by` that of whoever runs it. */
export interface NoticeEntry {
  readonly text: string;
  readonly room?: string;
  readonly by?: "operator";
}
