// What a client tells its listeners, and how that is read from a server's frames. Pure.
// Next: client.ts.

import type { Failure } from "../errors.ts";
import { FRAME } from "../protocol/frame.ts";
import type { OfferEntry, PastEntry, PersonEntry, PrivateEntry } from "../protocol/messages.ts";
import type { NoticeEntry, RoomEventOnWire, ToldEntry, Welcome } from "../protocol/messages.ts";
import type { RulingEvent } from "../protocol/ruling.ts";
import * as shape from "./shape.ts";

/**
 * What happens to a client that is in. New kinds may come: ignore those that you do not know.
 * - `message`, `joined`, `left`, `renamed`, `gap`, `merged`, `split`: in a room; of the lobby,
 *   `joined` and `left` mean online and offline. One's own messages come as well.
 * - `backlog`: what was said in a room before this client came into it, oldest first; before all
 *   that is said there now. Only where `connect` asked for it, and where there is any.
 * - `count`: how many members a room has now. In large rooms it is told instead of `joined` and
 *   `left`, and everywhere when whole servers come or go: who they are, `who` tells.
 * - `state`: a key of a room's state was set, or unset (`value` null); see docs/rooms.md.
 * - `removed`: this client is not in the room any more, against its will; `code` says why, also
 *   where the room has not taken its new session after a reconnect.
 * - `invited`: somebody invites this person to a room.
 * - `private`: to this person alone; `late` when it was kept until now. `notice`: from the server.
 * - `told`: how a private message ended whose `tell` was refused with `UNCONFIRMED`: its `outcome`,
 *   or a `code` with its `text`. Give a `cid` to know it by.
 * - `watched`: one whom `request("watch", …)` has named is online or offline: first how it is, then
 *   each change, also over a reconnect.
 * - `away`: somebody is away, as `person.away` says, or is back; told where `renamed` is told.
 * - `typing`: somebody is writing, in a room or to this person; good for some seconds.
 * - `read`: another session of this account has read a room up to a message.
 * - `offered`: somebody wants to send a file; see `receive` and `reject`.
 * - `failed`: a transfer is no more, also one that was offered and not yet answered.
 * - `refused`: a request without an answer met a refusal.
 * - `connection`: see `ConnectionState`.
 */
export type ClientEvent =
  | Exclude<RoomEventOnWire, { readonly type: "typing" }>
  | {
      readonly type: "backlog";
      readonly room: string;
      readonly messages: readonly PastEntry[];
    }
  | { readonly type: "private"; readonly message: PrivateEntry }
  | ({ readonly type: "told" } & ToldEntry)
  | ({ readonly type: "notice" } & NoticeEntry)
  | { readonly type: "watched"; readonly address: string; readonly online: boolean }
  | { readonly type: "typing"; readonly room?: string; readonly person: PersonEntry }
  | { readonly type: "read"; readonly room: string; readonly id: string }
  | RulingEvent
  | { readonly type: "offered"; readonly offer: OfferEntry }
  | ({ readonly type: "failed"; readonly transfer: string } & FailureOnWire)
  | ({ readonly type: "refused" } & Failure)
  | ConnectionEvent;

interface FailureOnWire {
  /** Usually one of errors.ts; a newer server may have others. */
  readonly code: string;
  readonly text: string;
}

/**
 * - lost: the connection broke; it is dialled again, and what is said meanwhile is kept
 * - refused: it is still lost, for the server does not let it in again, or not yet (`NICK_IN_USE`:
 *   somebody else has the nick now; `rename` helps at once); told once for each `code`
 * - resumed: it is back, and nothing was missed
 * - back: it is back as a new session; what the history has of the time between follows as late
 *   messages, and a `gap` with 0 `missing` where nobody knows how much more there was
 * - closed: for good, the last event; `failure` says why, unless `close` was called
 */
export type ConnectionEvent =
  | { readonly type: "connection"; readonly state: "lost" | "refused"; readonly failure: Failure }
  | { readonly type: "connection"; readonly state: "resumed" | "back"; readonly welcome: Welcome }
  | { readonly type: "connection"; readonly state: "closed"; readonly failure?: Failure };

/** Reads the frame of an event; undefined for a type that is none. Throws `ProtocolError`. */
export function readEvent(type: number, payload: Uint8Array): ClientEvent | undefined {
  switch (type) {
    case FRAME.message: {
      const message = shape.read(type, shape.MessageShape, payload);
      return message === undefined ? undefined : { type: "message", message };
    }
    case FRAME.joined:
      return { type: "joined", ...shape.read(type, shape.PresenceShape, payload) };
    case FRAME.left:
      return { type: "left", ...shape.read(type, shape.PresenceShape, payload) };
    case FRAME.renamed:
      return { type: "renamed", ...shape.read(type, shape.RenamedShape, payload) };
    case FRAME.away:
      return { type: "away", ...shape.read(type, shape.AwayShape, payload) };
    case FRAME.typing: {
      const { room, person } = shape.read(type, shape.TypingShape, payload);
      return room === undefined ? { type: "typing", person } : { type: "typing", room, person };
    }
    case FRAME.read:
      return { type: "read", ...shape.read(type, shape.ReadShape, payload) };
    case FRAME.gap:
      return { type: "gap", ...shape.read(type, shape.GapShape, payload) };
    case FRAME.state:
      return { type: "state", ...shape.read(type, shape.StateShape, payload) };
    case FRAME.removed:
      return { type: "removed", ...shape.read(type, shape.RemovedShape, payload) };
    case FRAME.invited:
      return { type: "invited", ...shape.read(type, shape.InvitedShape, payload) };
    case FRAME.count:
      return { type: "count", ...shape.read(type, shape.CountShape, payload) };
    case FRAME.merged:
      return { type: "merged", ...shape.read(type, shape.FusionShape, payload) };
    case FRAME.split:
      return { type: "split", ...shape.read(type, shape.FusionShape, payload) };
    case FRAME.private:
      return privateEvent(shape.read(type, shape.PrivateShape, payload));
    case FRAME.told:
      return { type: "told", ...shape.read(type, shape.ToldShape, payload) };
    case FRAME.notice:
      return { type: "notice", ...shape.read(type, shape.NoticeShape, payload) };
    case FRAME.watched:
      return { type: "watched", ...shape.read(type, shape.WatchedShape, payload) };
    case FRAME.offered:
      return { type: "offered", offer: shape.read(type, shape.OfferShape, payload) };
    case FRAME.failed:
      return { type: "failed", ...shape.read(type, shape.FailedShape, payload) };
    default:
      return undefined;
  }
}

// --- internal -----------------------------------------------------------------------------------

const privateEvent = (message: PrivateEntry | undefined): ClientEvent | undefined =>
  message === undefined ? undefined : { type: "private", message };
