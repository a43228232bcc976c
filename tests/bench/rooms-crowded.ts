// A room with many members, a server with many rooms, and a user in many rooms: times of what
// people ask there, as they wait for it over real sockets. Next: rooms.ts.

import type { Client } from "../../src/client.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Requests } from "../../src/protocol/messages.ts";
import { relayTo } from "../e2e/relay.ts";
import type { Row, Size } from "./rooms-stage.ts";
import { rowOf, Stage, timesOf, until } from "./rooms-stage.ts";

const TOWN = "#town";

type Setting = Omit<Requests["set"]["ask"], "room">;

/** What is asked in one large room. */
export async function largeRoom(size: Size, folder: string): Promise<readonly Row[]> {
  await using stage = new Stage(folder);
  const server = await stage.start();
  const ann = await stage.enter(server, "ann", "ann");
  await ann.request("join", { room: TOWN });
  const countOf = async () => (await ann.request("room", { room: TOWN })).members;
  const crowd = { clients: size.members - 1, room: TOWN };
  await stage.crowd(server, crowd, async () => (await countOf()) === size.members);
  const ben = await stage.enter(server, "ben");
  const bob = await stage.enter(server, "bob", "bob");
  const { runs } = size;
  const asked = { runs, servers: [server] };
  const rows = [...(await joinsOf(ben, TOWN, runs))];
  await bob.request("join", { room: TOWN });
  const middle = `n${String(Math.floor(size.members / 2)).padStart(5, "0")}@${ann.server}`;
  const pages = { "first page": {}, "page in the middle": { after: middle } };
  for (const [what, after] of Object.entries(pages))
    rows.push(
      await timesOf(`who: the ${what}`, asked, () =>
        ann.request("who", { room: TOWN, limit: LIMITS.pageMax, ...after }),
      ),
    );
  rows.push(
    await timesOf("a person (whois)", asked, () => ann.request("whois", { address: middle })),
  );
  rows.push(
    await timesOf("a message, acknowledged", asked, (at) =>
      ann.request("say", { room: TOWN, text: `hello ${at}` }),
    ),
  );
  const ruled: Readonly<Record<string, (at: number) => Setting>> = {
    "a mode": (at) => ({ key: "mode/moderated", value: at % 2 === 0 ? true : null }),
    "the topic": (at) => ({ key: "topic", value: `topic ${at}` }),
    "a ban by pattern": (at) => ({ key: `ban/spam${at}*@*`, value: {} }),
    "the topic, beside these bans": (at) => ({ key: "topic", value: `again ${at}` }),
  };
  const changes = { ...asked, runs: Math.min(runs, LIMITS.stateChangesBurst) };
  for (const [what, ask] of Object.entries(ruled)) {
    const owner = await ownerOf(stage, server, what);
    rows.push(
      await timesOf(`set ${what}`, changes, (at) =>
        owner.request("set", { room: TOWN, ...ask(at) }),
      ),
    );
  }
  const kicks: number[] = [];
  for (let at = 0; at < runs; at++) {
    const began = performance.now();
    await ann.request("kick", { room: TOWN, address: bob.address });
    kicks.push(performance.now() - began);
    await bob.request("join", { room: TOWN });
  }
  rows.push(rowOf("kick", kicks));
  rows.push(await namesOf(stage.doorOf(server), size, asked));
  return rows;
}

/** What is asked on a server with many rooms. */
export async function manyRooms(size: Size, folder: string): Promise<readonly Row[]> {
  await using stage = new Stage(folder);
  const server = await stage.start();
  const ann = await stage.enter(server, "ann", "ann");
  // Everybody is in the lobby besides.
  const clients = Math.ceil(size.rooms / (size.own - 1));
  const last = `#n${String(clients - 1).padStart(5, "0")}-${size.own - 2}`;
  const isThere = async () => (await ann.request("room", { room: last })).members === 1;
  await stage.crowd(server, { clients, roomsEach: size.own - 1 }, async () => {
    const { total } = await ann.request("who", { limit: 1 });
    return total === clients + 1 && (await isThere());
  });
  const { runs } = size;
  const asked = { runs, servers: [server] };
  const rows = [
    await timesOf(
      "join a new room, and found it",
      { ...asked, runs: Math.min(runs, LIMITS.foundedPerAccountMax) },
      (at) => ann.request("join", { room: `#new-${at}` }),
    ),
  ];
  const ben = await stage.enter(server, "ben");
  rows.push(
    await timesOf("join a new room, as a guest", asked, (at) =>
      ben.request("join", { room: `#other-${at}` }),
    ),
  );
  const limit = LIMITS.pageMax;
  rows.push(await timesOf("rooms: the first page", asked, () => ann.request("rooms", { limit })));
  const middle = `#n${String(Math.floor(clients / 2)).padStart(5, "0")}`;
  rows.push(
    await timesOf("rooms: a page in the middle", asked, () =>
      ann.request("rooms", { limit, after: middle }),
    ),
  );
  rows.push(
    await timesOf("rooms: all pages", { ...asked, runs: Math.min(runs, 5) }, () => allRooms(ann)),
  );
  return rows;
}

