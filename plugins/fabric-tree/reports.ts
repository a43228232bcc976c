// What the core is told of links, as it happens, to be put into words for operators together with
// who came and went: that is the core's to see, in the view.

import { LIMITS, visible } from "chatfusion";
import type { FabricReport, Failure, Millis, ServerName, Sid, View } from "chatfusion";
import { Bucket } from "./bucket.ts";
import type { Session } from "./session.ts";

export class Reporter {
  readonly #report: (report: FabricReport) => void;
  readonly #self: Sid;
  /** Links that are up and not yet in the view. */
  readonly #linked = new Map<Sid, ServerName>();
  /** Neighbours whose link was lost. */
  readonly #broken = new Set<Sid>();

  constructor(self: Sid, now: () => Millis, report: (report: FabricReport) => void) {
    this.#self = self;
    this.#report = paced(now, report);
  }

  /** A link that will not be; one that gives way to another of the same two servers is none. */
  refused(server: ServerName, { code, text }: Failure): void {
    if (code === "DUPLICATE_LINK") return;
    this.#report({ event: "refused", server, code, text: visible(text) });
  }

  /** A dial of another's operator is refused here; of what would be, nobody is told. */
  objected({ theirs, role, dryRun }: Session, objection: Failure): void {
    if (role !== "accepted" || theirs === undefined || theirs.again || dryRun) return;
    this.refused(theirs.name, objection);
  }

  /** A lost link will be dialled again. */
  retrying(server: ServerName, tries: number, inMs: Millis, reason: Failure): void {
    const text = retryText(server, tries, inMs, reason);
    this.#report({ event: "retrying", server, code: reason.code, text, tries, inMs });
  }

  linked(peer: Sid, name: ServerName): void {
    this.#linked.set(peer, name);
  }

  lost(peer: Sid, server: ServerName, { code, text: why }: Failure): void {
    this.#linked.delete(peer);
    const reason = visible(why);
    if (code === "NAME_TAKEN" || code === "TOO_MANY_SERVERS") {
      const text = `link to ${server} undone: ${reason}`;
      return this.#report({ event: "undone", server, code, text });
    }
    if (code === "UNMERGED") {
      this.parted(peer);
      return this.#report({ event: "lost", server, code, text: reason });
    }
    this.#broken.add(peer);
    if (this.#broken.size > LIMITS.peersMax) {
      const [oldest] = this.#broken;
      if (oldest !== undefined) this.#broken.delete(oldest);
    }
    const how = code === "SERVER_STOPPING" ? "ended" : "lost";
    this.#report({ event: "lost", server, code, text: `link to ${server} ${how}: ${reason}` });
  }

  /** An operator has ended the link: when it is up again, that is no heal. */
  parted(peer: Sid): void {
    this.#broken.delete(peer);
  }

  /** The view has links that are up by now; the host has seen it. */
  viewed(view: View): void {
    for (const [peer, server] of this.#linked) {
      const link = view.links.find(({ a, b }) => isPair(a, b, peer, this.#self));
      if (link === undefined) continue; // not yet listed by both
      this.#linked.delete(peer);
      const isBack = this.#broken.delete(peer);
      if (link.state === "standby") {
        const what = isBack ? "is up again, and is kept in reserve" : "is kept in reserve";
        const text = `link to ${server} ${what}: it is in the fusion by another way`;
        this.#report({ event: "standby", server, text });
      } else if (isBack) {
        this.#report({ event: "healed", server, text: `link to ${server} is up again` });
      }
    }
  }
}

/** Says when a lost link is dialled next, and why it is lost: `rome: try 4 in 8 s (…)`. */
export function retryText(
  server: ServerName,
  tries: number,
  inMs: Millis,
  reason: Failure,
): string {
  const seconds = Math.max(1, Math.round(inMs / 1000));
  return `${server}: try ${tries} in ${seconds} s (${visible(reason.text)})`;
}

// --- internal ---

/** Others can cause lines without end: the next one that is shown tells how many were not. */
function paced(now: () => Millis, report: (report: FabricReport) => void): typeof report {
  const pace = new Bucket(LIMITS.reportsPerSecond, LIMITS.reportsBurst, now());
  let omitted = 0;
  return (one) => {
    if (!pace.take(now())) {
      omitted++;
      return;
    }
    const text = omitted === 0 ? one.text : `${one.text} (after ${omitted} lines not shown)`;
    omitted = 0;
    report({ ...one, text });
  };
}

const isPair = (a: Sid, b: Sid, x: Sid, y: Sid): boolean =>
  (a === x && b === y) || (a === y && b === x);
