// The operator's bans: people, ranges of addresses, whole servers. They hold on this server alone,
// for all rooms and private messages, and never leave it: who is banned here is not let in, and if
// he is of another server, nothing of him is shown. On the disk before they are answered.

import * as v from "valibot";
import type { Clock, Environment, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { ChatFusionError, failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ServerName } from "../names.ts";
import { visible } from "../names.ts";
import { addressOf } from "./acceptor.ts";
import type { AddressRange } from "./address-range.ts";
import { isInRange, parseRange } from "./address-range.ts";
import { atTime } from "./at-time.ts";
import type { Somebody } from "./pattern.ts";
import { PatternMap, patternOf } from "./pattern.ts";
import { sanctionText } from "./sanction-text.ts";

export interface ServerBan {
  /** A pattern of people in its one form, or a range of addresses as it was written. */
  readonly of: string;
  readonly reason: string | undefined;
  readonly until: Millis | undefined;
  readonly at: Millis;
  readonly by: string;
}

/** Told of all patterns at once: somebody may be banned by more than one of them. */
type Watcher = (patterns: readonly string[], now: "banned" | "lifted") => void;

export type ServerBans = Awaited<ReturnType<typeof loadServerBans>>;

/** Reads the bans. Rejects with `CONFIG_INVALID` where they cannot be read: nobody is let in. */
export async function loadServerBans({ clock, store }: Pick<Environment, "clock" | "store">) {
  const bans = new Map<string, ServerBan>();
  let people = new PatternMap<ServerBan>();
  let ranges: readonly { readonly range: AddressRange; readonly ban: ServerBan }[] = [];
  const index = () => {
    people = new PatternMap();
    ranges = [...bans.values()].flatMap((ban) => {
      const range = parseRange(ban.of);
      if (range === undefined) people.add(ban.of, ban);
      return range === undefined ? [] : [{ range, ban }];
    });
  };
  const holds = (ban: ServerBan) => isInForce(clock, ban);
  for (const line of linesIn(await store.read(KEY))) if (holds(line)) bans.set(line.of, line);
  index();
  let told: Watcher = NOTHING;
  const tell: Watcher = (patterns, now) => {
    const ofPeople = patterns.filter((of) => parseRange(of) === undefined);
    if (ofPeople.length > 0) told(ofPeople, now);
  };
  let isClosed = false;
  let cancel = NOTHING;
  const awaitEnd = () => {
    cancel();
    const ends = [...bans.values()].map(({ until = Number.POSITIVE_INFINITY }) => until);
    const next = ends.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    cancel = isClosed ? NOTHING : atTime(clock, next, end);
  };
  const end = () => {
    const ended = [...bans.values()].flatMap((ban) => (holds(ban) ? [] : [ban.of]));
    for (const of of ended) bans.delete(of);
    index();
    tell(ended, "lifted");
    awaitEnd();
  };
  let last: Promise<unknown> = Promise.resolve();
  /** One write at a time; what is changed is in force when it is on the disk. */
  const save = (
    change: (all: Map<string, ServerBan>) => void,
    written: () => void,
  ): Promise<Failure | undefined> => {
    const write = async (): Promise<Failure | undefined> => {
      const all = new Map(bans);
      change(all);
      const lines = [...all.values()].map((ban) => `${JSON.stringify(ban)}\n`);
      try {
        await store.write(KEY, encoder.encode(lines.join("")));
      } catch {
        return failure("INTERNAL", "the bans could not be written to the disk");
      }
      written();
      awaitEnd();
      return undefined;
    };
    const turn = last.then(write);
    last = turn.catch(NOTHING); // whoever asked is told
    return turn;
  };

  return {
    /** There is any: else nobody need be looked at. */
    get isActive(): boolean {
      return bans.size > 0;
    },
    /** The ban of somebody here or elsewhere; until it has been told that it has ended. */
    find: (somebody: Somebody): ServerBan | undefined => people.find(somebody),
    /** Why somebody is not let in, by his names or by where he comes from (`host:port`). */
    refusal(somebody: Somebody, remote: string): Failure | undefined {
      if (bans.size === 0) return undefined;
      const host = addressOf(remote);
      const range = ranges.find((one) => holds(one.ban) && isInRange(one.range, host));
      const ban = people.find(somebody, holds) ?? range?.ban;
      return ban === undefined ? undefined : banned("you are", ban);
    },
    /** Why a server is not merged with: all its people are banned. */
    refusesServer(name: ServerName): Failure | undefined {
      const ban = people.find({ nick: "*", account: undefined, server: name }, holds);
      return ban?.of.startsWith("*@") === true ? banned(`${name} is`, ban) : undefined;
    },
    /** What a text bans in its one form, or why it bans nothing. */
    formOf(text: string): string | Failure {
      const isRange = /^[0-9.]+(\/|$)|:/.test(text);
      if (!isRange) return patternOf(text);
      if (parseRange(text) !== undefined) return text.toLowerCase();
      const expected = "expected an address or a range like 203.0.113.0/24 or 2001:db8::/32";
      return failure("BAD_REQUEST", `${visible(text.slice(0, 100))}: ${expected}`);
    },
    async add(ban: Omit<ServerBan, "at">): Promise<ServerBan | Failure> {
      end();
      if (!bans.has(ban.of) && bans.size >= LIMITS.serverBansMax)
        return failure(
          "TOO_MANY_ENTRIES",
          `${LIMITS.serverBansMax} bans are set, the most there are`,
        );
      const made = { ...ban, at: clock.now() };
      const refused = await save(
        (all) => all.set(ban.of, made),
        () => {
          tell([ban.of], "banned"); // while they are still shown
          bans.set(ban.of, made);
          index();
        },
      );
      return refused ?? made;
    },
    /** Lifts a ban; undefined where there was none. */
    async remove(of: string): Promise<ServerBan | Failure | undefined> {
      end();
      const before = bans.get(of);
      if (before === undefined) return undefined;
      const refused = await save(
        (all) => all.delete(of),
        () => {
          if (!bans.delete(of)) return; // it has ended meanwhile
          index();
          tell([of], "lifted");
        },
      );
      return refused ?? before;
    },
    /** Calls this for patterns of people: before they are banned, or when that is over. */
    watch(watcher: Watcher): void {
      told = watcher;
      awaitEnd();
    },
    /** Waits for no end any more. */
    close(): void {
      isClosed = true;
      cancel();
    },
    /** Those in force, the newest first. */
    all: (): ServerBan[] => [...bans.values()].filter(holds).toReversed(),
  };
}

// --- internal -----------------------------------------------------------------------------------

const NOTHING = (): void => undefined;
const KEY = "server-bans";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const Line = v.object({
  of: v.string(),
  reason: v.optional(v.string()),
  until: v.optional(v.number()),
  at: v.number(),
  by: v.string(),
});

function linesIn(stored: Uint8Array | undefined): ServerBan[] {
  try {
    const lines = decoder.decode(stored).split("\n").filter(Boolean);
    return lines.map((line) => {
      const { reason, until, ...rest } = v.parse(Line, JSON.parse(line));
      return { ...rest, reason, until };
    });
  } catch (thrown) {
    throw new ChatFusionError("CONFIG_INVALID", `data folder: store/${KEY} is damaged`, thrown);
  }
}

const isInForce = (clock: Clock, { until }: ServerBan): boolean =>
  until === undefined || until > clock.now();

const banned = (who: string, ban: ServerBan): Failure =>
  failure("BANNED", `${who} banned here${sanctionText(ban)}`);
