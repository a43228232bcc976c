// This server's part in the fusion: what goes to other servers and what comes from them, above
// whatever fabric joins them. Next: peers.ts, directory.ts, streams.ts, incoming.ts, channel.ts.

import type { Bytes, Environment } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName } from "../names.ts";
import { LOBBY } from "../names.ts";
import type { Fabric } from "../plugin/fabric.ts";
import type { History } from "../plugin/history.ts";
import { hiddenOf } from "../protocol/entry.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import type { PeerMessage } from "../protocol/peer.ts";
import type { Amendments } from "./amendments.ts";
import type { Directory } from "./directory.ts";
import { createDirectory } from "./directory.ts";
import type { ServerEvent } from "./events.ts";
import type { Estates } from "./estates.ts";
import { createEstates } from "./estates.ts";
import { createFabricHost, reportRefused } from "./fabric-host.ts";
import { NATIVE } from "./format.ts";
import type { Governance } from "./governance.ts";
import type { CompiledHooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import type { Ids } from "./ids.ts";
import type { Arrival, IncomingStreams } from "./incoming.ts";
import { createIncoming } from "./incoming.ts";
import type { MessageLog } from "./log.ts";
import type { Marks } from "./marks.ts";
import type { Merging } from "./merging.ts";
import { createMerging } from "./merging.ts";
import type { Offers } from "./offers.ts";
import type { Peer } from "./peer.ts";
import { crowdOf } from "./peer.ts";
import type { People } from "./people.ts";
import type { Peers } from "./peers.ts";
import { createPeers } from "./peers.ts";
import { peerMessage } from "./peer-messages.ts";
import type { Presence } from "./presence.ts";
import type { Pulse } from "./pulse.ts";
import { createPulse } from "./pulse.ts";
import type { Room } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Spoken } from "./spoken.ts";
import type { Streams } from "./streams.ts";
import { createStreams } from "./streams.ts";
import { createSummary } from "./summary.ts";
import { createSurvey } from "./survey.ts";
import type { Tells } from "./tells.ts";
import type { Tick } from "./tick.ts";
import type { TransferEvent, Transfers } from "./transfers.ts";
import type { Typing } from "./typing.ts";

/** Where a server of this machine can be reached, by its name. */
export type Locate = (
  name: string,
) => Promise<{ readonly host: string; readonly port: number } | undefined>;

export interface FusionOptions {
  readonly environment: Environment;
  readonly self: ServerName;
  /** See ServerOptions. */
  readonly locate?: Locate | undefined;
  /** Messages of a stream from before it was first heard. */
  readonly onMerge: number;
  readonly identity: () => Identity;
  readonly fabric: () => Fabric;
  readonly governance: () => Governance;
  readonly history: () => History | undefined;
  readonly hooks: () => CompiledHooks;
  readonly wantsLog: () => boolean;
  readonly tick: Tick<LiveSession>;
  readonly log: MessageLog;
  readonly spoken: Spoken;
  readonly amendments: () => Amendments;
  readonly ids: Ids;
  readonly marks: Marks;
  readonly sessions: Sessions;
  readonly rooms: () => Rooms;
  readonly people: () => People;
  readonly presence: () => Presence;
  readonly tells: () => Tells;
  readonly typing: () => Typing;
  readonly offers: () => Offers;
  readonly transfers: () => Transfers;
  readonly report: (event: ServerEvent) => void;
}

