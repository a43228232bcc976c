// One link, from its hello to its end: the order of the handshake, then announcements, heart-beats
// and the core's registers. It judges nothing: what may be, the tree says (Neighbourhood).
//
//   dialled:   hello ─HELLO→ auth ─AUTH→ fusion ─FUSION→ consent ─yes→ sync ─SYNCED→ full
//   accepted:  auth ─AUTH→ fusion ─FUSION→ consent ─yes→ confirm ─ANNOUNCEMENT, SYNCED→ sync → full
//
// 1. Until AUTH nothing is believed, no frame is larger than 4 KiB, and there are five seconds.
// 2. Whoever accepts says AUTH and FUSION only when it consents; whoever dialled sends its
//    announcements only when it consents too. So nothing has changed anywhere before both agree.
// 3. Full is who has said SYNCED and heard it: all announcements of both sides have then come. The
//    birth is the larger one of the two that were said.
// 4. After `end` nothing is sent and nothing is heard.
// 5. A dry run ends where a merge would change something. Who accepts tells who is here even if it
//    then refuses, unless its plugins or its secret do; a PONG behind that tells that it does not.

import { failure, LIMITS, ProtocolError } from "chatfusion";
import type { Bytes, Failure, Link, LinkHandlers, Millis, ServerName, Sid } from "chatfusion";
import { Bucket } from "./bucket.ts";
import { Reader, Writer } from "./bytes.ts";
import { Heart } from "./heart.ts";
import { checkAuth, LINK_FRAME, makeAuth, readFusion, readHello, writeFusion } from "./hello.ts";
import type { Dial, Fusion, Hello } from "./hello.ts";
import type { Neighbourhood, Phase } from "./neighbourhood.ts";

export class Session implements LinkHandlers {
  readonly link: Link;
  readonly role: "dialled" | "accepted";
  readonly mine: Hello;
  /** The address that was dialled. */
  readonly address: string | undefined;
  phase: Phase;
  /** The peer's hello; proved from `fusion` on. */
  theirs: Hello | undefined;
  /** Who is with the peer, as it has said. */
  fusion: Fusion | undefined;
  /** Set when full. */
  port = 0;
  birth = 0;
  /** Announcements that the peer may bring, each of which costs a check of its signature. */
  readonly news: Bucket;
  /** Announcements that the peer is told: a little fewer than it would take of an honest server. */
  readonly #told: Bucket;
  readonly #near: Neighbourhood;
  readonly #dirty = new Set<Sid>();
  readonly #registers = new Map<string, Bytes>();
  #birthSaid = 0;
  #birthHeard = 0;
  #deadline: Millis;
  readonly #heart: Heart;
  #retryAt = Number.POSITIVE_INFINITY;

  /** A session that was dialled begins by waiting for the other hello, since ours is on its way. */
  constructor(near: Neighbourhood, link: Link, mine: Hello, address: string | undefined) {
    this.#near = near;
    this.link = link;
    this.#heart = new Heart(link, near.now());
    this.mine = mine;
    this.address = address;
    this.role = address === undefined ? "accepted" : "dialled";
    this.phase = "hello";
    this.#deadline = near.now() + LIMITS.linkHandshakeMsMax;
    const { linkAnnouncementsPerSecond: pace, linkAnnouncementsBurst: burst } = LIMITS;
    const { linkAnnouncementsShare: share } = LIMITS;
    this.news = new Bucket(pace, burst, near.now());
    this.#told = new Bucket(pace * share, burst * share, near.now());
  }

  get peer(): Sid | undefined {
    return this.theirs?.sid;
  }

  /** Once measured. */
  get rttMs(): Millis | undefined {
    return this.#heart.rttMs;
  }

  get name(): ServerName | undefined {
    return this.theirs?.name;
  }

  /** Nothing is to be joined. */
  get dryRun(): boolean {
    return this.mine.dryRun || (this.role === "accepted" && this.theirs?.dryRun === true);
  }

  /** The handshake is over: the two servers exchange what they know, or have. */
  get settled(): boolean {
    return this.phase === "sync" || this.phase === "full";
  }

  get ended(): boolean {
    return this.phase === "ended";
  }

  /** The peer has proved that it is who it says. */
  get proved(): boolean {
    return this.phase !== "hello" && this.phase !== "auth" && this.phase !== "ended";
  }

  /** The dial that made this link: of the side that dialled. */
  get dial(): Dial {
    return this.role === "accepted" && this.theirs !== undefined ? this.theirs : this.mine;
  }

  /** The accepting side's first step. May throw `ProtocolError`. */
  greet(hello: Bytes): void {
    this.#hello(hello);
    if (this.phase !== "hello") return;
    this.phase = "auth";
    this.link.send("control", LINK_FRAME.hello, this.mine.bytes);
  }

