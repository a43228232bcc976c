// Who may link, and which of two links to one server stays: the checks of objections.ts with the
// state that they need. It also remembers the newest dial that was taken of each server.

import { failure, LIMITS } from "chatfusion";
import type { FabricHost, Failure, MergeOffer, Millis, ServerName, Sid } from "chatfusion";
import type { Identity } from "./announcement.ts";
import { compareDials } from "./hello.ts";
import type { Dial, Fusion, Member } from "./hello.ts";
import { checkMembers, objectionToFusion, objectionToKey, rivalry } from "./objections.ts";
import type { Session } from "./session.ts";

export interface GateParts {
  readonly host: FabricHost;
  now(): Millis;
  readonly allow: readonly string[] | undefined;
  readonly sessions: ReadonlySet<Session>;
  /** Our fusion. */
  members(): readonly Member[];
  pinned(name: ServerName): Sid | undefined;
  /** The server that a dial is meant for, where only one is. */
  wanted(session: Session): Sid | undefined;
  /** Our operator has ended the link to this server. */
  parted(peer: Sid): boolean;
}

const NEVER: Dial = { epoch: 0, attempt: 0 };

export class Gate {
  readonly #parts: GateParts;
  readonly #identity: Identity;
  /** The newest dial of each server that this one has taken. */
  readonly #met = new Map<Sid, Dial & { readonly at: Millis }>();

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#identity = parts.host.identity;
  }

  /** The newest dial of a server that was taken here. */
  met(peer: Sid | undefined): Dial {
    const { epoch, attempt } = (peer === undefined ? undefined : this.#met.get(peer)) ?? NEVER;
    return { epoch, attempt };
  }

  /** Takes a dial: an older one of that server is stale from now on. */
  take(peer: Sid, { epoch, attempt }: Dial): void {
    this.#met.delete(peer);
    this.#met.set(peer, { epoch, attempt, at: this.#parts.now() });
    if (this.#met.size <= LIMITS.peersMax) return;
    const [oldest] = this.#met.keys();
    if (oldest !== undefined) this.#met.delete(oldest);
  }

  /**
   * A stranger has come. Of too many that are shaking hands, the one that has come first goes: an
   * honest one is not here for long, unless it waits for our own plugins.
   */
  makeRoom(session: Session): void {
    const strangers = [...this.#parts.sessions].filter(({ settled }) => !settled);
    if (strangers.length <= LIMITS.linkHandshakesMax) return;
    const many = `${strangers.length} servers are shaking hands with ${this.#identity.name}`;
    const text = `${many}; expected at most ${LIMITS.linkHandshakesMax}: try again`;
    const slowest = strangers.find(({ role, phase }) => role === "accepted" && phase !== "consent");
    (slowest ?? session).end(failure("TOO_MANY_CONNECTIONS", text));
  }

  /** Called when a session has the peer's hello, which proves nothing yet. */
  objectionToHello(session: Session): Failure | undefined {
    const peer = session.theirs;
    if (peer === undefined) return undefined;
    if (peer.sid === this.#identity.sid) {
      return failure("SELF", `this is ${peer.name} itself; expected another server`);
    }
    const wanted = this.#parts.wanted(session);
    if (wanted !== undefined && wanted !== peer.sid) {
      const got = `got ${peer.name}, ${peer.sid}`;
      const remedy = `"merge ${session.address}" would take it instead`;
      const text = `${session.address}: expected the server ${wanted}, ${got}; ${remedy}`;
      return failure("CANNOT_CONNECT", text);
    }
    return session.role === "dialled" ? this.#objectionToRivals(session, undefined) : undefined;
  }

  /**
   * Called when a session's peer has proved who it is and has said who is with it, and again
   * before this side says yes. Ends the sessions that this one replaces.
   */
  objection(session: Session, fusion: Fusion): Failure | undefined {
    const peer = session.theirs;
    if (peer === undefined) return undefined;
    checkMembers(fusion, peer);
    const { allow } = this.#parts;
    const objection =
      allow === undefined ? undefined : objectionToKey(allow, peer, this.#identity.name);
    if (objection !== undefined) return objection;
    if (session.role === "accepted" && !session.dryRun) {
      if (peer.again && this.#parts.parted(peer.sid)) {
        return failure("UNMERGED", `${this.#identity.name} has ended this link; merge again`);
      }
      // What was taken already, in phase "confirm", is its own newest.
      if (session.phase !== "confirm" && this.#isStale(peer)) {
        return failure("STALE", `a newer dial of ${peer.name} has been taken`);
      }
    }
    return (
      this.#objectionToBounds(session) ??
      this.#objectionToNames(session) ??
      this.#objectionToRivals(session, fusion.met)
    );
  }

  /** Asks the plugins, which may take their time; `decided` is called once. A fault denies. */
  consent(session: Session, fusion: Fusion, decided: (denied: Failure | undefined) => void): void {
    const peer = session.theirs;
    if (peer === undefined) return;
    const ours = new Set(this.#parts.members().map(({ sid }) => sid));
    const offer: MergeOffer = {
      by: session.role === "dialled" ? "us" : "them",
      server: peer.name,
      sid: peer.sid,
      remote: session.link.remote,
      fusion: fusion.members.flatMap(({ sid, name }) => (ours.has(sid) ? [] : [name])),
    };
    const answer = this.#parts.host.consent(offer);
    const decide = (verdict: Awaited<typeof answer>) => {
      const { name } = this.#identity;
      decided(
        verdict === undefined
          ? undefined
          : failure("MERGE_DENIED", `${name} refuses ${peer.name}: ${verdict.reason}`),
      );
    };
    if (!(answer instanceof Promise)) return decide(answer);
    answer.then(decide, () => {
      decided(
        failure("MERGE_DENIED", `${this.#identity.name} refuses ${peer.name}: a plugin failed`),
      );
    });
  }

  // --- internal ---

  /**
   * An older dial than the newest that was taken. Nobody waits longer for an answer than a dial
   * and a handshake may take: what is older after that is of a server restored from a backup.
   */
  #isStale(dial: Dial & { readonly sid: Sid }): boolean {
    const met = this.#met.get(dial.sid);
    if (met === undefined || compareDials(dial, met) > 0) return false;
    return this.#parts.now() - met.at <= LIMITS.dialMsMax + LIMITS.linkHandshakeMsMax;
  }

  /** Names held twice, or pinned to others. */
  #objectionToNames({ fusion, name: them }: Session): Failure | undefined {
    if (fusion === undefined || them === undefined) return undefined;
    const about = { us: this.#identity.name, them };
    const pinned = (name: ServerName) => this.#parts.pinned(name);
    return objectionToFusion(this.#parts.members(), fusion.members, about, pinned);
  }

  #objectionToBounds(session: Session): Failure | undefined {
    let links = 0;
    for (const other of this.#parts.sessions) {
      if (other === session || other.peer === session.peer) continue;
      if (other.settled) links++;
    }
    if (links < LIMITS.linksPerServerMax) return undefined;
    const text = `${this.#identity.name} has ${links} links, which is as many as it may have`;
    return failure("TOO_MANY_SERVERS", text);
  }

  /**
   * At most one link to a server: either it gives way to another one, or that one ends here; but
   * nothing ends for a peer that has proved nothing yet, of which `met` is not known.
   */
  #objectionToRivals(session: Session, met: Dial | undefined): Failure | undefined {
    const { peer } = session;
    if (peer === undefined || session.dryRun) return undefined;
    const about = { self: this.#identity.sid, peer, met: met ?? NEVER };
    const text = `another link of ${this.#identity.name} and ${session.name} stays`;
    const duplicate = failure("DUPLICATE_LINK", text);
    const rivals = [...this.#parts.sessions].filter((rival) => rival.peer === peer);
    const verdicts = rivals.map((rival) => rivalry(session, rival, about));
    if (verdicts.includes("keep old")) return duplicate;
    if (met === undefined) return undefined;
    const { name } = session;
    const copies = "if it had not lost this link, two servers run with copies of one data folder";
    const replaced = failure("DUPLICATE_LINK", `${name} has dialled anew; ${copies}`);
    rivals.forEach((rival, at) => {
      if (verdicts[at] === "keep new") rival.end(rival.phase === "full" ? replaced : duplicate);
    });
    return undefined;
  }
}
