// What stands between a session, which knows one link, and the tree, which knows them all.

import type { Bytes, Failure, Millis, Sid } from "chatfusion";
import type { Identity } from "./announcement.ts";
import type { Fusion } from "./hello.ts";
import type { Session } from "./session.ts";

export type Phase = "hello" | "auth" | "fusion" | "consent" | "confirm" | "sync" | "full" | "ended";

/** What a session asks of the tree and tells it. Calls may end this session or others. */
export interface Neighbourhood {
  readonly identity: Identity;
  /** SHA-256 of the secret that both sides must know, or of nothing. */
  readonly secret: Bytes;
  readonly now: () => Millis;
  /** An objection to go on with the peer of this hello, who has proved nothing yet. */
  objectionToHello(session: Session): Failure | undefined;
  /** An objection to be one fusion with theirs; also ends sessions that this one replaces. */
  objection(session: Session, fusion: Fusion): Failure | undefined;
  /** Asks the plugins; `decided` is called once, now or later. */
  consent(session: Session, fusion: Fusion, decided: (denied: Failure | undefined) => void): void;
  /** What to tell the peer of our fusion. */
  fusionFor(session: Session): Fusion;
  /** This side accepts the peer's dial and is about to say so. */
  accepted(session: Session): void;
  /** A dry run of ours has come to its end without an objection. */
  possible(session: Session): void;
  /** The newest of each server that is judged; signed, to be handed on as they are. */
  readonly announcements: {
    keys(): Iterable<Sid>;
    get(sid: Sid): { readonly bytes: Bytes } | undefined;
  };
  /** The birth to say for a link that is up now. */
  birth(): number;
  full(session: Session): void;
  announced(session: Session, bytes: Bytes): void;
  routed(session: Session, type: number, payload: Bytes): void;
  registered(session: Session, payload: Bytes): void;
  /** Once, last. `was` is the phase in which it ended. */
  ended(session: Session, reason: Failure, was: Phase): void;
  /** Something waits for room, or is due at another time than it was. */
  retime(): void;
}
