// What can stand against a link, checked by both sides in the handshake: names, pins, the allow
// list, bounds, an older dial, another link to the same server. Pure. The view checks the names
// again (view.ts), since either check alone can be passed by two merges at the same time.

import { failure, LIMITS, skeleton } from "chatfusion";
import type { Failure, ServerName, Sid } from "chatfusion";
import { bad } from "./bytes.ts";
import { compareDials } from "./hello.ts";
import type { Dial, Fusion, Hello, Member } from "./hello.ts";
import type { Session } from "./session.ts";
import { namesakes } from "./view.ts";
import type { Edge, Judgement } from "./view.ts";

/** A fusion's own member must be in its list. Throws `ProtocolError` `BAD_FRAME`. */
export function checkMembers(fusion: Fusion, peer: Hello): void {
  const seen = new Set<Sid>();
  for (const { sid } of fusion.members) seen.add(sid);
  const own = fusion.members.find(({ sid }) => sid === peer.sid);
  if (own?.name !== peer.name || seen.size !== fusion.members.length) {
    throw bad("a fusion of different servers, with the one that speaks among them");
  }
}

/** Keys, sids or names of those who may link with this server. */
export function objectionToKey(
  allowed: readonly string[],
  peer: Hello,
  us: ServerName,
): Failure | undefined {
  const key = peer.key.toHex();
  const looks = skeleton(peer.name);
  for (const one of allowed) {
    const wanted = one.toLowerCase();
    if (wanted === key || wanted === peer.sid || one === peer.name) return undefined;
    if (skeleton(one as ServerName) === looks) return undefined; // compared, never shown
  }
  const text = `${peer.name} (${peer.sid}) is not on the list of those that may merge with ${us}`;
  return failure("MERGE_DENIED", text);
}

/** Names held twice, and too many servers. */
export function objectionToFusion(
  ours: readonly Member[],
  theirs: readonly Member[],
  about: { readonly us: ServerName; readonly them: ServerName },
  pinned: (name: ServerName) => Sid | undefined,
): Failure | undefined {
  const held = new Map<string, Member>();
  const sids = new Set<Sid>();
  for (const member of ours) {
    held.set(skeleton(member.name), member);
    sids.add(member.sid);
  }
  for (const { sid, name } of theirs) {
    const other = held.get(skeleton(name));
    if (other !== undefined && other.sid !== sid) {
      return nameTaken({ sid, name }, about.them, other, about.us);
    }
    const pin = pinned(name);
    if (pin !== undefined && pin !== sid) {
      const text =
        `${name}: on ${about.us} this name is pinned to the server ${pin}, ` +
        `and ${sid} holds it in the fusion of ${about.them}; ` +
        `"forget ${name}" or "trust ${name} ${sid}" on ${about.us} would accept it`;
      return failure("NAME_TAKEN", text);
    }
    sids.add(sid);
  }
  if (sids.size <= LIMITS.serversMax) return undefined;
  const together = `the fusions of ${about.us} and ${about.them} are ${sids.size} servers together`;
  const text = `${together}; expected at most ${LIMITS.serversMax}`;
  return failure("TOO_MANY_SERVERS", text);
}

/** Says which name is there twice, and who holds it on which side. */
function nameTaken(
  one: Member,
  sideOfOne: ServerName,
  other: Member,
  sideOfOther: ServerName,
): Failure {
  const alike = one.name === other.name ? one.name : `${one.name} and ${other.name} (alike)`;
  const text =
    `the name ${alike} is there twice: ${one.sid} holds it in the fusion of ${sideOfOne}, ` +
    `${other.sid} in that of ${sideOfOther}`;
  return failure("NAME_TAKEN", text);
}

/** Why the view undoes a link: a name on both its sides, or too many servers together. */
export function undoneBecause(judgement: Judgement, edge: Edge): Failure {
  const [pair] = namesakes(judgement, edge);
  const [a, b] = [judgement.servers[edge.a], judgement.servers[edge.b]];
  if (pair === undefined || a === undefined || b === undefined) {
    return failure("TOO_MANY_SERVERS", `more than ${LIMITS.serversMax} servers together`);
  }
  return nameTaken(pair[0], a.name, pair[1], b.name);
}

/**
 * What is to become of a new session and of another one with the same server: the new one gives
 * way, the other one does, or nothing yet. Both ends come to the same answer.
 */
export function rivalry(
  session: Session,
  rival: Session,
  about: { readonly self: Sid; readonly peer: Sid; readonly met: Dial },
): "keep new" | "keep old" | "none" {
  if (rival === session || rival.ended || rival.dryRun || rival.phase === "hello") return "none";
  const ourDialStays = about.self < about.peer;
  if (session.role === "dialled") {
    if (rival.role === "dialled") return "keep old";
    if (!rival.proved) return "none";
    // They dial us at the same moment: the dial of the smaller sid stays.
    if (rival.phase === "fusion" || rival.phase === "consent") {
      return ourDialStays ? "keep new" : "keep old";
    }
    return "keep old";
  }
  if (rival.role === "accepted") return rival.proved ? "keep new" : "none";
  // Ours, and they have dialled. If they had taken ours before that, or have started anew since,
  // they would not dial if they still had it; else the two have crossed.
  const knewOurs = compareDials(about.met, rival.dial) >= 0;
  const restarted = session.theirs?.epoch !== rival.theirs?.epoch;
  return knewOurs || restarted || !ourDialStays ? "keep new" : "keep old";
}
