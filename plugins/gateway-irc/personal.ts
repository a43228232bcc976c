// What one client alone is told: private messages, notices, who is there of those it watches.

import type { PersonalEvent } from "chatfusion";
import { LOBBY } from "chatfusion";
import type { Client } from "./client.ts";
import { TYPING } from "./format.ts";
import { noticeLines } from "./line.ts";
import { markerMoved } from "./markread.ts";
import { monitoredChanged, told as monitored } from "./monitor.ts";
import { personOf } from "./rooms.ts";

export function tellPersonal(client: Client, event: PersonalEvent): void {
  switch (event.type) {
    case "private":
      return client.send(client.format.private(event.message), true);
    case "notice":
      return said(client, event);
    case "read":
      return markerMoved(client, event.room, event.id);
    case "typing":
      return client.send(client.format.tagmsg(event.person, client.shown, TYPING));
    case "changed":
      return monitoredChanged(client, event);
    case "watched":
      return monitored(client, event);
    case "removed":
      return removed(client, event);
    case "invited":
      return client.send(client.format.invited(event.room, client.shown, event));
    case "told": {
      const nick = client.world.names.nick(event.to);
      const end = event.text ?? (event.outcome === "stored" ? "it is kept for them" : "it arrived");
      return notice(client, `Your message to ${nick}: ${end}`);
    }
    case "offered":
    case "accepted":
    case "credit":
    case "finished":
    case "done":
    case "failed":
    case "chunk":
      return client.files.told(event);
    default:
      return; // what IRC does not know
  }
}

/** A word of the server's, to the client or to a room. */
export const notice = (client: Client, text: string, room = client.shown): void =>
  client.send(noticeLines(client.self, room, text));

// --- internal ---

/** Nobody can pass for the operator: the line is the server's, and no person's has its source. */
function said(client: Client, { text, room, by }: Extract<PersonalEvent, { type: "notice" }>) {
  const { options, names } = client.world;
  const isShown = room !== LOBBY || options.lobby;
  const told = by === "operator" ? `[operator of ${names.self}] ${text}` : text;
  notice(client, told, isShown ? room : undefined);
}

/** Out of a room, of which the others are told by its events. */
function removed(client: Client, event: Extract<PersonalEvent, { type: "removed" }>): void {
  const { room, text: reason, code, by, reason: why } = event;
  client.rooms.delete(room);
  const because = why === undefined ? {} : { reason: why };
  const removal = { code, ...(by && { by }), ...because };
  const person = personOf(client);
  client.send(client.format.encode({ type: "left", room, person, reason, removed: removal }));
}
