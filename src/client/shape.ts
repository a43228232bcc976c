// What a server's frames must look like: nothing that it sends is believed before it was checked
// here, since the server may be hostile. The types are those of protocol/messages.ts. Pure.

import * as v from "valibot";
import { ProtocolError } from "../errors.ts";
import type { RoomName } from "../names.ts";
import { decodeJson, frameName } from "../protocol/frame.ts";
import { describe } from "../protocol/hello.ts";
import { MessageKind, PrivateKind, type Answer, type RequestName } from "../protocol/messages.ts";
import { Count, Sha256, Transfer } from "../protocol/shapes.ts";
import { ROLES } from "../protocol/state.ts";

const Texts = v.array(v.string());

const PersonShape = v.object({
  address: v.string(),
  account: v.exactOptional(v.string()),
  away: v.exactOptional(v.string()),
});
const Role = v.picklist(ROLES);
const MemberShape = v.object({ ...PersonShape.entries, role: v.exactOptional(Role) });
/** Why one is not in a room any more who has not left it. */
const removal = {
  code: v.string(),
  by: v.exactOptional(v.object({ address: v.string(), account: v.exactOptional(v.string()) })),
  reason: v.exactOptional(v.string()),
};
const IgnoredShape = v.object({ address: v.string(), account: v.exactOptional(v.string()) });

/** Only the brand of the name is not checked. */
const RoomShape = v.custom<RoomName>((value) => typeof value === "string", "expected a text");

const said = {
  id: v.string(),
  from: v.string(),
  account: v.exactOptional(v.string()),
  text: v.string(),
  at: v.number(),
  cid: v.exactOptional(v.string()),
  late: v.exactOptional(v.literal(true)),
};
const MessageShape = v.object({
  ...said,
  room: RoomShape,
  kind: MessageKind,
  about: v.exactOptional(v.string()),
  thread: v.exactOptional(v.string()),
  mentions: v.exactOptional(Texts),
});
const PastShape = v.object({
  ...MessageShape.entries,
  edited: v.exactOptional(v.object({ text: v.string(), at: v.number() })),
  reactions: v.exactOptional(v.array(v.object({ text: v.string(), count: Count, by: Texts }))),
  deleted: v.exactOptional(v.literal(true)),
});
const PrivateShape = v.object({
  ...said,
  to: v.string(),
  kind: PrivateKind,
  about: v.exactOptional(v.string()),
});

/** Of a newer server's kinds nothing is known: what is of them is passed over. */
const passOver = <S extends v.GenericSchema<unknown, unknown>>(shape: S, kinds: KindShape) => {
  const isOther = (value: unknown) => {
    const { kind } = Object(value) as { readonly kind?: unknown };
    return typeof kind === "string" && !v.is(kinds, kind);
  };
  const known = v.pipe(
    v.array(v.unknown()),
    v.transform((all) => all.filter((one) => !isOther(one))),
  );
  return {
    /** One; undefined where it is passed over. */
    one: v.pipe(
      v.unknown(),
      v.transform((value) => (isOther(value) ? undefined : value)),
      v.optional(shape),
    ),
    all: v.pipe(known, v.array(shape)),
  };
};
type KindShape = typeof MessageKind | typeof PrivateKind;

const { one: Message, all: Messages } = passOver(MessageShape, MessageKind);
const { one: Private, all: Privates } = passOver(PrivateShape, PrivateKind);
const { all: PastMessages } = passOver(PastShape, MessageKind);
export { Message as MessageShape, Private as PrivateShape };

export const OfferShape = v.object({
  transfer: Transfer,
  from: v.string(),
  to: v.string(),
  name: v.string(),
  size: Count,
  mediaType: v.exactOptional(v.string()),
  sha256: v.exactOptional(Sha256),
  sending: v.exactOptional(Transfer),
  again: v.exactOptional(v.literal(true)),
});

