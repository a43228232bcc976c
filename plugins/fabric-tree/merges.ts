// Dials: what an operator, or a lost link, has asked for and is not settled yet, each with its
// deadline and the one answer that it gets. Two dials of one pair settle on the link that stays.

import { failure, failureOf, isFailure, LIMITS } from "chatfusion";
import type {
  FabricHost,
  Failure,
  Link,
  Merged,
  MergeOutcome,
  Millis,
  OtherSide,
  ServerName,
  Sid,
} from "chatfusion";
import type { Hello } from "./hello.ts";
import type { Redial } from "./redial.ts";
import type { Reporter } from "./reports.ts";
import type { Phase } from "./neighbourhood.ts";
import type { Session } from "./session.ts";

/** One dial, until it is settled. */
export interface Errand {
  readonly address: string;
  readonly dryRun: boolean;
  /** Dialled again by itself: only this server is wanted. */
  readonly wanted: Sid | undefined;
  /** Never, once it has passed and the link is still on its way up. */
  deadline: Millis;
  session: Session | undefined;
  /** How often it gave way to a link that came to nothing, and was dialled once more. */
  gaveWay: number;
  /** Known once it has said hello; the link that stays may be another session. */
  peer: Sid | undefined;
  settle(outcome: MergeOutcome): void;
}

interface Around {
  now(): Millis;
  open(link: Link, hello: Hello, address: string): Session;
  /** The full link to a server as the view has it now, as an answer; undefined: not in it yet. */
  joined(peer: Sid): Merged | undefined;
  /** A hello of this server, for one dial. */
  hello(flags: Pick<Hello, "dryRun" | "again">): Hello;
  linked(peer: Sid): boolean;
  /** A link to this server is up, or may come up yet. */
  meets(peer: Sid): boolean;
  retime(): void;
}

export class Merges {
  readonly #errands = new Set<Errand>();
  readonly #host: FabricHost;
  readonly #around: Around;
  readonly #redial: Redial;
  readonly #reporter: Reporter;
  #stopped = false;

  constructor(host: FabricHost, redial: Redial, reporter: Reporter, around: Around) {
    this.#host = host;
    this.#redial = redial;
    this.#reporter = reporter;
    this.#around = around;
  }

