// What operators are told of links, as it happens: one line for a loss with all who are gone by it,
// one for a heal with all who are back, whatever way they came. Lines wait until the view is known.

import { LIMITS, visible } from "chatfusion";
import type { FabricReport, Failure, Millis, ServerName, Sid, View } from "chatfusion";
import { Bucket } from "./bucket.ts";

export class Reporter {
  readonly #report: (report: FabricReport) => void;
  readonly #self: Sid;
  #servers = new Map<Sid, ServerName>();
  #lost: { readonly peer: Sid; readonly name: ServerName; readonly reason: Failure }[] = [];
  #retrying: FabricReport[] = [];
  #linked = new Map<Sid, ServerName>();
  /** Neighbours whose link was lost. */
  readonly #broken = new Map<Sid, ServerName>();
  /** Servers that went with a lost link, wherever it was. */
  readonly #missing = new Map<Sid, ServerName>();

  constructor(self: Sid, now: () => Millis, report: (report: FabricReport) => void) {
    this.#self = self;
    this.#report = paced(now, report);
  }

  /** A link that will not be; one that gives way to another of the same two servers is none. */
  refused(server: ServerName, { code, text }: Failure): void {
    if (code === "DUPLICATE_LINK") return;
    this.#report({ event: "refused", server, code, text: visible(text) });
  }

  /** A lost link will be dialled again. */
  retrying(server: ServerName, tries: number, inMs: Millis, { code, text }: Failure): void {
    const when = `try ${tries} in ${Math.max(1, Math.round(inMs / 1000))} s`;
    const line = `${server}: ${when} (${code}: ${visible(text)})`;
    this.#retrying.push({ event: "retrying", server, code, text: line });
  }

  linked(peer: Sid, name: ServerName): void {
    this.#linked.set(peer, name);
  }

  lost(peer: Sid, name: ServerName, reason: Failure): void {
    this.#linked.delete(peer);
    if (reason.code === "NAME_TAKEN" || reason.code === "TOO_MANY_SERVERS") {
      const text = `link undone: ${visible(reason.text)}`;
      this.#report({ event: "undone", server: name, code: reason.code, text });
    } else this.#lost.push({ peer, name, reason });
  }

  /** The view follows: tells what has happened since the last one. */
  viewed(view: View): void {
    const servers = new Map(view.servers.map(({ sid, name }) => [sid, name]));
    const gone = [...this.#servers].filter(([sid]) => !servers.has(sid));
    const back = [...servers].filter(([sid]) => this.#missing.has(sid) && !this.#servers.has(sid));
    this.#servers = servers;
    this.#tellLost(gone);
    for (const report of this.#retrying.splice(0)) this.#report(report);
    this.#tellLinked(view, back);
    for (const [sid] of back) this.#missing.delete(sid);
  }

  // --- internal ---

  #tellLost(gone: readonly (readonly [Sid, ServerName])[]): void {
    const lost = this.#lost;
    this.#lost = [];
    const byOperator = lost.length > 0 && lost.every(({ reason }) => reason.code === "UNMERGED");
    if (!byOperator) for (const [sid, name] of gone) remember(this.#missing, sid, name);
    for (const { peer, name, reason } of lost) {
      if (reason.code !== "UNMERGED") remember(this.#broken, peer, name);
      const without =
        gone.length === 0
          ? "all servers are still reached over other links"
          : `without ${list(gone.map(([, server]) => server))} now`;
      const text = `link to ${name} lost (${visible(reason.text)}); ${without}`;
      this.#report({ event: "lost", server: name, code: reason.code, text });
    }
  }

  #tellLinked(view: View, back: readonly (readonly [Sid, ServerName])[]): void {
    const names = list(back.map(([, server]) => server));
    let told = back.length === 0;
    for (const [peer, server] of this.#linked) {
      const link = view.links.find(({ a, b }) => isPair(a, b, peer, this.#self));
      if (link === undefined) continue; // not yet listed by both
      this.#linked.delete(peer);
      if (this.#broken.delete(peer)) {
        const whom = told ? "" : `; back: ${names}`;
        told = true;
        this.#report({ event: "healed", server, text: `link to ${server} is up again${whom}` });
      } else if (link.state === "standby") {
        const text = `link to ${server} is kept in reserve: it is in the fusion by another way`;
        this.#report({ event: "standby", server, text });
      }
    }
    if (!told) this.#report({ event: "healed", text: `back by another way: ${names}` });
  }
}

// --- internal ---

const LISTED = 8;

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

function remember(names: Map<Sid, ServerName>, sid: Sid, name: ServerName): void {
  names.set(sid, name);
  if (names.size <= LIMITS.peersMax) return;
  const [oldest] = names.keys();
  if (oldest !== undefined) names.delete(oldest);
}

function list(names: readonly ServerName[]): string {
  const shown = names.slice(0, LISTED).join(", ");
  return names.length > LISTED ? `${shown} and ${names.length - LISTED} more` : shown;
}

const isPair = (a: Sid, b: Sid, x: Sid, y: Sid): boolean =>
  (a === x && b === y) || (a === y && b === x);
