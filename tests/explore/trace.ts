// A way through a configuration, in words: what happened, what each server said, what it saw.

import { follow, movesOf } from "./moves.ts";
import type { Move } from "./moves.ts";
import { isAtRest, wrongAtRest, wrongIn } from "./rest.ts";
import { decode, encode, GONE } from "./situation.ts";
import type { Situation } from "./situation.ts";
import { firstOf } from "./world.ts";
import type { World } from "./world.ts";

/** Follows the moves from the beginning, and words each step. */
export function traceOf(world: World, way: readonly number[]): string[] {
  const servers = world.config.servers.length;
  const lines: string[] = [];
  let situation = decode(encode(firstOf(world)), servers);
  for (const [step, choice] of way.entries()) {
    const move = movesOf(world, situation)[choice];
    if (move === undefined) return [...lines, `there is no move ${choice} here`];
    lines.push(`${step + 1}. ${moveText(world, situation, move)}`);
    const after = follow(world, situation, move);
    if (typeof after === "string") return [...lines, `→ ${after}`];
    situation = decode(encode(after), servers);
    lines.push(...viewTexts(world, situation));
    const wrong = wrongIn(world, after);
    if (wrong !== undefined) lines.push(`→ ${wrong}`);
  }
  lines.push(...endTexts(world, situation));
  if (isAtRest(world, situation)) {
    lines.push(`at rest: ${wrongAtRest(world, situation) ?? "nothing is wrong"}`);
  }
  return lines;
}

// --- internal ---

function moveText(world: World, { connections, dials }: Situation, move: Move): string {
  const { addresses, config } = world;
  const name = (server: number) => addresses[server] ?? "?";
  const link = (at: number) => connections[at]!.ends.map(({ server }) => name(server)).join("–");
  switch (move.is) {
    case "say": {
      const word = config.operators[move.at]!;
      const text = "merge" in word ? `merge ${word.merge}` : `unmerge ${word.unmerge}`;
      return `${word.at}'s operator: ${text}`;
    }
    case "arrive":
      return `${name(dials[move.at]!.from)}'s dial reaches ${name(dials[move.at]!.to)}`;
    case "fail":
      return `${name(dials[move.at]!.from)}'s dial to ${name(dials[move.at]!.to)} fails`;
    case "hear": {
      const { server, coming } = connections[move.at]!.ends[move.side];
      const other = connections[move.at]!.ends[1 - move.side]!.server;
      const sids = (sid: string) => name(Number.parseInt(sid.slice(0, 1), 16) - 1);
      const words = world.locals.messages.text(coming[0]!, sids);
      return `${name(server)} hears of ${name(other)} (link ${move.at}): ${words}`;
    }
    case "lose": {
      const { server } = connections[move.at]!.ends[move.side];
      return `${name(server)} learns that ${link(move.at)} (link ${move.at}) is lost`;
    }
    case "cut":
      return `${link(move.at)} (link ${move.at}) breaks`;
    case "restart":
      return `${name(move.at)} is killed and starts again`;
    case "copy":
      return `${name(move.at)}'s disk is copied`;
    case "restore":
      return `${name(move.at)} is killed and starts from the copy of its disk`;
    case "tick":
      return `${name(move.at)} works off what it left for later`;
    default:
      return `${name(move.at)}'s alarm rings`;
  }
}

function viewTexts({ addresses, locals }: World, situation: Situation): string[] {
  const views = situation.locals.map((local, at) => {
    const { view, busy } = locals.facts(local);
    return `${addresses[at]} sees ${view}${busy === undefined ? "" : `, ${busy.what}`}`;
  });
  return [`      ${views.join("; ")}`];
}

function endTexts({ addresses }: World, { connections, dials }: Situation): string[] {
  const lines = dials.map(
    ({ from, to }) => `under way: ${addresses[from]}'s dial to ${addresses[to]}`,
  );
  for (const { ends, broken } of connections) {
    const [a, b] = ends.map(({ server, number, coming }) => {
      const gone = number === GONE ? " (gone)" : "";
      const queue = coming.length === 0 ? "" : ` has ${coming.length} coming`;
      return `${addresses[server]}${gone}${queue}`;
    });
    lines.push(`connection: ${a}, ${b}${broken ? ", broken" : ""}`);
  }
  return lines;
}
