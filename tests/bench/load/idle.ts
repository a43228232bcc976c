// People who are there and say nothing: what it costs to let them in, and to have them.

import { accountOf } from "./account.ts";
import { Connection } from "./connection.ts";
import type { Hearer } from "./connection.ts";
import { Crowd } from "./crowd.ts";
import type { Idle, Idled, Job } from "./job.ts";
import type { Protocol } from "./protocol.ts";

/** As when everybody comes back after a restart. */
const ENTERING_MAX = 1000;

/** Rejects when somebody cannot enter, or is lost. */
export async function idle(job: Job, load: Idle, protocol: Protocol): Promise<Idled> {
  const crowd = new Crowd();
  const broken = Promise.withResolvers<never>();
  const hearer: Hearer = {
    ready: () => crowd.ready(),
    closed: () => crowd.closed(),
    failed: ({ nick }, why) => broken.reject(new Error(`${nick}: ${why}`)),
    heard: () => undefined,
    strange: () => undefined,
    acknowledged: () => undefined,
  };
  const [server] = job.servers;
  if (server === undefined) throw new Error("no server");
  for (let index = 0; index < load.clients; index++) {
    const nick = `${job.prefix}${String(index).padStart(5, "0")}`;
    const { port, name } = server;
    const parts = { index, nick, port, server: name, protocol, hearer, textBytes: 0 };
    crowd.people.push(new Connection({ ...parts, rooms: roomsOf(nick, load) }));
  }
  const atOnce = Math.min(ENTERING_MAX, job.enteringMax ?? ENTERING_MAX);
  return Promise.race([measured(crowd, { pid: server.pid, load, atOnce }), broken.promise]);
}

// --- internal ---

function roomsOf(nick: string, { room, roomsEach = 0 }: Idle): readonly string[] {
  const own = Array.from({ length: roomsEach }, (_, at) => `#${nick}-${at}`);
  return room === undefined ? own : [room, ...own];
}

async function measured(
  crowd: Crowd,
  { pid, load, atOnce }: { readonly pid: number; readonly load: Idle; readonly atOnce: number },
): Promise<Idled> {
  const empty = accountOf([pid]);
  const began = performance.now();
  await crowd.enter(atOnce);
  const entered = performance.now();
  const full = accountOf([pid]);
  await crowd.settle();
  const before = accountOf([pid]);
  await Bun.sleep(load.measureMs);
  const after = accountOf([pid]);
  await crowd.leave();
  const { clients, measureMs } = load;
  return {
    clients,
    connectsPerSecond: (clients / (entered - began)) * 1000,
    cpuUsPerConnect: ((full.cpuSeconds - empty.cpuSeconds) / clients) * 1e6,
    kernelShare: (full.kernelSeconds - empty.kernelSeconds) / (full.cpuSeconds - empty.cpuSeconds),
    bytesPerClient: (after.residentBytes - empty.residentBytes) / clients,
    idleShare: ((after.cpuSeconds - before.cpuSeconds) / measureMs) * 1000,
  };
}