export function createFusion(options: FusionOptions) {
  const { tick } = options;
  const around = aroundOf(options);
  const streams = streamsOf(options, () => peers);
  const directory = directoryOf(options, () => ({ peers, incoming }));
  const incoming = incomingOf(options, () => ({ estates, streams }));
  const estates = estatesOf(options, () => ({ peers, incoming, streams }));
  const merging = createMerging(options, () => peers);
  const peers = createPeers({
    ...around,
    directory: () => directory,
    incoming: () => incoming,
    publish: (to, bytes) => options.fabric().publish(to, "private", bytes),
    head: (room) => headOf(streams, room),
    estates: () => estates,
    message: (peer, message) => peerMessage(options, { survey, merging }, peer, message),
    moved(came, went) {
      for (const peer of went) interrupt(options, peer);
      for (const peer of came) options.governance().sync.met(peer);
      // Of one that came, its people may have been told before the view showed it.
      for (const peer of [...went, ...came]) {
        const { name, rooms, version, present } = peer;
        if (present && version === undefined) continue;
        options.presence().moved(name, rooms.keys(), crowdOf(peer, present ? "here" : "gone"));
      }
      merging.moved(came, went, peers.present());
    },
    settled: () => merging.settled(),
    failed: ({ sid }, thrown) => reportRefused(options.environment.log, sid, "private", thrown),
    schedule: () => tick.scheduleSmall(),
  });

  const survey = createSurvey(options, () => peers.present());
  const pulse = createPulse(around.clock, { directory, peers, streams });
  const parts = { directory, estates, incoming, peers, pulse, merging, streams };
  const host = createFabricHost(options, upward(options, parts));

  return {
    peers,
    directory,
    streams,
    incoming,
    host,
    merging,
    survey,
    /** Hands an event of a transfer to the other home server. */
    toPeer(sid: Peer["sid"], { type: t, ...rest }: TransferEvent): void {
      peers.find(sid)?.send({ t, ...rest } as PeerMessage); // an event's type is the message's
    },
    /** Tells the others what this tick left; before the batches are handed out. */
    flush(): void {
      peers.flush(); // where streams stand is told before what is said behind that
      const accompanied = peers.everyone().length > 0;
      const changed = directory.flush(accompanied);
      const spoke = streams.flush();
      if (accompanied && (changed || spoke)) pulse.begin();
    },
    /** The first one here is in a room: what this server has of it may be more than others have. */
    roomOpened(room: RoomName): void {
      options.governance().opened(room);
      estates.schedule([room]);
    },
    /** Nobody here is in a room any more: nothing of it is owed to this server. */
    roomClosed(room: RoomName): void {
      options.governance().closed(room);
      for (const peer of peers.everMet()) incoming.forget(peer, room);
      options.marks.leave(room);
    },
    /** For good: nothing is sent to others or taken from them any more. */
    close(): void {
      const parted = [pulse, peers, incoming, estates, merging, survey, options.governance()];
      for (const part of parted) part.close();
    },
  };
}

export type FusionPart = ReturnType<typeof createFusion>;

// --- internal -----------------------------------------------------------------------------------

const aroundOf = ({ environment: { clock, crypto, log }, identity }: FusionOptions) => ({
  clock,
  crypto,
  log,
  identity,
});

/** What is said here, on its way to the other servers. */
function streamsOf(options: FusionOptions, peers: () => Peers): Streams {
  return createStreams({
    clock: options.environment.clock,
    crypto: options.environment.crypto,
    log: options.log,
    spoken: options.spoken,
    history: options.history,
    identity: options.identity,
    wantsLog: options.wantsLog,
    redacted: (messages) => options.hooks().redact(messages),
    subscribers: (room) => peers().subscribers(room),
    accompanied: () => peers().accompanied,
    publish: (to, bytes) => options.fabric().publish(to, "room", bytes),
  });
}

/** Who is here, and what the other servers say of that. */
function directoryOf(
  options: FusionOptions,
  to: () => { readonly peers: Peers; readonly incoming: IncomingStreams },
): Directory {
  return createDirectory({
    crypto: options.environment.crypto,
    identity: options.identity,
    presence: options.presence(),
    sessions: () => options.sessions.all(),
    schedule: () => options.tick.schedule(),
    publish: (bytes) => void options.fabric().publish(to().peers.everyone(), "control", bytes),
    interest: (peer, touched) => to().peers.interest(peer, touched),
    head: (peer, room, head) => to().incoming.head(peer, room, head),
  });
}

/** What is said on the other servers. */
function incomingOf(
  options: FusionOptions,
  to: () => { readonly estates: Estates; readonly streams: Streams },
): IncomingStreams {
  const { marks, rooms } = options;
  const { clock } = options.environment;
  return createIncoming({
    ...aroundOf(options),
    onMerge: options.onMerge,
    source: (sid, life) => to().estates.source(sid, life),
    mark({ sid, life }, room) {
      const { estates } = to();
      const isLate = room !== LOBBY && clock.monotonic() - marks.startedAt > LIMITS.rejoinMs;
      const isNew = isLate || !marks.goesOn(room);
      const before = isNew ? undefined : marks.find(sid, life, room);
      const known = estates.inherit({ sid, life }, room) ?? before;
      if (known !== undefined) return known;
      // Its last life was heard here: what it said since is owed from the first on.
      const wasHeard =
        estates.hasHeard(sid, room) || (!isNew && marks.heardUntil(sid, room) !== undefined);
      return wasHeard ? 0 : undefined;
    },
    begun: (source, room, have) => marks.met(source, room, have),
    ask: (...asked) => to().estates.ask(...asked),
    canAsk: (...asked) => to().estates.canAsk(...asked),
    isOver: (source) => to().estates.isOver(source),
    progressed: (room) => to().estates.schedule([room]),
    subscribed: (room) => rooms().find(room) !== undefined,
    full: () => options.log.full,
    deliver: (arrival) => deliverRoom(options, to().streams, arrival),
    gap: (room, missing) => rooms().find(room)?.tell({ type: "gap", room, missing }),
  });
}

/** Where an own stream stands, once what is said already is sent: that is no newcomer's. */
function headOf(streams: Streams, room: RoomName): number {
  streams.flush();
  return streams.head(room);
}

