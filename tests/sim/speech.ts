// What must hold of what people say in a simulated fusion: I1, I2, I3, I6 and I9 of the reliability
// figures. "Numbers" are those of a stream (origin, life, room), as the histories were given them.
//
// Always: no session is shown a message twice; a number is one message on all servers; what is
//   acknowledged is durable on its server; a private message has an end after a minute.
// At rest, within a fusion:
// I1 Of a stream of which a session was shown a number, it was shown all acknowledged numbers after
//    that, but for at most as many as gaps told of. The session was on all the time: it has seen
//    no break that was not resumed. Each server's history holds all acknowledged numbers after the
//    first that it took, but for those that its own disk has refused.
// I2 The numbers of a stream were shown in ascending order in each session, also those that ended.
// I3 So histories are equal from where both servers had begun to take a stream.
// I6 Every private message has an end; a delivered one was shown once, a failed one never.

import { LIMITS } from "../../src/limits.ts";
import type { Batch } from "../../src/plugin.ts";
import type { Kept, Ledger } from "./ledger.ts";
import type { Listener, Said, Session } from "./crowd.ts";
import { sessionOf } from "./crowd.ts";
import { LINE_CUT_MS_MAX } from "./faults.ts";
import type { History } from "./history.ts";
import { componentsOf } from "./invariants.ts";

/**
 * "excused": what I1 and I3 say of streams holds of those whose origin still lives, and on servers
 * since their last start. "checked": of all lives, since the first number on the disk.
 */
const RESTARTS = "excused" as "excused" | "checked";

/** Asked again when its author's line, which is cut for so long, is back. */
const tellMsMax = LIMITS.unconfirmedMsMax + LINE_CUT_MS_MAX + LIMITS.reconnectMsMax + 5000;

/** Throws what is wrong at this moment. */
export function checkSpeech({ crowd, ledger, world }: History): void {
  const [violation] = [...crowd.violations, ...ledger.violations];
  if (violation !== undefined) throw new Error(violation);
  for (const said of crowd.said.values()) {
    if (said.to === undefined || said.outcome !== "pending") continue;
    const isOn = !said.again && !said.session.broken && sessionOf(said.by) === said.session;
    if (!isOn || world.now - said.at < tellMsMax) continue;
    throw new Error(`${said.by.address} waits for the end of ${said.text} since ${said.at}`);
  }
}

/** Says what is not yet as it should be when nothing is disturbed any more. */
export function checkSpeechAtRest(history: History): string | undefined {
  const { crowd, ledger } = history;
  for (const { text, outcome } of crowd.said.values())
    if (outcome === "pending") return `no answer to ${text}`;
  const acknowledged = acknowledgedOf(history);
  for (const component of componentsOf(history)) {
    const hosts = component.map(({ host }) => host);
    const here = { hosts, held: heldOf(ledger, hosts), sids: sidsOf(component) };
    const streams = acknowledged
      .filter(([key]) => isOwed(history, here, key))
      .map((stream) => withoutForgotten(history, here, stream));
    for (const host of hosts) {
      const complaint = checkHistory(ledger, host, here, streams);
      if (complaint !== undefined) return complaint;
    }
    for (const listener of crowd.listeners) {
      if (!hosts.includes(listener.host)) continue;
      const complaint = checkShown(ledger, listener, streams);
      if (complaint !== undefined) return complaint;
    }
  }
  for (const said of crowd.said.values()) {
    const complaint = said.to === undefined ? undefined : checkPrivate(said, said.to);
    if (complaint !== undefined) return complaint;
  }
  return checkOrder(history);
}

// --- internal ---

/** Of each stream: its numbers that were acknowledged, with what they are. */
type Acknowledged = [key: string, numbers: Map<number, string>];
type Held = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<number>>>;

interface Here {
  readonly hosts: readonly string[];
  /** What is in the histories, by host and stream. */
  readonly held: Held;
  readonly sids: ReadonlyMap<string, string>;
}

function acknowledgedOf({ crowd, ledger }: History): Acknowledged[] {
  const streams = new Map<string, Map<number, string>>();
  for (const { id, text, room } of crowd.said.values()) {
    if (id === undefined || room === undefined) continue;
    const what = `${id} ${text}`;
    const { stream, number } = ledger.numbers.get(what) ?? {};
    if (stream === undefined || number === undefined) continue;
    const numbers = streams.get(stream) ?? new Map<number, string>();
    streams.set(stream, numbers.set(number, what));
  }
  return [...streams];
}

const sidsOf = (component: ReturnType<typeof componentsOf>[number]) =>
  new Map(component.map(({ host, server }) => [server?.sid ?? "", host]));

function heldOf({ kept, streams }: Ledger, hosts: readonly string[]): Held {
  const held = new Map<string, Map<string, Set<number>>>();
  for (const host of hosts) {
    const own = new Map<string, Set<number>>();
    for (const [key, stream] of streams) {
      // log-store.ts answers at once.
      const found = kept.get(host)?.history.range(stream, 1, 2 ** 53 - 1, 2 ** 53) as Batch[];
      const numbers = found.flatMap(({ first, messages }) => messages.map((_, at) => first + at));
      if (numbers.length > 0) own.set(key, new Set(numbers));
    }
    held.set(host, own);
  }
  return held;
}

