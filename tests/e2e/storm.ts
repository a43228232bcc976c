// One round of a merge storm: servers in this process, over real sockets, that are told to merge
// with each other at the same instant. It waits for events, until all is as it is to be at last,
// and then looks at everything (storm-verdict.ts).

import { expect } from "bun:test";
import type { Sid } from "../../src/plugin.ts";
import { checkRound, fusionOf, namesakes } from "./storm-verdict.ts";
import { Watched } from "./watched.ts";

export interface Plan {
  /** For messages about failures: how to get this round again. */
  readonly title: string;
  /** Of the servers; those with the same one can never be in one fusion. */
  readonly names: readonly string[];
  /** Who is told to merge with whom, by index, in this order. */
  readonly merges: readonly (readonly [from: number, to: number])[];
  /** So many of the merges are typed at once; each other one when some view has changed next. */
  readonly atOnce: number;
}

export interface Outcome {
  /** From the last merge that was typed to the last change of any view. */
  readonly ms: number;
  readonly fusions: number;
  /** Links that were closed since a name was found twice. */
  readonly undone: number;
  /** Of those, the ones that had given way to a link which was undone as well. */
  readonly inPassing: number;
  /** Merges that were answered with a name that is there twice. */
  readonly refused: number;
}

/** The longest that a round may take. */
const PATIENCE_MS = 30_000;

/** Plays a round. Rejects where something is not as it must be, and says all that was seen. */
export async function play(plan: Plan): Promise<Outcome> {
  const round = new Round(plan);
  try {
    await round.start();
    await round.until("all agree", () => round.unsettled() === undefined);
    await round.talk();
    return round.outcome();
  } catch (thrown) {
    throw new Error(`${plan.title}: ${String(thrown)}\n${round.describe()}`, { cause: thrown });
  } finally {
    await round.close();
  }
}

class Round {
  readonly #plan: Plan;
  #servers: readonly Watched[] = [];
  readonly #untyped: (readonly [number, number])[];
  #unanswered = 0;
  #typedAt = 0;
  #changedAt = 0;
  #look = () => {};
  #fail = (_thrown: unknown) => {};

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#untyped = [...plan.merges];
  }

  async start(): Promise<void> {
    const happened = (what: "view" | "heard") => {
      if (what === "view") {
        this.#changedAt = performance.now();
        this.#type(1);
      }
      this.#look();
    };
    const { names, atOnce } = this.#plan;
    this.#servers = await Promise.all(names.map((name) => Watched.start(name, happened)));
    this.#type(atOnce);
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** Resolves when it is so; looks whenever something has happened. */
  until(what: string, isSo: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = () => reject(new Error(`not within ${PATIENCE_MS} ms: ${what}`));
    const timer = setTimeout(late, PATIENCE_MS);
    this.#fail = reject;
    this.#look = () => {
      if (isSo()) resolve();
    };
    this.#look();
    return promise.finally(() => clearTimeout(timer));
  }

  /** What is not yet as it is to be at last; undefined: nothing. */
  unsettled(): string | undefined {
    if (this.#untyped.length + this.#unanswered > 0) return "not all merges are answered";
    for (const one of this.#servers) {
      for (const other of fusionOf(one, this.#servers)) {
        if (other.sight !== one.sight) return `${one.name} and ${other.name} see different things`;
      }
      for (const { to, state } of one.answers) {
        if (one.view.neighbours.includes(to.sid)) continue;
        // A no was an answer: nothing is wanted any more. A link that was undone is still wanted.
        const wasUndone = one.reports.some(
          ({ event, server }) => event === "undone" && server === to.name,
        );
        if (state === "NAME_TAKEN" && !wasUndone) continue;
        if (namesakes(one, to, this.#servers) === undefined) {
          return `${one.name} and ${to.name} are not linked`;
        }
      }
    }
    return undefined;
  }

  /**
   * Everybody says two things, and hears those of all others of the fusion: once, in order. A link
   * that is dialled again may come up meanwhile: nobody owes the new ones what was said before, so
   * that all talk once more.
   */
  async talk(time = 1): Promise<void> {
    // Whatever came twice would stand before the second.
    const said = ["hello", "that was all"].map((text) => `${text} (${time})`);
    const fusions = this.#fusions();
    for (const text of said) {
      await Promise.all(this.#servers.map(({ client }) => client.say("#lobby", text)));
    }
    const heard = (one: Watched): Record<string, string[]> => {
      const now = Array.from(one.heard, ([from, texts]) => {
        return [from, texts.filter((text) => said.includes(text))] as const;
      });
      return Object.fromEntries(now.filter(([, texts]) => texts.length > 0));
    };
    const expected = (one: Watched) =>
      Object.fromEntries(fusionOf(one, this.#servers).map(({ client }) => [client.address, said]));
    const hasAll = (one: Watched) => {
      const now = heard(one);
      return Object.keys(expected(one)).every((from) => now[from]?.at(-1) === said[1]);
    };
    const isAnother = () => this.#fusions() !== fusions;
    await this.until("all are heard", () => isAnother() || this.#servers.every(hasAll));
    if (!isAnother())
      for (const one of this.#servers) expect(heard(one), one.name).toEqual(expected(one));
    await this.until("all agree again", () => this.unsettled() === undefined);
    if (isAnother()) await this.talk(time + 1);
  }

  outcome(): Outcome {
    const pairs = this.#plan.merges.map(([from, to]) => [this.#at(from), this.#at(to)] as const);
    const found = checkRound(this.#servers, pairs);
    return { ...found, ms: Math.max(0, this.#changedAt - this.#typedAt) };
  }

  /** All that operators could see. */
  describe(): string {
    const name = (sid: Sid) => this.#servers.find((one) => one.sid === sid)?.name ?? sid;
    const lines = this.#servers.map((one) => {
      const links = one.view.links.map(({ a, b, state }) => `${name(a)}-${name(b)} ${state}`);
      const answers = one.answers.map(({ to, state, text }) => `  ${to.name}: ${state}: ${text}`);
      const reports = one.reports.map(({ event, text }) => `  ${event}: ${text}`);
      return [`${one.name} ${one.sid}: ${links.join(", ")}`, ...answers, ...reports].join("\n");
    });
    const merges = this.#plan.merges.map((pair) => pair.join("→")).join(" ");
    return [`unsettled: ${this.unsettled()}`, `merges: ${merges}`, ...lines].join("\n");
  }

  // --- internal ---

  /** Who is in one fusion with whom, as each sees it. */
  #fusions(): string {
    const sids = (one: Watched) => fusionOf(one, this.#servers).map(({ sid }) => sid);
    return this.#servers.map((one) => sids(one).toSorted().join()).join(" ");
  }

  #at(index: number): Watched {
    return this.#servers[index]!;
  }

  #type(count: number): void {
    for (const [from, to] of this.#untyped.splice(0, count)) {
      this.#unanswered++;
      this.#typedAt = performance.now();
      this.#at(from)
        .merge(this.#at(to))
        .then(() => {
          this.#unanswered--;
          if (this.#unanswered === 0) this.#type(1);
          this.#look();
        }, this.#fail);
    }
  }
}
