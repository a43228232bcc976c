// What a server's state shows to the outside: its view, its links, what it still has to do. This is
// where the explorer knows the fabric's fields by name; all else walks them blindly (graph.ts).

import type { Announcement } from "../../plugins/fabric-tree/announcement.ts";
import type { Errand } from "../../plugins/fabric-tree/merges.ts";
import type { Wish } from "../../plugins/fabric-tree/redial.ts";
import type { Session } from "../../plugins/fabric-tree/session.ts";
import type { Tree } from "../../plugins/fabric-tree/tree.ts";
import { edgeTo } from "../../plugins/fabric-tree/view.ts";
import type { Edge, Judgement } from "../../plugins/fabric-tree/view.ts";
import { skeleton } from "../../src/plugin.ts";
import type { ServerName, Sid } from "../../src/plugin.ts";
import type { End } from "./end.ts";
import type { Life } from "./life.ts";

export interface FullLink {
  readonly peer: number;
  readonly birth: number;
  /** It is in the view: routes may lead over it. */
  readonly used: boolean;
}

export interface Facts {
  /** The view, equal where two servers see the same: members, and their links with states. */
  readonly view: string;
  /** Servers in the view, by index, in order. */
  readonly members: readonly number[];
  /** Links of the view, as "a-b:birth". */
  readonly edges: readonly string[];
  /** Those of them that are tree. */
  readonly tree: readonly string[];
  /** What is wrong with this state by itself. */
  readonly wrong: string | undefined;
  /** Full links by the number of their connection. */
  readonly full: readonly (FullLink | undefined)[];
  /** The lowest number that no connection has. */
  readonly freeEnd: number;
  /** Something is left for later: the view does not follow yet. */
  readonly ticks: boolean;
  /** Why it is not at rest by itself, and when that is due; heart-beats do not count. */
  readonly busy: { readonly what: string; readonly due: number } | undefined;
  /** Servers to which a link is wanted, and when it is dialled again (Infinity: it is up). */
  readonly wishes: readonly {
    readonly peer: number;
    readonly refused: boolean;
    readonly due: number;
  }[];
  /** Names (as skeletons) that belong to one server here. */
  readonly pins: ReadonlyMap<string, number>;
}

/** The servers of a configuration, as a state names them. */
export interface Roster {
  readonly sids: readonly Sid[];
  readonly looks: readonly string[];
}

export function rosterOf(people: readonly { readonly name: string; readonly sid: Sid }[]): Roster {
  return {
    sids: people.map(({ sid }) => sid),
    looks: people.map(({ name }) => skeleton(name as ServerName)),
  };
}

