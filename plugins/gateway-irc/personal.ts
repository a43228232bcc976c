// What one client alone is told: private messages, notices, who is there of those it watches.

import type { PersonalEvent } from "chatfusion";
import type { Client } from "./client.ts";
import { TYPING } from "./format.ts";
import { piecesOf } from "./line.ts";
import { markerMoved } from "./markread.ts";
import { told as monitored } from "./monitor.ts";

export function tellPersonal(client: Client, event: PersonalEvent): void {
  switch (event.type) {
    case "private":
      return client.send(client.format.private(event.message));
    case "notice":
      return notice(client, event.text, event.room);
    case "read":
      return markerMoved(client, event.room, event.id);
    case "typing":
      return client.send(client.format.tagmsg(event.person, client.shown, TYPING));
    case "watched":
      return monitored(client, event);
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
export function notice(client: Client, text: string, room = client.shown): void {
  const head = `:${client.world.names.self} NOTICE ${room} :`;
  for (const piece of piecesOf(text, 400)) client.send(`${head}${piece}\r\n`);
}
