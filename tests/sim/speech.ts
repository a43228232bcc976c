// What must hold of what people say in a simulated fusion: I1, I2, I3, I6 and I9 of the reliability
// figures. "Numbers" are those of a stream (origin, life, room), as the histories were given them.
//
// Always: nobody is shown a message twice; a number is one message on all servers; what is
//   acknowledged is durable on its server; a private message has an end after a minute.
// At rest, within a fusion, over all restarts of servers and all sessions of clients:
// I1 Of a stream of which somebody was shown a number, he was shown all acknowledged numbers after
//    that, but for at most as many as gaps told of; after a gap of unknown size, or when the disk
//    of his server was wiped or set back to a backup, from there on. Each server's history holds
//    all acknowledged numbers after the first that it has, and in the lobby all after those that
//    were said before it first met the origin, as far as its disk knows of that. Neither is owed
//    what the server's own disk has refused, what it passed over while nobody in its view had it,
//    nor what was wiped wherever it was; nor is a stream of which a server that was killed had
//    logged nothing yet, or whose server has a namesake in this fusion.
// I2 The numbers of a stream were shown in ascending order, until the disk was set back, or but for
//    what it had refused, which is shown late.
// I3 So histories are equal from where both servers had begun to take a stream.
// I6 Every private message has an end; a delivered one was shown once, a failed one never.

import { LIMITS } from "../../src/limits.ts";
import { LOBBY } from "../../src/names.ts";
import type { World } from "../../src/testing.ts";
import type { Ledger } from "./ledger.ts";
import type { Listener, Said } from "./crowd.ts";
import { LINE_CUT_MS_MAX } from "./faults.ts";
import type { History } from "./history.ts";
import { type Component, componentsOf, looksOf } from "./invariants.ts";

/** Asked again when its author's line, which is cut for so long, is back. */
const tellMsMax = LIMITS.unconfirmedMsMax + LINE_CUT_MS_MAX + LIMITS.reconnectMsMax + 5000;

