// What a server says of itself: its name, key, card and links, signed, with (epoch, seq) so that
// the newest wins. Pure. Next: database.ts (who keeps them), view.ts (what follows from them).
//
//   u8 version 0x41 · sid (16) · epoch (8) · seq (8) · key (32) · name (u8 count, UTF-8)
//   · card (u16 count) · u8 links · links × { sid (16) · port (varint) · birth (8) }
//   · signature (64)
//
// The signature covers all before it. 0x41 also keeps it apart from a handshake's (handshake.ts).

import { LIMITS, parseServerName, ProtocolError, skeleton } from "chatfusion";
import type { Bytes, FabricHost, ServerName, Sid } from "chatfusion";
import { bad, compareBytes, concat, Reader, Writer } from "./bytes.ts";

const VERSION = 0x41;
const SIGNATURE_BYTES = 64;

export type Identity = FabricHost["identity"];

/** One end of a link, as the server at that end lists it. */
export interface LinkEntry {
  readonly peer: Sid;
  /** The announcing server's own number of the link, from 1; what routes are written in. */
  readonly port: number;
  /** Agreed by both ends when it came up: the order of merges. */
  readonly birth: number;
}

/** Which of two announcements of one server is the newer. */
export interface Version {
  readonly epoch: number;
  readonly seq: number;
}

interface Signed extends Version {
  /** As it was signed, to be handed on. */
  readonly bytes: Bytes;
}

export interface Announcement extends Signed {
  readonly sid: Sid;
  readonly name: ServerName;
  /** The name's skeleton: two servers with the same one are namesakes. */
  readonly looks: string;
  readonly key: Bytes;
  readonly card: Bytes;
  readonly links: readonly LinkEntry[];
  readonly byPeer: ReadonlyMap<Sid, LinkEntry>;
}

/**
 * Below 0: `a` is older than `b`, of the same server. Two that differ in one version are of two
 * lives with one epoch, after a backup was restored: any order will do that is the same everywhere.
 */
export function compareAnnouncements(a: Signed, b: Signed): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  return a.seq - b.seq || compareBytes(a.bytes, b.bytes);
}

/** Makes and signs an announcement of this server. */
export function announce(
  identity: Identity,
  version: Version,
  links: readonly LinkEntry[],
): Announcement {
  const writer = new Writer()
    .u8(VERSION)
    .sid(identity.sid)
    .counter(version.epoch)
    .counter(version.seq)
    .bytes(identity.key)
    .text(identity.name)
    .u16(identity.card.length)
    .bytes(identity.card)
    .u8(links.length);
  for (const link of links) writer.sid(link.peer).varint(link.port).counter(link.birth);
  const body = writer.done();
  return {
    ...version,
    sid: identity.sid,
    name: identity.name,
    looks: skeleton(identity.name),
    key: identity.key,
    card: identity.card,
    links,
    byPeer: new Map(links.map((link) => [link.peer, link])),
    bytes: concat(body, identity.sign(body)),
  };
}

/**
 * Reads whose announcement it is and how new, and nothing more, so that a known one is cheap.
 * Borrowed.
 */
export function peekAnnouncement(bytes: Bytes): Signed & { readonly sid: Sid } {
  if (bytes.length > LIMITS.announcementBytesMax) {
    throw bad(`an announcement up to ${LIMITS.announcementBytesMax} bytes, got ${bytes.length}`);
  }
  const reader = new Reader(bytes);
  if (reader.u8() !== VERSION) throw bad("an announcement of version 0x41");
  return { sid: reader.sid(), epoch: reader.counter(), seq: reader.counter(), bytes };
}

/**
 * Reads an announcement whole, and checks it and its signature. The bytes are borrowed. Throws
 * `ProtocolError`: `BAD_FRAME`, `BAD_UTF8`, or `SIGNATURE_INVALID`.
 */
export function readAnnouncement(bytes: Bytes, identity: Identity): Announcement {
  const version = peekAnnouncement(bytes);
  const own = bytes.slice();
  const reader = new Reader(own);
  reader.bytes(1 + 16 + 8 + 8);
  const key = reader.bytes(32);
  const name = serverName(reader.text());
  const card = reader.bytes(reader.u16());
  const links = readLinks(reader, version.sid);
  const signed = own.subarray(0, reader.at);
  const signature = reader.bytes(SIGNATURE_BYTES);
  reader.end();
  if (identity.sidOf(key) !== version.sid || !identity.verify(key, signed, signature)) {
    const whose = `an announcement in the name of ${version.sid}`;
    throw new ProtocolError("SIGNATURE_INVALID", `${whose} is not signed by its key`);
  }
  const byPeer = new Map(links.map((link) => [link.peer, link]));
  return { ...version, name, looks: skeleton(name), key, card, links, byPeer, bytes: own };
}

/** Parses a name that a peer wrote; only the form that is shown may travel. */
export function serverName(text: string): ServerName {
  let name: ServerName;
  try {
    name = parseServerName(text);
  } catch (error) {
    throw bad(error instanceof Error ? error.message : "a server's name");
  }
  if (name !== text) throw bad("a server's name in its canonical form");
  return name;
}

// --- internal ---

function readLinks(reader: Reader, self: Sid): LinkEntry[] {
  const count = reader.u8();
  if (count > LIMITS.linksPerServerMax) {
    throw bad(`at most ${LIMITS.linksPerServerMax} links, got ${count}`);
  }
  const links: LinkEntry[] = [];
  const peers = new Set<Sid>([self]);
  const ports = new Set<number>([0]);
  for (let i = 0; i < count; i++) {
    const link = { peer: reader.sid(), port: reader.varint(), birth: reader.counter() };
    if (peers.has(link.peer) || ports.has(link.port) || link.birth === 0) {
      throw bad("links to other servers, each once, with a port and a birth from 1");
    }
    peers.add(link.peer);
    ports.add(link.port);
    links.push(link);
  }
  return links;
}
