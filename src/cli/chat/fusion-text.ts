// Servers that came or went, as lines for people. Pure.

import { cutText, visible } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import type { FusionShown } from "./shown.ts";

/** Who came or went, by which cut, how many people that is, and what is there now. */
export function fusionText(shown: FusionShown): string {
  const { event, servers, fusion, people, rooms = [] } = shown;
  const are = servers.length === 1 ? "is" : "are";
  const who = serversText(servers);
  const what = {
    split: shown.code === "UNMERGED" ? `parted from ${who}` : `${who} ${are} gone`,
    merged: shown.back === true ? `${who} ${are} back` : `merged with ${who}`,
  }[event];
  const why = visible(cutText(shown));
  const by = why === "" ? "" : ` (${why})`;
  const parts = rooms.map(({ room, people: some }) => `, ${some} in ${visible(room)}`);
  const numbers = people === undefined ? "" : `: ${peopleText(people)}${parts.join("")}`;
  return `${what}${by}${numbers}; the servers now: ${fusionNames(fusion)}`;
}

export const listText = (names: readonly string[]): string => names.map(visible).join(", ");
const peopleText = (count: number): string => (count === 1 ? "1 person" : `${count} people`);

// --- internal -----------------------------------------------------------------------------------

/** "lyon and 2 more servers": one line, however many there are. */
function serversText(names: readonly string[]): string {
  const more = names.length - 1;
  const others = more > 0 ? ` and ${more} more ${more === 1 ? "server" : "servers"}` : "";
  return `${visible(names[0] ?? "")}${others}`;
}

/** The names of a fusion's servers, the first of them where they are many. */
function fusionNames(names: readonly string[]): string {
  const more = names.length - LIMITS.listedMax;
  const first = listText(names.slice(0, LIMITS.listedMax));
  return more > 0 ? `${first} and ${more} more` : first;
}