  /** An operator's merge. Resolves within `dialMsMax + linkHandshakeMsMax`. */
  merge(address: string, dryRun: boolean): Promise<MergeOutcome> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve(failure("SERVER_STOPPING", "this server stops"));
      const hello = this.#around.hello({ dryRun, again: false });
      this.#dial({ address, wanted: undefined }, hello, resolve);
    });
  }

  /** A wanted link is not there: it is dialled in a while, unless an operator has ended it. */
  wait(peer: Sid, name: ServerName, reason: Failure): void {
    if (reason.code === "UNMERGED") this.#redial.drop(peer);
    const wish = this.#redial.lost(peer, this.#around.now(), reason);
    if (wish === undefined) return;
    this.#reporter.retrying(name, wish.tries, wish.dueAt - this.#around.now(), reason);
    this.#around.retime();
  }

  /** The errand of a session, if it was dialled and is not settled. */
  of(session: Session): Errand | undefined {
    for (const errand of this.#errands) if (errand.session === session) return errand;
    return undefined;
  }

  /** A session knows now whom it has reached. */
  met(session: Session): void {
    const errand = this.of(session);
    if (errand !== undefined) errand.peer = session.peer;
  }

  /**
   * A session has ended, and so its errand is settled; but those that gave way to another link to
   * the same server wait for what becomes of that one. Where we have none, theirs has not come
   * yet, or has been refused already: another dial tells; after some, the deadline bounds the wait.
   * True when an operator has been told of its end, in answer to a merge.
   */
  ended(session: Session, reason: Failure, was: Phase): boolean {
    const { peer } = session;
    const own = this.of(session);
    const gaveWay = reason.code === "DUPLICATE_LINK" && peer !== undefined;
    const other = session.dryRun ? otherSide(session) : undefined;
    let answered = false;
    const settle = (errand: Errand) => {
      errand.settle(other === undefined ? reason : { ...reason, other });
      answered ||= errand.wanted === undefined;
    };
    if (own !== undefined) own.session = undefined;
    if (!gaveWay && own !== undefined) settle(own);
    if (peer === undefined || session.dryRun || this.#around.meets(peer)) return answered;
    // Whoever dials us may claim to be anybody: what ends it then says nothing of that server.
    const isClaim = session.role === "accepted" && (was === "hello" || was === "auth");
    for (const errand of this.#errands) {
      if (errand.peer !== peer || errand.session !== undefined) continue;
      if (!gaveWay && !isClaim) settle(errand);
      else if (errand.gaveWay < LIMITS.gaveWayMax) this.#openAgain(errand);
    }
    return answered;
  }

  /** A dry run has found no objection on either side; `ours` are the names of our fusion. */
  possible(session: Session, ours: readonly ServerName[]): void {
    const { peer: sid } = session;
    const other = otherSide(session);
    if (other === undefined || sid === undefined) return;
    const fusion = [...new Set([...ours, ...other.servers])].toSorted();
    this.of(session)?.settle({ state: "possible", server: other.server, sid, fusion, other });
  }

  /** Settles what the view has brought about. */
  check(): void {
    for (const errand of this.#errands) {
      if (errand.dryRun || errand.peer === undefined) continue;
      const joined = this.#around.joined(errand.peer);
      if (joined !== undefined) errand.settle(joined);
    }
  }

  /** Settles what has taken too long, and dials what is to be dialled again. */
  tick(now: Millis): void {
    for (const errand of this.#errands) {
      if (now < errand.deadline) continue;
      const { session } = errand;
      // Both have agreed: what they know is on its way, over a slow line, and has its own bound.
      const isSlow = session?.settled === true;
      errand.deadline = Number.POSITIVE_INFINITY;
      if (!isSlow || errand.wanted === undefined) errand.settle(tooLate(errand, isSlow));
      if (!isSlow) session?.end(tooLate(errand, false));
    }
    for (const { peer, name, address } of this.#redial.due(now)) {
      if (this.#around.linked(peer)) continue;
      const hello = this.#around.hello({ dryRun: false, again: true });
      this.#dial({ address, wanted: peer }, hello, (outcome) => {
        if (!isFailure(outcome) || this.#stopped || this.#around.linked(peer)) return;
        if (outcome.code === "UNMERGED") this.#reporter.refused(name, outcome);
        this.wait(peer, name, outcome);
      });
    }
  }

  get dueAt(): Millis {
    let due = this.#redial.dueAt;
    for (const errand of this.#errands) due = Math.min(due, errand.deadline);
    return due;
  }

  /** An operator has ended the link to this server: what is under way to it is given up. */
  part(peer: Sid, reason: Failure): void {
    this.#redial.part(peer);
    this.#reporter.parted(peer);
    for (const errand of this.#errands) {
      if (errand.wanted === peer) this.#errands.delete(errand);
      else if (errand.peer === peer) errand.settle(reason);
    }
  }

  /** The server stops: nobody is left without an answer. */
  stop(reason: Failure): void {
    this.#stopped = true;
    for (const errand of this.#errands) errand.settle(reason);
  }

  // --- internal ---

  #dial(
    to: { readonly address: string; readonly wanted: Sid | undefined },
    hello: Hello,
    settled: (outcome: MergeOutcome) => void,
  ): void {
    const errand: Errand = {
      ...to,
      dryRun: hello.dryRun,
      deadline: this.#around.now() + LIMITS.dialMsMax + LIMITS.linkHandshakeMsMax,
      session: undefined,
      gaveWay: 0,
      peer: undefined,
      settle: (outcome) => {
        if (this.#errands.delete(errand)) settled(outcome);
      },
    };
    this.#errands.add(errand);
    this.#around.retime();
    this.#open(errand, hello);
  }

  #openAgain(errand: Errand): void {
    const { dryRun, wanted } = errand;
    errand.gaveWay += 1;
    this.#open(errand, this.#around.hello({ dryRun, again: wanted !== undefined }));
  }

  #open(errand: Errand, hello: Hello): void {
    this.#host
      .dial(errand.address, hello.bytes, (link) => {
        const session = this.#around.open(link, hello, errand.address);
        errand.session = session;
        if (!this.#errands.has(errand)) session.end(tooLate(errand, false));
        return session;
      })
      .catch((error: unknown) => errand.settle(failureOf(error)));
  }
}

// --- internal ---

/** What a dry run has learned so far; undefined: not even whom it has reached. */
function otherSide({ name, peer, fusion }: Session): OtherSide | undefined {
  if (name === undefined || peer === undefined) return undefined;
  const servers = fusion?.members.map((member) => member.name).toSorted() ?? [];
  const summary = fusion?.summary;
  return { server: name, sid: peer, servers, ...(summary === undefined ? {} : { summary }) };
}

function tooLate({ address }: Errand, goesOn: boolean): Failure {
  const seconds = (LIMITS.dialMsMax + LIMITS.linkHandshakeMsMax) / 1000;
  const text = `${address}: not merged within ${seconds} seconds`;
  const more = "; both agree, and what they know is still on its way: it may come up yet";
  return failure("HANDSHAKE_TIMEOUT", goesOn ? text + more : text);
}
