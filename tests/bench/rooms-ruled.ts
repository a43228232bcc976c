// A room in which much is set: bans, roles and pins, by three servers, as one alone signs no more
// than 500 things of a room. Next: rooms.ts.

import type { Client } from "../../src/client.ts";
import { effective } from "../../src/core/room-state.ts";
import type { Signed } from "../../src/core/room-state.ts";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName, ServerName, Sid } from "../../src/names.ts";
import type { StateValue } from "../../src/protocol/state.ts";
import { accountId } from "../../src/protocol/state.ts";
import type { ServerProgram } from "../e2e/servers.ts";
import { joinsOf } from "./rooms-crowded.ts";
import type { Row, Size } from "./rooms-stage.ts";
import { rowOf, Stage, timesOf, until } from "./rooms-stage.ts";
import { merge } from "./subjects.ts";
import { timed } from "./timing.ts";

const TOWN = "#town" as RoomName; // in its folded form
const SERVERS = 3;

/** What people wait for in such a room, and how long another server takes to hold all of it. */
export async function ruledRoom(size: Size, folder: string): Promise<readonly Row[]> {
  const rows = [await computed(size)];
  await using stage = new Stage(folder);
  const servers: ServerProgram[] = [];
  while (servers.length < SERVERS) servers.push(await stage.start());
  for (let at = 1; at < SERVERS; at++) await merge(servers, [0, at]);
  const owners = await ownersOf(stage, servers);
  const things = thingsOf(size);
  for (const [at, server] of servers.entries()) {
    const own = things.filter((_, of) => of % SERVERS === at);
    await setAll(stage, server, own);
  }
  const count = things.length + SERVERS - 1;
  const settings = async (owner: Client) => (await allSettings(owner)) >= count;
  for (const owner of owners) await until("all that is set", () => settings(owner));
  const [first] = servers;
  const [owner] = owners;
  if (first === undefined || owner === undefined) throw new Error("no server");
  const { runs } = size;
  const asked = { runs, servers };
  const gus = await stage.enter(first, "gus");
  rows.push(...(await joinsOf(gus, TOWN, runs)));
  await gus.request("join", { room: TOWN });
  const says = (client: Client) => (at: number) =>
    client.request("say", { room: TOWN, text: `hello ${at}` });
  rows.push(await timesOf("a message, acknowledged", asked, says(gus)));
  rows.push(
    await timesOf("a page of what is set", asked, () => owner.request("room", { room: TOWN })),
  );
  const setter = await stage.enter(first, "setter", "ann");
  await setter.request("join", { room: TOWN });
  rows.push(
    await timesOf(
      "set the topic",
      { ...asked, runs: Math.min(runs, LIMITS.stateChangesBurst) },
      (at) => setter.request("set", { room: TOWN, key: "topic", value: `topic ${at}` }),
    ),
  );
  rows.push(rowOf("a new server, until it holds all", await newcomers(stage, first, count)));
  return rows;
}

// --- internal ---

/** Of a new server each time: from the command to merge until somebody there sees all. */
async function newcomers(stage: Stage, first: ServerProgram, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < 3; run++) {
    const server = await stage.start();
    const began = performance.now();
    await merge([server, first], [0, 1]);
    const look = await stage.enter(server, "look");
    // Whoever joins before it knows of the founding would be in a room of its own.
    await until("the founding", async () => {
      const line = await server.run(`room ${TOWN}`);
      return String(line["text"]).includes("ann");
    });
    await look.request("join", { room: TOWN });
    await until("all that is set", async () => (await allSettings(look)) >= count);
    times.push(performance.now() - began);
  }
  return times;
}

type Thing = readonly [key: string, value: StateValue];