  frame(type: number, payload: Bytes): void {
    if (this.phase === "ended") return;
    this.#heart.heard = true;
    if (type === LINK_FRAME.ping) return this.#heart.pong(payload, this.#near.now());
    if (type === LINK_FRAME.pong) return this.#measure(payload);
    const { phase } = this;
    if (phase === "full") return this.#live(type, payload);
    if (type === LINK_FRAME.hello && phase === "hello") return this.#answerHello(payload);
    if (type === LINK_FRAME.auth && phase === "auth") return this.#auth(payload);
    if (type === LINK_FRAME.fusion && phase === "fusion") return this.#hearFusion(payload);
    if (!isSync(type)) throw outOfPhase(type, phase);
    if (phase === "confirm" && !this.dryRun && this.fusion !== undefined) {
      this.#confirmed(this.fusion);
    }
    if (this.ended) return;
    if (this.phase !== "sync") throw outOfPhase(type, phase);
    if (type === LINK_FRAME.announcement) this.#near.announced(this, payload);
    else this.#synced(payload);
  }

  idle(): void {
    this.pump();
  }

  closed(reason: Failure): void {
    this.#finish(reason);
  }

  /** Ends the link and tells the peer why. Idempotent. */
  end(reason: Failure): void {
    if (this.phase === "ended") return;
    this.link.close(reason);
    this.#finish(reason);
  }

  /** The newest announcement of a server is to be sent to the peer, when there is room. */
  spread(sid: Sid): void {
    if (this.settled) this.#dirty.add(sid);
  }

  /** The peer announces itself: by the name with which all that stands against it was checked. */
  named({ name }: { readonly name: ServerName }): void {
    if (name === this.name) return;
    this.end(failure("BAD_FRAME", `link: ${this.name} announces itself as ${name}`));
  }