/** Somebody in this fusion can give the stream: its origin, or whoever has kept it. */
function isOwed({ ledger }: History, { hosts, held, sids }: Here, key: string): boolean {
  const stream = ledger.streams.get(key);
  const origin = sids.get(stream?.origin ?? "");
  if (RESTARTS === "checked") return hosts.some((host) => held.get(host)?.has(key) === true);
  // Its life goes on if it has said this in its present one, by its own numbers from 1.
  return origin !== undefined && ledger.kept.get(origin)?.firsts.get(key) === 1;
}

/** Without what was wiped wherever it was, or went with a backup that its own server was set to. */
function withoutForgotten(
  { ledger, restored }: History,
  { held, sids }: Here,
  [key, numbers]: Acknowledged,
): Acknowledged {
  const origin = sids.get(ledger.streams.get(key)?.origin ?? "") ?? "";
  if (RESTARTS === "excused" && !restored.has(origin)) return [key, numbers];
  const isHeld = (number: number) =>
    [...held.values()].some((one) => one.get(key)?.has(number) === true);
  return [key, new Map([...numbers].filter(([number]) => isHeld(number)))];
}

function checkHistory(
  { kept }: Ledger,
  host: string,
  { held }: Here,
  streams: readonly Acknowledged[],
): string | undefined {
  const { firsts, refused } = kept.get(host) as Kept; // it runs, so it has one
  for (const [key, numbers] of streams) {
    const own = held.get(host)?.get(key) ?? new Set<number>();
    const first = RESTARTS === "excused" ? firsts.get(key) : [...own].toSorted((a, b) => a - b)[0];
    if (first === undefined) continue;
    for (const [number, what] of numbers) {
      if (number < first || own.has(number) || refused.has(`${key} ${number}`)) continue;
      return `the history of ${host} has ${key} from ${first} on, and not ${number}: "${what}"`;
    }
  }
  return undefined;
}

function checkShown(
  { numbers }: Ledger,
  { address, sessions }: Listener,
  streams: readonly Acknowledged[],
): string | undefined {
  const session = sessions.at(-1);
  if (session === undefined || session.broken) return `${address} is not back`;
  const firsts = new Map<string, number>();
  for (const { id, text } of session.shown) {
    const { stream = "", number = 0 } = numbers.get(`${id} ${text}`) ?? {};
    if (!firsts.has(stream)) firsts.set(stream, number);
  }
  const missing = new Map<string, string[]>();
  for (const [key, acknowledged] of streams) {
    const first = firsts.get(key);
    if (first === undefined) continue;
    const room = key.slice(key.lastIndexOf(" ") + 1);
    for (const [number, what] of acknowledged) {
      if (number <= first || session.ids.has(what)) continue;
      missing.set(room, [...(missing.get(room) ?? []), `${key} ${number} "${what}"`]);
    }
  }
  for (const [room, whats] of missing) {
    const told = session.gaps.get(room) ?? 0;
    if (whats.length > told) return `${address} misses ${whats.join()}, and was told of ${told}`;
  }
  return undefined;
}

function checkPrivate(said: Said, to: Listener): string | undefined {
  const { text, outcome, again, toSession } = said;
  const times = to.privates.get(text) ?? 0;
  if (again && RESTARTS === "excused") return undefined; // asked again, it was another message
  if (times > 1) return `${to.address} was told "${text}" ${times} times`;
  if (outcome === "failed" && times > 0) return `${text} failed, and ${to.address} was told it`;
  const isOn = toSession !== undefined && toSession === to.sessions.at(-1);
  if (outcome === "delivered" && isOn && times === 0)
    return `"${text}" was delivered, and not shown to ${to.address}`;
  return undefined;
}

/** In the sessions that ended, too. */
function checkOrder({ crowd, ledger }: History): string | undefined {
  for (const { address, sessions } of crowd.listeners) {
    for (const session of sessions) {
      const complaint = orderOf(ledger, session) ?? doubleOf(crowd.said, session);
      if (complaint !== undefined) return `${address} was shown ${complaint}`;
    }
  }
  return undefined;
}

function orderOf({ numbers }: Ledger, { shown }: Session): string | undefined {
  const lasts = new Map<string, number>();
  for (const { id, text } of shown) {
    const place = numbers.get(`${id} ${text}`);
    if (place === undefined) continue; // a crash came before it was logged anywhere
    const last = lasts.get(place.stream) ?? 0;
    if (place.number <= last) return `${place.stream} ${place.number} after ${last}`;
    lasts.set(place.stream, place.number);
  }
  return undefined;
}

/** Sent again with its cid, a message is the same. */
function doubleOf(all: ReadonlyMap<string, Said>, { shown }: Session): string | undefined {
  const texts = new Set<string>();
  for (const { text } of shown) {
    const said = all.get(text);
    if (said === undefined || (said.again && RESTARTS === "excused")) continue;
    if (texts.has(text)) return `"${text}" in two messages`;
    texts.add(text);
  }
  return undefined;
}