export const PresenceShape = v.object({
  room: v.string(),
  person: PersonShape,
  role: v.exactOptional(Role),
  reason: v.exactOptional(v.string()),
  gone: v.exactOptional(v.literal(true)),
  removed: v.exactOptional(v.object(removal)),
});
export const RenamedShape = v.object({ was: PersonShape, person: PersonShape });
export const GapShape = v.object({ room: v.string(), missing: Count });
/** What a key of a room's state is set to. */
const setting = {
  key: v.string(),
  value: v.nullable(
    v.union([
      ...([v.string(), v.number(), v.literal(true)] as const),
      v.object({ reason: v.exactOptional(v.string()), until: v.exactOptional(Count) }),
    ]),
  ),
  by: v.string(),
  from: v.exactOptional(v.string()),
  at: Count,
  id: v.exactOptional(v.string()),
  expired: v.exactOptional(v.literal(true)),
};
const outline = {
  topic: v.exactOptional(v.string()),
  modes: v.exactOptional(v.record(v.string(), v.union([v.literal(true), Count]))),
  role: v.exactOptional(Role),
};
export const StateShape = v.object({ room: v.string(), ...setting });
export const RemovedShape = v.object({ room: v.string(), text: v.string(), ...removal });
export const InvitedShape = v.object({
  room: v.string(),
  by: v.string(),
  from: v.exactOptional(v.string()),
});
export const CountShape = v.object({ room: v.string(), members: Count });
export const FusionShape = v.object({
  servers: Texts,
  fusion: Texts,
  people: v.exactOptional(Count),
  rooms: v.exactOptional(v.array(v.object({ room: v.string(), people: Count }))),
  cut: v.exactOptional(v.array(v.tuple([v.string(), v.string()]))),
  code: v.exactOptional(v.string()),
  back: v.exactOptional(v.literal(true)),
});
export const ToldShape = v.object({
  id: v.string(),
  to: v.string(),
  at: v.number(),
  cid: v.exactOptional(v.string()),
  outcome: v.exactOptional(v.picklist(["delivered", "stored"])),
  code: v.exactOptional(v.string()),
  text: v.exactOptional(v.string()),
});
export const NoticeShape = v.object({
  text: v.string(),
  room: v.exactOptional(v.string()),
  by: v.exactOptional(v.literal("operator")),
});

export const AwayShape = v.object({ person: PersonShape });
export const TypingShape = v.object({ room: v.exactOptional(v.string()), person: PersonShape });
export const ReadShape = v.object({ room: v.string(), id: v.string() });
export const WatchedShape = v.object({ address: v.string(), online: v.boolean() });

export const AcceptedShape = v.object({
  transfer: Transfer,
  offset: Count,
  upTo: Count,
  receiving: v.exactOptional(Transfer),
});
export const CreditShape = v.object({ transfer: Transfer, upTo: Count });
export const HashShape = v.object({ transfer: Transfer, sha256: Sha256 });
export const FailedShape = v.object({ transfer: Transfer, code: v.string(), text: v.string() });

export const ErrorShape = v.object({
  ref: v.exactOptional(Count),
  code: v.string(),
  text: v.string(),
});
export const AckShape = v.looseObject({ ref: Count });
export const WelcomeShape = v.object({
  nick: v.string(),
  server: v.string(),
  account: v.exactOptional(v.string()),
  resume: v.string(),
  resumed: v.boolean(),
  lastRef: v.exactOptional(Count),
  lobby: v.string(),
  rooms: Texts,
  fusion: Texts,
});