  /** See `Fabric.keep`. False: there are as many registers as may be. */
  keep(key: string, bytes: Bytes): boolean {
    if (this.#registers.size >= LIMITS.linkRegistersMax && !this.#registers.has(key)) return false;
    this.#registers.delete(key); // to the end: the oldest first, none is starved
    this.#registers.set(key, bytes);
    return true;
  }

  /** Sends what waits, as far as there is room: announcements, SYNCED behind them, registers. */
  pump(): void {
    if (!this.settled) return;
    const left = this.#pump();
    const retryAt = left ? this.#near.now() + LIMITS.linkRetryMs : Number.POSITIVE_INFINITY;
    if (retryAt === this.#retryAt) return;
    this.#retryAt = retryAt;
    this.#near.retime();
  }

  /** When `tick` next has something to do. */
  get dueAt(): Millis {
    return Math.min(this.#deadline, this.#heart.dueAt, this.#retryAt);
  }

  /** Works off what is due: the end of a handshake that takes too long, heart-beats, retries. */
  tick(now: Millis): void {
    if (now >= this.#deadline) {
      const who = this.address ?? this.link.remote;
      const isSilent = this.phase === "hello";
      const text = isSilent
        ? `${who} does not answer: it is no ChatFusion server, or it hangs`
        : `${who}: the handshake did not get past "${this.phase}" in time`;
      return this.end(failure("HANDSHAKE_TIMEOUT", text));
    }
    if (now >= this.#retryAt) this.pump();
    const silent = this.#heart.tick(now);
    if (silent !== undefined) this.end(silent);
  }

  // --- internal: the handshake ---

  #hello(payload: Bytes): void {
    this.theirs = readHello(payload, this.#near.identity);
    const objection = this.#near.objectionToHello(this);
    if (objection !== undefined) this.end(objection);
  }

  /** The dialling side knows now whom it has reached. */
  #answerHello(payload: Bytes): void {
    this.#hello(payload);
    if (this.phase !== "hello") return;
    this.phase = "auth";
    this.#prove();
  }

  /** Says who this server is and who is with it; for the accepting side that is its consent. */
  #prove(): void {
    const { identity, secret } = this.#near;
    if (this.theirs === undefined) return;
    const auth = makeAuth(identity, secret, this.#transcript(this.theirs));
    this.link.send("control", LINK_FRAME.auth, auth);
    const fusion = writeFusion(this.#near.fusionFor(this));
    this.link.send("control", LINK_FRAME.fusion, fusion);
  }

  #auth(payload: Bytes): void {
    const { identity, secret } = this.#near;
    if (this.theirs === undefined) throw outOfPhase(LINK_FRAME.auth, this.phase);
    const verdict = checkAuth(identity, secret, this.#transcript(this.theirs), payload);
    if (verdict === "SIGNATURE_INVALID") {
      return this.end(failure(verdict, `${this.theirs.name} has not the key that it showed`));
    }
    if (verdict === "MERGE_DENIED") {
      return this.end(failure(verdict, secretsDiffer(identity.name, this.theirs.name)));
    }
    this.phase = "fusion";
    this.link.limit(LIMITS.linkFusionBytesMax);
  }

  #hearFusion(payload: Bytes): void {
    const fusion = readFusion(payload, this.dryRun && this.role === "dialled");
    this.fusion = fusion;
    const objection = this.#near.objection(this, fusion);
    if (objection !== undefined && !this.#tellsAnyhow(objection)) return this.end(objection);
    this.phase = "consent";
    // A hook may take its time; the other side may wait for two of them.
    this.#deadline = this.#near.now() + LIMITS.linkHandshakeMsMax + LIMITS.hookMsMax;
    this.#near.retime();
    this.#near.consent(this, fusion, (denied) => this.#decided(fusion, denied));
  }

  #decided(fusion: Fusion, denied: Failure | undefined): void {
    if (this.phase !== "consent") return;
    // Meanwhile others may have come: what was no objection may be one now.
    const objection = denied ?? this.#near.objection(this, fusion);
    if (objection !== undefined) {
      if (this.#tellsAnyhow(objection)) this.#prove();
      return this.end(objection);
    }
    if (this.role === "accepted") {
      this.phase = "confirm";
      this.#near.accepted(this);
      return this.#prove();
    }
    if (!this.dryRun) return this.#beginSync();
    this.phase = "confirm";
    this.#heart.ping(this.#near.now());
  }

  /** Who only asks what would be learns that from us, too, though we would refuse. */
  #tellsAnyhow({ code }: Failure): boolean {
    return this.dryRun && this.role === "accepted" && code !== "MERGE_DENIED";
  }

  /** The dialling side agrees too. Its hooks may have been slow, so all is looked at once more. */
  #confirmed(fusion: Fusion): void {
    const objection = this.#near.objection(this, fusion);
    if (objection !== undefined) return this.end(objection);
    this.#beginSync();
  }

  #beginSync(): void {
    this.phase = "sync";
    this.#deadline = this.#near.now() + LIMITS.linkSyncMsMax;
    this.link.limit(LIMITS.linkFrameBytesMax);
    for (const sid of this.#near.announcements.keys()) this.#dirty.add(sid);
    this.#heart.begin(this.#near.now());
    this.#near.retime();
    this.pump();
  }

  #synced(payload: Bytes): void {
    const birth = new Reader(payload).counter();
    if (this.#birthHeard > 0 || birth === 0) throw outOfPhase(LINK_FRAME.synced, this.phase);
    this.#birthHeard = birth;
    this.#completeSync();
  }

  #completeSync(): void {
    if (this.phase !== "sync" || this.#birthSaid === 0 || this.#birthHeard === 0) return;
    this.birth = Math.max(this.#birthSaid, this.#birthHeard);
    this.phase = "full";
    this.#deadline = Number.POSITIVE_INFINITY; // from here on, silence is what ends it
    this.#near.full(this);
    if (!this.ended) this.#heart.ping(this.#near.now());
  }

  #transcript(theirs: Hello) {
    const { fingerprint } = this.link;
    return this.role === "dialled"
      ? { fingerprint, dialler: this.mine, accepter: theirs }
      : { fingerprint, dialler: theirs, accepter: this.mine };
  }

  // --- internal: a live link ---

  #live(type: number, payload: Bytes): void {
    if (type === LINK_FRAME.routed || type === LINK_FRAME.trace) {
      this.#near.routed(this, type, payload);
    } else if (type === LINK_FRAME.register) this.#near.registered(this, payload);
    else if (type === LINK_FRAME.announcement) this.#near.announced(this, payload);
    else throw outOfPhase(type, this.phase);
  }

  /** True: something is left for which there was no room. */
  #pump(): boolean {
    for (const sid of this.#dirty) {
      const bytes = this.#near.announcements.get(sid)?.bytes;
      if (bytes !== undefined) {
        if (!this.#told.has(this.#near.now())) return true;
        if (!this.link.send("control", LINK_FRAME.announcement, bytes)) return true;
        this.#told.take(this.#near.now());
      }
      this.#dirty.delete(sid);
    }
    if (this.#birthSaid === 0) {
      const birth = this.#near.birth();
      if (!this.link.send("control", LINK_FRAME.synced, new Writer().counter(birth).done())) {
        return true;
      }
      this.#birthSaid = birth;
      this.#completeSync();
    }
    if (this.phase !== "full") return false;
    for (const [key, bytes] of this.#registers) {
      if (!this.link.send("control", LINK_FRAME.register, bytes)) return true;
      this.#registers.delete(key);
    }
    return false;
  }

  #measure(payload: Bytes): void {
    if (!this.#heart.measure(payload, this.#near.now())) return;
    if (this.phase !== "confirm") return this.#near.retime();
    // The pong of a dry run: a refusal would have come before it.
    this.#near.possible(this);
    this.end(failure("UNMERGED", "dry run: nothing was joined"));
  }

  #finish(reason: Failure): void {
    if (this.phase === "ended") return;
    const was = this.phase;
    this.phase = "ended";
    this.#dirty.clear();
    this.#registers.clear();
    this.#near.ended(this, reason, was);
  }
}

// --- internal ---

const secretsDiffer = (one: ServerName, other: ServerName): string =>
  `the shared secret of ${one} and ${other} is not the same, or only one of them has one`;

const isSync = (type: number): boolean =>
  type === LINK_FRAME.announcement || type === LINK_FRAME.synced;

function outOfPhase(type: number, phase: Phase): ProtocolError {
  const what = `a link's frame of type 0x${type.toString(16)} in phase "${phase}"`;
  return new ProtocolError("OUT_OF_PHASE", what);
}