/** What is known of streams whose origin is not here. */
function estatesOf(
  options: FusionOptions,
  to: () => {
    readonly peers: Peers;
    readonly incoming: IncomingStreams;
    readonly streams: Streams;
  },
): Estates {
  const { rooms, marks, self } = options;
  return createEstates({
    ...aroundOf(options),
    self,
    marks,
    peers: () => to().peers,
    incoming: () => to().incoming,
    *rooms() {
      for (const { name, shared } of rooms().all()) if (shared) yield name;
    },
    head: (room) => headOf(to().streams, room),
    serve: (...asked) => to().streams.serve(...asked),
  });
}

/** A server is gone, and with it what was under way to and from it. */
function interrupt(options: FusionOptions, { sid, name }: Peer): void {
  options.governance().sync.gone(sid);
  options.offers().gone(sid, `${name} is gone`);
  options.transfers().gone(sid, `${name} is gone`);
}

/** What the fabric brings, to whom it is for. */
function upward(
  options: FusionOptions,
  to: {
    readonly directory: Directory;
    readonly incoming: IncomingStreams;
    readonly merging: Merging;
    readonly peers: Peers;
    readonly pulse: Pulse;
    readonly streams: Streams;
  },
): Parameters<typeof createFabricHost>[1] {
  const { directory, incoming, peers, pulse, merging, streams } = to;
  const { clock, log } = options.environment;
  return {
    summary: createSummary(clock, options.people, (rooms) =>
      options.governance().states.ruled(rooms),
    ),
    isOnline: (nick, server) => options.people().isOnline(nick, server),
    refusesServer: (name) => options.governance().bans.refusesServer(name),
    deliver(origin, traffic, bytes) {
      if (traffic === "private") return peers.receive(origin, bytes);
      if (traffic === "room") return incoming.receive(bytes);
      if (traffic === "bulk") return void options.transfers().chunk(origin, bytes);
      const peer = peers.find(origin);
      if (peer === undefined) return;
      const result = directory.receive(peer, bytes);
      if (result === "missed") peer.send({ t: "people?" });
      if (result === "refused") log.warn("directory refused", { server: peer.name });
    },
    changed() {
      const { view } = options.fabric();
      peers.viewChanged(view);
      merging.saw(view);
      if (peers.everyone().length === 0) return;
      streams.sayAgain(); // what went the old way may be lost
      pulse.begin();
    },
    reported: merging.reported,
  };
}

function tellMessage(
  room: Room<LiveSession>,
  message: MessageEntry,
  late: boolean,
  frame: Bytes | undefined,
): void {
  if (late) room.tell({ type: "message", message: { ...message, late: true } });
  else room.tell({ type: "message", message }, undefined, NATIVE, frame);
}

/** Hands another server's messages to the members here, and to the log. */
function deliverRoom(options: FusionOptions, streams: Streams, arrival: Arrival): void {
  const { batch, first, frames, late, source } = arrival;
  const room = options.rooms().find(batch.room);
  if (room === undefined) return;
  const amendments = options.amendments();
  const heard = heardOf(options, arrival, room.restricted);
  const isHidden = ({ hidden }: MessageEntry) => hidden === true;
  const shown = heard.some(isHidden) ? heard.filter((one) => !isHidden(one)) : heard;
  for (const [i, entry] of heard.entries()) {
    options.ids.follow(entry.at);
    if (isHidden(entry)) continue;
    const frame = frames[i];
    if (entry.kind === "edit" || entry.kind === "delete")
      amendments.arrived(entry, () => tellMessage(room, entry, late, frame));
    // Members are told of a topic by the room's state.
    else if (!amendments.isGone(entry) && entry.kind !== "topic")
      tellMessage(room, entry, late, frame);
  }
  if (late) amendments.cameLate(shown, (one) => tellMessage(room, one, true, undefined));
  const stream = { origin: source.sid, life: source.life, room: batch.room };
  const last = batch.first + batch.frames.length - 1;
  streams.keep(stream, batch.first, last, arrival.bytes);
  if (!options.log.keeps) for (const entry of shown) options.spoken.put(entry);
  if (!options.wantsLog()) return;
  options.marks.heard(source);
  options.log.add({ stream, first, last, messages: heard, bytes: arrival.bytes });
  options.tick.schedule();
}

/** The messages, without the text of those whose authors may not speak: they keep their numbers. */
function heardOf(
  options: FusionOptions,
  { entries, source, late }: Arrival,
  isRestricted: boolean,
): readonly MessageEntry[] {
  const governance = options.governance();
  const isOpen = !isRestricted && !governance.bans.isActive;
  if (isOpen && entries.every(({ kind }) => kind !== "topic")) return entries;
  return entries.map((entry) => (governance.hears(source, entry, late) ? entry : hiddenOf(entry)));
}
