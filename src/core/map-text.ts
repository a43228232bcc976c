// The map of a fusion as people read it: the tree of its links, drawn from this server, and below
// it the links in reserve. Pure.

import type { Sid } from "../names.ts";
import type { LinkInView } from "../plugin/fabric.ts";
import type { Surveyed } from "./survey.ts";

/** Draws the map; `peopleOn` counts the people on a server. */
export function mapText({ view, silent }: Surveyed, peopleOn: (server: string) => number): string {
  const names = new Map(view.servers.map(({ sid, name }) => [sid, name]));
  const nameOf = (sid: Sid) => names.get(sid) ?? sid;
  const near = new Map<Sid, { readonly sid: Sid; readonly link: LinkInView }[]>();
  const put = (from: Sid, sid: Sid, link: LinkInView) => {
    const others = near.get(from);
    if (others === undefined) near.set(from, [{ sid, link }]);
    else others.push({ sid, link });
  };
  const standby = view.links.filter(({ state }) => state === "standby");
  for (const link of view.links) {
    if (link.state === "standby") continue;
    put(link.a, link.b, link);
    put(link.b, link.a, link);
  }
  const rows: (readonly [tree: string, people: string, rtt: string])[] = [];
  const seen = new Set<Sid>();
  const draw = (
    sid: Sid,
    lines: { readonly here: string; readonly below: string },
    rtt: string,
  ) => {
    seen.add(sid);
    const late = silent.has(sid) ? "  (has not answered)" : "";
    const people = peopleOn(nameOf(sid));
    rows.push([
      lines.here + nameOf(sid),
      `${people} ${people === 1 ? "person" : "people"}`,
      rtt + late,
    ]);
    const next = (near.get(sid) ?? [])
      .filter((one) => !seen.has(one.sid))
      .toSorted((x, y) => (nameOf(x.sid) < nameOf(y.sid) ? -1 : 1));
    for (const [at, { sid: child, link }] of next.entries()) {
      const isLast = at === next.length - 1;
      const here = lines.below + (isLast ? "└─ " : "├─ ");
      const below = lines.below + (isLast ? "   " : "│  ");
      draw(child, { here, below }, rttText(link));
    }
  };
  const self = view.servers.find(({ hops }) => hops === 0);
  if (self !== undefined) draw(self.sid, { here: "", below: "" }, "");
  const tree = table(rows);
  if (standby.length === 0) return tree;
  const reserve = standby.map((link) => {
    const ends = [nameOf(link.a), nameOf(link.b)].toSorted();
    return [ends.join(" - "), rttText(link)];
  });
  return `${tree}\nin reserve:\n${table(reserve)}`;
}

// --- internal -----------------------------------------------------------------------------------

const rttText = ({ rttMs }: LinkInView): string =>
  rttMs === undefined ? "" : `${rttMs.toFixed(1)} ms`;

/** Lines of cells, each column as wide as its widest. */
function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  const line = (row: readonly string[]) =>
    row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}