/** What one who is in as many rooms as one may be waits for. */
export async function manyMemberships(size: Size, folder: string): Promise<readonly Row[]> {
  await using stage = new Stage(folder);
  const server = await stage.start();
  const relay = relayTo(server.port);
  try {
    const ann = await stage.enter({ port: relay.port }, "ann", "ann", true);
    const all = Array.from({ length: size.own - 1 }, (_, at) => `#room-${at}`);
    const [joined, back, left]: number[][] = [[], [], []];
    const runs = Math.min(size.runs, 5);
    for (let run = 0; run < runs; run++) {
      const began = performance.now();
      await Promise.all(all.map((room) => ann.join(room)));
      joined?.push(performance.now() - began);
      const resumed = Promise.withResolvers<void>();
      const off = ann.on((event) => {
        if (event.type === "connection" && event.state !== "lost") resumed.resolve();
      });
      relay.cut();
      relay.open();
      await resumed.promise;
      off();
      const here = performance.now();
      await ann.request("fusion", {});
      back?.push(performance.now() - here);
      const leaving = performance.now();
      await Promise.all(all.map((room) => ann.part(room)));
      left?.push(performance.now() - leaving);
    }
    return [
      rowOf(`join ${all.length} rooms`, joined ?? []),
      rowOf("the first answer after coming back", back ?? []),
      rowOf(`leave ${all.length} rooms`, left ?? []),
    ];
  } finally {
    relay.stop();
  }
}

/** Times of joining and leaving a room, by turns. */
export async function joinsOf(client: Client, room: string, runs: number): Promise<Row[]> {
  const [joined, left]: number[][] = [[], []];
  for (let at = 0; at < runs; at++) {
    const began = performance.now();
    await client.request("join", { room });
    const isIn = performance.now();
    await client.request("part", { room });
    joined?.push(isIn - began);
    left?.push(performance.now() - isIn);
  }
  return [rowOf("join", joined ?? []), rowOf("part", left ?? [])];
}

// --- internal ---

/** One more session of the founder's account, in the room: each has its own bound of changes. */
async function ownerOf(
  stage: Stage,
  server: { readonly port: number },
  what: string,
): Promise<Client> {
  const owner = await stage.enter(server, `ann-${what.replaceAll(/\W/g, "")}`.slice(0, 20), "ann");
  await owner.request("join", { room: TOWN });
  return owner;
}

async function allRooms(client: Client): Promise<void> {
  let after: string | undefined;
  do {
    const more = after === undefined ? {} : { after };
    after = (await client.request("rooms", { limit: LIMITS.pageMax, ...more })).next;
  } while (after !== undefined);
}

/** The list of all members as an IRC client gets it, from its question to the end of the list. */
async function namesOf(
  port: number,
  { members }: Size,
  asked: Parameters<typeof timesOf>[1],
): Promise<Row> {
  let text = "";
  let seen: (() => void) | undefined;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        text += chunk.toString("latin1");
        seen?.();
      },
    },
  });
  const wait = (numeric: string) =>
    until(numeric, () => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const isThere = text.includes(` ${numeric} `);
      if (isThere) resolve(true);
      else seen = () => resolve(text.includes(` ${numeric} `));
      return promise;
    });
  socket.write("NICK ira\r\nUSER ira 0 * :Ira\r\n");
  await wait("001");
  socket.write(`JOIN ${TOWN}\r\n`);
  await wait("366");
  const row = await timesOf("NAMES, by IRC", asked, async () => {
    text = "";
    socket.write(`NAMES ${TOWN}\r\n`);
    await wait("366");
  });
  const found = text.split("n0").length - 1;
  if (found < Math.min(members, 10_000) - 1) throw new Error(`NAMES: ${found} of ${members}`);
  socket.terminate();
  return row;
}
