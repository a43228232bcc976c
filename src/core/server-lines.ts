// Lines for everybody about servers that came and went; nobody is told of who came and went again.

import type { Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName, Sid } from "../names.ts";
import type { FabricReport, View } from "../plugin/fabric.ts";
import { cutText } from "../protocol/cut.ts";
import type { PartedCode } from "../protocol/peer.ts";
import type { FusionOptions } from "./fusion.ts";
import { reasonOf } from "./link-lines.ts";
import type { Peer } from "./peer.ts";

/** What is at a link's ends. */
interface Ends {
  readonly sids: readonly [Sid, Sid];
  readonly names: readonly [ServerName, ServerName];
}
/** How many people a server has, in all and by room. */
interface Numbers {
  readonly people: number;
  readonly rooms: ReadonlyMap<RoomName, number>;
}

/** Told by its name, known by its sid: a namesake that comes later is another one. */
interface Gone {
  readonly name: ServerName;
  readonly numbers: Numbers;
}

type ServerLinesOptions = Pick<
  FusionOptions,
  "environment" | "self" | "fabric" | "rooms" | "report"
>;

export function createServerLines(options: ServerLinesOptions) {
  const { self, fabric, rooms, report } = options;
  const { clock } = options.environment;
  let known: readonly Peer[] = [];
  let links: readonly Ends[] = [];
  /** Links between those who are here and those who are gone. */
  let cuts: readonly Ends[] = [];
  /** Who came and who went; nobody has been told yet. */
  const fresh = new Map<Sid, ServerName>();
  const gone = new Map<Sid, Gone>();
  /** Links that were ended on purpose, by `name name`, and when that was told. */
  const ended = new Map<string, { readonly code: PartedCode; readonly at: Millis }>();
  /** Why all links of a split were ended; undefined where one of them was lost. */
  const endOf = (ends: readonly Ends[]): PartedCode | undefined => {
    const from = clock.monotonic() - LIMITS.partedMsMax;
    const [first, ...others] = ends.map(({ names }) => {
      const end = ended.get(names.join(" "));
      return end !== undefined && end.at >= from ? end.code : undefined;
    });
    return others.every((code) => code === first) ? first : undefined;
  };
  /** Who was lost and may come back. */
  const missing = new Set<Sid>();
  const fusion = () => sorted([self, ...known.map(({ name }) => name)]);
  /** What clients are told of so many people: the rooms in which somebody here misses them. */
  const shown = (all: readonly Numbers[]) => {
    const sums = new Map<RoomName, number>();
    for (const { rooms: some } of all)
      for (const [room, people] of some) sums.set(room, (sums.get(room) ?? 0) + people);
    const rows = [...sums].map(([room, people]) => ({ room, people }));
    const here = rows.filter(({ room }) => rooms().find(room) !== undefined);
    const most = here.toSorted((a, b) => b.people - a.people || (a.room < b.room ? -1 : 1));
    return {
      people: all.reduce((sum, { people }) => sum + people, 0),
      rooms: most.slice(0, LIMITS.movedRoomsMax),
    };
  };
  return {
    get fresh(): boolean {
      return fresh.size > 0;
    },
    get gone(): boolean {
      return gone.size > 0;
    },
    /** The view has changed, and `moved` knows whether servers came or went by it. */
    saw(view: View): void {
      const names = new Map(view.servers.map(({ sid, name }) => [sid, name]));
      links = view.links.flatMap(({ a, b, state }): Ends[] => {
        const [one, other] = [names.get(a), names.get(b)];
        if (state !== "tree" || one === undefined || other === undefined) return [];
        return [{ sids: [a, b], names: one < other ? [one, other] : [other, one] }];
      });
    },
    /** One of these servers says that their link was ended on purpose. */
    parted(one: string, other: string, code: PartedCode): void {
      const key = [one, other].toSorted().join(" ");
      ended.delete(key);
      ended.set(key, { code, at: clock.monotonic() });
      const [oldest] = ended.keys();
      if (ended.size > LIMITS.peersMax && oldest !== undefined) ended.delete(oldest);
    },
    moved(came: readonly Peer[], went: readonly Peer[], now: readonly Peer[]) {
      known = now;
      for (const peer of went)
        if (!fresh.delete(peer.sid))
          gone.set(peer.sid, { name: peer.name, numbers: numbersOf(peer) });
      for (const { sid, name } of came) if (!gone.delete(sid)) fresh.set(sid, name);
      cuts = [...cuts, ...links].filter(({ sids: [a, b] }) => gone.has(a) !== gone.has(b));
    },
    /** Tells who is gone, and of the links by whose loss. */
    tellSplit(losses: readonly FabricReport[]): void {
      const all = [...gone.values()];
      const servers = sorted(all.map(({ name }) => name));
      const numbers = shown(all.map((one) => one.numbers));
      const ends = cuts.slice(0, LIMITS.listedMax).map(({ names }) => names);
      const cut = ends.length === 0 ? {} : { cut: ends };
      const end = endOf(cuts);
      const by = end === undefined ? cut : { ...cut, code: end };
      const why = losses.length === 0 ? cutText({ servers, ...by }) : reasonOf(losses);
      cuts = [];
      if (end !== "UNMERGED") for (const sid of gone.keys()) remember(missing, sid);
      gone.clear();
      rooms().lobby.tell({ type: "split", servers, fusion: fusion(), ...numbers, ...by });
      const told = losses[0]?.code ?? end;
      const code = told === undefined ? {} : { code: told };
      const because = why === "" ? {} : { why, ...code };
      report({ event: "split", server: self, lost: servers, fusion: fusion(), ...because });
    },
    /** Tells who has come, and whether they were here before. */
    tellMerged(): void {
      const servers = sorted(fresh.values());
      const { neighbours, servers: inView } = fabric().view;
      const near = inView.find(({ sid }) => neighbours.includes(sid) && fresh.has(sid));
      const isBack = [...fresh.keys()].every((sid) => missing.has(sid));
      const back = isBack ? { back: true as const } : {};
      const numbers = shown(known.filter(({ sid }) => fresh.has(sid)).map(numbersOf));
      for (const sid of fresh.keys()) missing.delete(sid);
      fresh.clear();
      rooms().lobby.tell({ type: "merged", servers, fusion: fusion(), ...numbers, ...back });
      const other = near?.name ?? servers[0] ?? "";
      report({ event: "merged", server: self, with: other, servers, fusion: fusion(), ...back });
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const sorted = (names: Iterable<ServerName>): string[] => [...names].map(String).toSorted();

const numbersOf = ({ people, rooms }: Peer): Numbers => ({
  people: people.size,
  rooms: new Map([...rooms].map(([room, members]) => [room, members.size])),
});

function remember(sids: Set<Sid>, sid: Sid): void {
  sids.add(sid);
  if (sids.size <= LIMITS.peersMax) return;
  const [oldest] = sids;
  if (oldest !== undefined) sids.delete(oldest);
}