/** Bans, every second one with a wildcard; roles; pins. */
function thingsOf({ bans, roles, pins }: Size): Thing[] {
  const some = (count: number, of: (at: number) => Thing) =>
    Array.from({ length: count }, (_, at) => of(at));
  return [
    ...some(bans, (at) => [at % 2 === 0 ? `ban/eve${at}@lyon` : `ban/spam${at}*@*`, {}]),
    ...some(roles, (at) => [`role/vox${at}`, "voice"]),
    ...some(pins, (at) => [`pin/${at.toString().padStart(13, "0")}00000000`, true]),
  ];
}

/** ann founds the room at the first server, and makes the anns of the others owners. */
async function ownersOf(stage: Stage, servers: readonly ServerProgram[]): Promise<Client[]> {
  const owners: Client[] = [];
  for (const server of servers) {
    const ann = await stage.enter(server, "ann", "ann");
    await until("the founding", async () => {
      await ann.request("join", { room: TOWN });
      const { founder } = await ann.request("room", { room: TOWN });
      if (founder === `ann@${servers[0]?.name}`) return true;
      await ann.request("part", { room: TOWN });
      return false;
    });
    owners.push(ann);
    const role = `role/ann@${server.name}`;
    const [first] = owners;
    if (first === undefined || first === ann) continue;
    await first.request("set", { room: TOWN, key: role, value: "owner" });
    await until("a role", async () => (await ann.request("room", { room: TOWN })).role === "owner");
  }
  return owners;
}

/** Sets all by sessions of ann's at one server: each may do so many changes at once. */
async function setAll(
  stage: Stage,
  server: ServerProgram,
  things: readonly Thing[],
): Promise<void> {
  for (let at = 0; at < things.length; at += LIMITS.stateChangesBurst) {
    const setter = await stage.enter(server, `ann${at}`, "ann");
    await setter.request("join", { room: TOWN });
    const some = things.slice(at, at + LIMITS.stateChangesBurst);
    for (const [key, value] of some) {
      const whole = key.startsWith("role/") ? `${key}@${server.name}` : key;
      // A role is asked for by its name alone.
      await setter.request("set", { room: TOWN, key: whole, value: value as string | null });
    }
    await setter.request("part", { room: TOWN });
  }
}

async function allSettings(client: Client): Promise<number> {
  let count = 0;
  let after: string | undefined;
  do {
    const more = after === undefined ? {} : { after };
    const answer = await client.request("room", { room: TOWN, ...more });
    count += answer.settings.length;
    after = answer.next;
  } while (after !== undefined);
  return count;
}

/** What is in force of so many entries: worked out once at each change. */
async function computed(size: Size): Promise<Row> {
  const sids = Array.from({ length: SERVERS }, (_, at) => `${at}`.repeat(32) as Sid); // as long
  const one = (at: number, [key, value]: Thing): Signed => {
    const sid = sids[at % SERVERS] as Sid; // within bounds
    const isRole = key.startsWith("role/");
    return {
      sid,
      entry: {
        id: at.toString().padStart(21, "0"),
        room: TOWN,
        key: isRole ? `${key}@${sid}` : key,
        value: isRole ? { role: "voice", server: "paris" } : value,
        by: "ann",
        server: "paris" as ServerName, // in its one form
      },
    };
  };
  const owners = sids.slice(1).map((sid, at): Signed => {
    const value = { role: "owner", server: "lyon" } as const;
    return one(at * SERVERS, [`role/ann@${sid}`, value]);
  });
  const renamed = owners.map(({ sid, entry }, at) => ({
    sid,
    entry: { ...entry, key: `role/ann@${sids[at + 1]}`, value: { role: "owner", server: "lyon" } },
  })) as Signed[];
  const entries = [...renamed, ...thingsOf(size).map((thing, at) => one(at + SERVERS, thing))];
  const authority = { founder: accountId("ann", sids[0] as Sid) };
  const { registers, roles } = effective(entries, authority);
  if (registers.size + roles.size < entries.length)
    throw new Error(`expected ${entries.length} in force, got ${registers.size + roles.size}`);
  const { median, least } = await timed(() => effective(entries, authority));
  return rowOf("effective, of all that is set", [least / 1000, median / 1000]);
}