export function factsOf({ tree, self, freeEnd }: Life, { sids, looks }: Roster): Facts {
  const { $own, $database, $merges, $redial, $sessions, $linksChanged, $judging } = open(tree);
  const { view, judgement } = tree;
  const at = (sid: Sid) => sids.indexOf(sid);
  const members = view.servers.map(({ sid }) => at(sid)).toSorted((a, b) => a - b);
  const edges: { text: string; tree: boolean }[] = [];
  for (const { a, b, birth, state } of judgement.edges) {
    const ends = [at(judgement.servers[a]!.sid), at(judgement.servers[b]!.sid)].toSorted(
      (x, y) => x - y,
    );
    if (state === "undone" || !members.includes(ends[0]!)) continue;
    edges.push({ text: `${ends.join("-")}:${birth}`, tree: state === "tree" });
  }
  edges.sort((x, y) => (x.text < y.text ? -1 : 1));
  const full: (FullLink | undefined)[] = [];
  for (const session of $sessions) {
    const { phase, peer, birth, port } = session;
    if (phase !== "full" || peer === undefined) continue;
    const edge = edgeTo(judgement, peer);
    const used = edge !== undefined && (edge.a === 0 ? edge.portA : edge.portB) === port;
    full[self.ends.indexOf(session.link as End)] = {
      peer: at(peer),
      birth,
      used: used && edge.state !== "undone",
    };
  }
  const busy: { what: string; due: number }[] = [];
  const due = (what: string, time: number) => {
    if (Number.isFinite(time)) busy.push({ what, due: time });
  };
  due("announces", $own.dueAt);
  for (const { held } of $database.$paces.values()) due("holds news back", held?.due ?? Infinity);
  for (const { address, deadline } of $merges.$errands) due(`dials ${address}`, deadline);
  for (const { $deadline, $retryAt, phase } of $sessions) {
    due(`shakes hands (${phase})`, $deadline);
    due("waits for room", $retryAt);
  }
  const wishes = [...$redial.wishes.values()].map((wish) => ({
    peer: at(wish.peer),
    refused: wish.refused,
    due: wish.dueAt,
  }));
  for (const wish of wishes) if (!wish.refused) due(`dials ${wish.peer} again`, wish.due);
  const pins = new Map<string, number>();
  for (const { looks: name, sid } of open(tree).pins.$byLooks.values())
    pins.set(name, at(sid as Sid));
  const shown = edges.map((edge) => (edge.tree ? edge.text : `(${edge.text})`));
  return {
    view: `${members.join()} ${shown.join()}`,
    members,
    edges: edges.map(({ text }) => text),
    tree: edges.flatMap((edge) => (edge.tree ? edge.text : [])),
    wrong:
      wrongBy(members, edges.filter((edge) => edge.tree).length, looks, full) ??
      (judgement.edges.every((edge) => isListed(judgement, edge))
        ? undefined
        : "a link is judged that its ends do not both list") ??
      (($linksChanged || $judging.$heard.size > 0) && self.later.length === 0
        ? "something is left unjudged"
        : undefined),
    full,
    freeEnd,
    ticks: self.later.length > 0,
    busy: busy.length === 0 ? undefined : busy.reduce((a, b) => (b.due < a.due ? b : a)),
    wishes,
    pins,
  };
}

// --- internal ---

function wrongBy(
  members: readonly number[],
  treeEdges: number,
  looks: readonly string[],
  full: readonly (FullLink | undefined)[],
): string | undefined {
  if (new Set(members.map((one) => looks[one])).size < members.length) {
    return "two namesakes in one view";
  }
  if (treeEdges !== members.length - 1)
    return `${treeEdges} tree links for ${members.length} servers`;
  const peers = full.flatMap((link) => link?.peer ?? []);
  return new Set(peers).size < peers.length ? "two full links to one server" : undefined;
}

function isListed({ servers }: Judgement, edge: Edge): boolean {
  const [a, b] = [servers[edge.a]!, servers[edge.b]!];
  const lists = (one: Announcement, other: Announcement, port: number) =>
    one.links.some(
      (link) => link.peer === other.sid && link.port === port && link.birth === edge.birth,
    );
  return lists(a, b, edge.portA) && lists(b, a, edge.portB);
}

/** The fabric's fields as `expose.ts` leaves them. */
interface Open {
  readonly $own: { readonly dueAt: number };
  readonly $database: {
    readonly all: ReadonlyMap<Sid, Announcement>;
    readonly $paces: ReadonlyMap<Sid, { readonly held: { readonly due: number } | undefined }>;
  };
  readonly $merges: { readonly $errands: ReadonlySet<Errand> };
  readonly $redial: { readonly wishes: ReadonlyMap<Sid, Wish> };
  readonly $sessions: ReadonlySet<
    Session & { readonly $deadline: number; readonly $retryAt: number }
  >;
  readonly pins: {
    readonly $byLooks: ReadonlyMap<string, { readonly looks: string; readonly sid: string }>;
  };
  readonly $linksChanged: boolean;
  readonly $judging: { readonly $heard: ReadonlyMap<Sid, unknown> };
}

/** The fields are private to the compiler, and public in this process. */
function open(tree: Tree): Open {
  return tree as unknown as Open;
}
