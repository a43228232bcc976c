// MONITOR (IRCv3): a list of people of whom is told when they come and go, by `watch`, which works
// for people of every server, however large the rooms are.

import type { PersonalEvent } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { listsOf } from "./line.ts";
import type { Reply } from "./reply.ts";
import { isTold } from "./rooms.ts";

export async function monitor(
  client: Client,
  [sign = "", list = ""]: readonly string[],
  reply: Reply,
): Promise<void> {
  const { names } = client.world;
  const targets = list.split(",").filter(Boolean);
  if (sign === "+") await add(client, targets, reply);
  else if (sign === "-") await remove(client, targets.map(names.address));
  else if (sign.toUpperCase() === "C") {
    await remove(client, Array.from(client.monitored.values()));
  } else if (sign.toUpperCase() === "L") {
    const nicks = Array.from(client.monitored.values(), names.nick);
    for (const line of listsOf(nicks, ",")) reply.numeric("RPL_MONLIST", [line]);
    reply.numeric("RPL_ENDOFMONLIST", []);
  } else if (sign.toUpperCase() === "S") await status(client, reply);
}

/** One who is watched came or went, or is or is not here when watching begins. */
export function told(client: Client, event: Extract<PersonalEvent, { type: "watched" }>): void {
  const { names } = client.world;
  const { address, online } = event;
  const reply = client.aside();
  if (!online) {
    const last = client.monitored.get(keyOf(address)) ?? address;
    return reply.numeric("RPL_MONOFFLINE", [], names.nick(last));
  }
  // Under this nick as it is written by whoever has it.
  client.session?.request("whois", { address }, (found) => {
    if (isFailure(found)) return; // gone again, of which is told as well
    if (client.monitored.has(keyOf(address))) client.monitored.set(keyOf(address), found.address);
    reply.numeric("RPL_MONONLINE", [], names.mask(found.address, found.account));
  });
}

/** One who is watched is away, or back, or has logged in or out: for extended-monitor. */
export function monitoredChanged(
  client: Client,
  { person, was }: Extract<PersonalEvent, { type: "changed" }>,
): void {
  const key = keyOf(person.address);
  if (!client.monitored.has(key)) return;
  client.monitored.set(key, person.address);
  if (!client.has("extended-monitor") || seesInRooms(client, person.address)) return;
  const { format } = client;
  // As in a room that is none: whoever shares one is told there.
  if (was === undefined) client.send(format.encode({ type: "away", person, room: "" }));
  else if (was.address === person.address)
    client.send(format.encode({ type: "renamed", was, person, room: "" }));
}

/** Those who watch a client, and are told of more than its coming and going. */
export const watchersOf = (client: Client): Client[] =>
  Array.from(client.world.clients).filter(
    (one) => one.has("extended-monitor") && one.monitored.has(keyOf(client.address)),
  );

// --- internal ---

/** Only of those who came in by this gateway it is known. */
function seesInRooms(client: Client, address: string): boolean {
  const ident = client.world.names.ident(address);
  return ident !== undefined && isTold(client, ident.rooms);
}

/** Of addresses that differ in case alone; CASEMAPPING is ascii. */
const keyOf = (address: string): string => address.toLowerCase();

async function add(client: Client, targets: readonly string[], reply: Reply): Promise<void> {
  const { names } = client.world;
  const max = LIMITS.watchedMax;
  for (const [index, target] of targets.entries()) {
    const asked = names.address(target);
    if (client.monitored.size >= max && !client.monitored.has(keyOf(asked)))
      return reply.numeric("ERR_MONLISTFULL", [String(max), targets.slice(index).join(",")]);
    const answer = await client.ask("watch", { addresses: [asked] });
    if (isFailure(answer))
      reply.numeric("RPL_MONOFFLINE", [], target); // nobody ever has it
    else for (const one of answer.addresses) client.monitored.set(keyOf(one), one);
  }
}

async function remove(client: Client, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    if (!client.monitored.delete(keyOf(address))) continue;
    await client.ask("unwatch", { addresses: [address] });
  }
}

async function status(client: Client, reply: Reply): Promise<void> {
  const { names } = client.world;
  for (const address of client.monitored.values()) {
    const found = await client.ask("whois", { address });
    if (isFailure(found)) reply.numeric("RPL_MONOFFLINE", [], names.nick(address));
    else reply.numeric("RPL_MONONLINE", [], names.mask(found.address, found.account));
  }
}