/** Throws what is wrong at this moment. */
export function checkSpeech({ crowd, ledger, world }: History): void {
  const [violation] = [...crowd.violations, ...ledger.violations];
  if (violation !== undefined) throw new Error(violation);
  for (const said of crowd.said.values()) {
    if (said.to === undefined || said.outcome !== "pending") continue;
    const isOn = !said.again && !said.by.broken && said.by.session === said.session;
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
    const held = heldOf(ledger, hosts);
    const streams = acknowledged
      .filter(([key]) => !isBarred(history, component, key))
      .map((stream) => withoutForgotten(held, stream));
    for (const host of hosts) {
      const owed = streams.map((stream) => owedTo(history, host, held, stream));
      const complaint = checkHistory(host, held, owed) ?? checkListeners(history, host, owed);
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

function acknowledgedOf({ crowd, ledger }: History): Acknowledged[] {
  const streams = new Map<string, Map<number, string>>();
  for (const said of crowd.said.values()) {
    const { id, text, room } = said;
    if (id === undefined || room === undefined || crowd.isDeleted(said)) continue;
    const what = `${id} ${text}`;
    const { stream, number } = ledger.numbers.get(what) ?? {};
    if (stream === undefined || number === undefined) continue;
    const numbers = streams.get(stream) ?? new Map<number, string>();
    streams.set(stream, numbers.set(number, what));
  }
  return [...streams];
}

function heldOf(ledger: Ledger, hosts: readonly string[]): Held {
  const held = new Map<string, Map<string, Set<number>>>();
  for (const host of hosts) {
    const own = new Map<string, Set<number>>();
    for (const [key, stream] of ledger.streams) {
      const numbers = ledger.numbersOf(host, stream);
      if (numbers.length > 0) own.set(key, new Set(numbers));
    }
    held.set(host, own);
  }
  return held;
}

/** A namesake of its server is in this fusion: nothing more is taken of it there. */
function isBarred({ ledger, servers }: History, component: Component, key: string): boolean {
  const { origin } = ledger.streams.get(key) ?? {};
  const looks = looksOf(servers.get(ledger.hosts.get(key) ?? "")?.name ?? "");
  return component.some(({ name, server }) => looksOf(name) === looks && server?.sid !== origin);
}

/** Without what was wiped, or went with a backup that was restored, wherever it was. */
function withoutForgotten(held: Held, [key, numbers]: Acknowledged): Acknowledged {
  const isHeld = (number: number) =>
    [...held.values()].some((one) => one.get(key)?.has(number) === true);
  return [key, new Map([...numbers].filter(([number]) => isHeld(number)))];
}

/** What a server should have of a stream: from its first on, or from where it met the origin. */
function owedTo(
  { ledger: { refused, passed }, world }: History,
  host: string,
  held: Held,
  [key, numbers]: Acknowledged,
): Acknowledged {
  const met = metOf(world, host).get(key) ?? Number.POSITIVE_INFINITY;
  const first = Math.min(met + 1, ...(held.get(host)?.get(key) ?? [])); // or Infinity
  const isOwed = (number: number) => {
    const place = `${host} ${key} ${number}`;
    return number >= first && !refused.has(place) && !passed.has(place);
  };
  return [key, new Map([...numbers].filter(([number]) => isOwed(number)))];
}

/** Where streams of the lobby stood when a server first heard them, as its disk has it. */
function metOf(world: World, host: string): Map<string, number> {
  const text = new TextDecoder().decode(world.disk(host).backup().get("met"));
  const rows = text.split("\n").map((line) => line.split(" "));
  return new Map(
    rows.flatMap(([sid, life, have, , room]) =>
      room === LOBBY ? [[`${sid} ${life} ${room}`, Number(have)]] : [],
    ),
  );
}

function checkHistory(host: string, held: Held, owed: readonly Acknowledged[]): string | undefined {
  for (const [key, numbers] of owed)
    for (const [number, what] of numbers)
      if (held.get(host)?.get(key)?.has(number) !== true)
        return `the history of ${host} has more of ${key}, and not ${number}: "${what}"`;
  return undefined;
}

function checkListeners(
  { crowd, ledger }: History,
  host: string,
  owed: readonly Acknowledged[],
): string | undefined {
  for (const listener of crowd.listeners) {
    const complaint = listener.host === host ? checkShown(ledger, listener, owed) : undefined;
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

function checkShown(
  { numbers }: Ledger,
  { address, broken, stretches, shown: all }: Listener,
  streams: readonly Acknowledged[],
): string | undefined {
  if (broken) return `${address} is not back`;
  for (const [room, [...parts]] of stretches) {
    const { shown, missing: told } = parts.at(-1) ?? { shown: [], missing: 0 };
    const firsts = new Map<string, number>();
    for (const what of shown) {
      const { stream = "", number = 0 } = numbers.get(what) ?? {};
      if (!firsts.has(stream)) firsts.set(stream, number);
    }
    const missing = streams.flatMap(([key, acknowledged]) => {
      const first = key.endsWith(` ${room}`) ? firsts.get(key) : undefined;
      if (first === undefined) return [];
      const after = [...acknowledged].filter(([number, what]) => number > first && !all.has(what));
      return after.map(([number, what]) => `${key} ${number} "${what}"`);
    });
    if (missing.length > told) return `${address} misses ${missing.join()}; was told of ${told}`;
  }
  return undefined;
}

function checkPrivate(said: Said, to: Listener): string | undefined {
  const { text, outcome, toSession } = said;
  const times = to.privates.get(text) ?? 0;
  if (times > 1) return `${to.address} was told "${text}" ${times} times`;
  if (outcome === "failed" && times > 0) return `${text} failed, and ${to.address} was told it`;
  const isOn = !to.broken && toSession === to.session;
  if (outcome === "delivered" && isOn && times === 0)
    return `"${text}" was delivered, and not shown to ${to.address}`;
  return undefined;
}

function checkOrder({ crowd, ledger }: History): string | undefined {
  for (const { address, shown, eras } of crowd.listeners) {
    const complaints = [doubleOf(shown), ...eras.map((era) => orderOf(ledger, era))];
    const complaint = complaints.find((one) => one !== undefined);
    if (complaint !== undefined) return `${address} was shown ${complaint}`;
  }
  return undefined;
}

function orderOf({ numbers }: Ledger, shown: readonly string[]): string | undefined {
  const lasts = new Map<string, number>();
  for (const what of shown) {
    const place = numbers.get(what);
    if (place === undefined) continue; // a crash came before it was logged anywhere
    const last = lasts.get(place.stream) ?? 0;
    if (place.number <= last) return `${place.stream} ${place.number} after ${last}`;
    lasts.set(place.stream, place.number);
  }
  return undefined;
}

/** Sent again with its cid, a message is the same. */
function doubleOf(shown: ReadonlySet<string>): string | undefined {
  const texts = new Set<string>();
  for (const what of shown) {
    const text = what.slice(what.indexOf(" ") + 1);
    if (texts.has(text)) return `"${text}" in two messages`;
    texts.add(text);
  }
  return undefined;
}
