// What people ask of the state of a room, and what they are answered and told of it: a part of
// messages.ts. Pure. Next: state.ts (how servers tell each other).

import * as v from "valibot";
import { LIMITS } from "../limits.ts";
import { Count, Line, Name, Page } from "./shapes.ts";
import type { ModeName, RoleName, Sanction } from "./state.ts";

/** `topic`, `mode/slow`, `role/ann@paris`, `ban/eve@lyon`, …; see docs/rooms.md. */
const StateKey = v.pipe(v.string(), v.minLength(1), v.maxBytes(LIMITS.stateKeyBytesMax * 2));
/** What a key is set to; null unsets it. Which keys take what, the core says. */
const Setting = v.nullable(
  v.union([
    v.string(),
    v.number(),
    v.literal(true),
    v.object({ reason: v.optional(Line), until: v.optional(Count) }),
  ]),
);

/** What a key of a room's state is set to, as people are told it. */
export interface RoomSetting {
  readonly key: string;
  /** Of `mode/key` only that there is one. Of `role/…` the role. */
  readonly value: string | number | true | Sanction | null;
  /** `account@server`. */
  readonly by: string;
  /** `nick@server` of that account's, where it is in the room. */
  readonly from?: string;
  readonly at: number;
  /** Of a topic: what this change of it is called in histories. */
  readonly id?: string;
  /** Nobody has unset it: its end has come. `by` is who had set it. */
  readonly expired?: true;
}

/** Why somebody is not in a room any more who has not left it. */
export interface Removal {
  /** `KICKED`, `BANNED`, or `INVITE_ONLY`. */
  readonly code: string;
  /** Who did it: where nobody is there with that account, its name in place of a nick. */
  readonly by?: { readonly address: string; readonly account?: string };
  /** What was given as the reason. */
  readonly reason?: string;
}

/** What one who is in a room must know of it at once; what is not set is left out. */
export interface RoomOutline {
  readonly topic?: string;
  readonly modes?: Readonly<Partial<Record<ModeName, true | number>>>;
  /** One's own. */
  readonly role?: RoleName;
}

/** The requests about a room's state. */
export const rulingShapes = {
  room: v.object({
    room: Name,
    after: v.optional(StateKey),
    limit: v.optional(Page, LIMITS.pageMax),
  }),
  set: v.object({ room: Name, key: StateKey, value: v.optional(Setting, null) }),
  kick: v.object({ room: Name, address: Name, reason: v.optional(Line) }),
};

/** And their answers. */
export interface RulingAnswers {
  room: {
    readonly room: string;
    readonly members: number;
    /** `account@server`; a room that nobody has founded has none. */
    readonly founder?: string;
    /** When it was founded. */
    readonly founded?: number;
    readonly settings: readonly RoomSetting[];
    readonly next?: string;
  } & RoomOutline;
  /**
   * `ended`: whose roles ended with it, since they came from the one whose role was taken.
   * `unchanged`: it was so already.
   */
  set: { readonly room: string } & RoomSetting & {
      readonly ended?: readonly string[];
      readonly unchanged?: true;
    };
  kick: { readonly room: string; readonly address: string };
}

/** What one is told of it alone. */
export type RulingEvent =
  /** One is not in this room any more: kicked, banned, or not invited. */
  | ({ readonly type: "removed"; readonly room: string; readonly text: string } & Removal)
  /** `by` is `account@server`, `from` the nick of that account's, where it is in the room. */
  | {
      readonly type: "invited";
      readonly room: string;
      readonly by: string;
      readonly from?: string;
    };