const transfer = v.object({ transfer: Transfer });
const answers = {
  say: v.object({ id: v.string(), at: v.number() }),
  tell: v.object({
    id: v.string(),
    at: v.number(),
    outcome: v.picklist(["delivered", "stored"]),
    away: v.exactOptional(v.string()),
  }),
  join: v.object({ room: v.string(), members: Count, ...outline }),
  part: v.object({ room: v.string() }),
  rename: v.object({ nick: v.string() }),
  who: v.object({
    people: v.array(MemberShape),
    total: Count,
    next: v.exactOptional(v.string()),
  }),
  whois: v.object({
    ...PersonShape.entries,
    since: v.number(),
    rooms: Texts,
    roles: v.exactOptional(v.record(v.string(), Role)),
  }),
  rooms: v.object({
    rooms: v.array(
      v.object({ room: v.string(), members: Count, topic: v.exactOptional(v.string()) }),
    ),
    next: v.exactOptional(v.string()),
  }),
  history: v.object({ messages: PastMessages }),
  search: v.object({ messages: Messages, next: v.exactOptional(v.string()) }),
  conversation: v.object({ with: v.string(), messages: Privates }),
  conversations: v.object({
    conversations: v.pipe(
      v.array(v.object({ with: v.string(), message: Private })),
      v.transform((all) => all.filter(({ message }) => message !== undefined)),
    ),
    next: v.exactOptional(v.string()),
  }),
  forget: v.object({ with: v.string(), id: v.exactOptional(v.string()), messages: Count }),
  fusion: v.object({ servers: v.array(v.object({ server: v.string(), people: Count })) }),
  commands: v.object({
    commands: v.array(
      v.object({
        name: v.string(),
        usage: v.string(),
        about: v.string(),
        plugin: v.exactOptional(v.string()),
      }),
    ),
  }),
  command: v.object({ text: v.string(), data: v.exactOptional(v.unknown()) }),
  watch: v.object({ addresses: Texts }),
  unwatch: v.object({ addresses: Texts }),
  typing: v.object({ room: v.exactOptional(v.string()), to: v.exactOptional(v.string()) }),
  away: v.object({ text: v.exactOptional(v.string()) }),
  read: v.object({ room: v.string(), id: v.exactOptional(v.string()) }),
  ignore: IgnoredShape,
  unignore: v.object({ address: v.string() }),
  ignored: v.object({ people: v.array(IgnoredShape) }),
  room: v.object({
    room: v.string(),
    members: Count,
    founder: v.exactOptional(v.string()),
    founded: v.exactOptional(Count),
    settings: v.array(v.object(setting)),
    next: v.exactOptional(v.string()),
    ...outline,
  }),
  set: v.object({
    room: v.string(),
    ...setting,
    ended: v.exactOptional(Texts),
    unchanged: v.exactOptional(v.literal(true)),
  }),
  kick: v.object({ room: v.string(), address: v.string() }),
  offer: transfer,
  accept: transfer,
  reject: transfer,
  cancel: transfer,
  finish: transfer,
  credit: transfer,
  done: transfer,
} as const satisfies Record<RequestName, v.GenericSchema>;

/** Reads a payload as JSON of a shape. Throws `ProtocolError` `BAD_FRAME` or `BAD_UTF8`. */
export function read<S extends v.GenericSchema>(
  type: number,
  shape: S,
  payload: Uint8Array,
): v.InferOutput<S> {
  return check(type, shape, decodeJson(payload));
}

/** Checks the answer to a request. Throws `ProtocolError` `BAD_FRAME`. */
export function checkAnswer<T extends RequestName>(name: T, ack: unknown): Answer<T> {
  const parsed = v.safeParse(answers[name], ack);
  // The schemas say what Answer<T> says.
  if (parsed.success) return parsed.output as Answer<T>;
  throw new ProtocolError("BAD_FRAME", `ack of ${name}: ${describe(parsed.issues)}`);
}

// --- internal ------------------------------------------------------------------------------------

/** Checks a value. Throws `ProtocolError` `BAD_FRAME`, which names the frame and the key. */
function check<S extends v.GenericSchema>(
  type: number,
  shape: S,
  value: unknown,
): v.InferOutput<S> {
  const parsed = v.safeParse(shape, value);
  if (parsed.success) return parsed.output;
  throw new ProtocolError("BAD_FRAME", `${frameName(type)}: ${describe(parsed.issues)}`);
}
