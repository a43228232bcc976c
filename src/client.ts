/// <reference types="bun-types" />
// PUBLIC "chatfusion/client": what every front end and bot talks through.
//
//   import { connect } from "chatfusion/client";
//
//   await using client = await connect({ nick: "bot", server: { host: "127.0.0.1", port: 7331 } });
//   client.on((event) => {
//     if (event.type === "offered") client.receive(event.offer, "downloads").catch(console.error);
//     if (event.type !== "private" || event.message.kind === "notice") return; // bots' words
//     const { from, text } = event.message;
//     client.tell(from, text, { kind: "notice" }).catch(console.error);
//   });
//   await client.say("#lobby", "I am here");
//   await client.send("ann@paris", "report.pdf");
//
// What is asked rejects with a ChatFusionError where it is refused; where nobody catches that, it
// ends the program. It reconnects by itself; what was said meanwhile is sent then, once. Read
// client/client.ts next.

import { Client } from "./client/client.ts";
import type { ConnectOptions } from "./client/options.ts";

/**
 * Connects, logs in, and resolves to the client. Rejects with a `ChatFusionError`: among its codes
 * are `CANNOT_CONNECT`, `NOT_CHATFUSION`, `CERTIFICATE_CHANGED`, `NICK_REGISTERED` (a password is
 * needed), `AUTH_FAILED`, `NICK_IN_USE` and `NICK_INVALID`.
 */
export const connect = (options: ConnectOptions): Promise<Client> => Client.connect(options);

export type { Client } from "./client/client.ts";
export type { FirstMet, ServerAddress, Trust } from "./client/dial.ts";
export type { ClientEvent, ConnectionEvent } from "./client/events.ts";
export type { Received } from "./client/incoming.ts";
export type { ConnectOptions, MessageOptions, SayOptions } from "./client/options.ts";
export type { SendOptions, Sent } from "./client/outgoing.ts";
export type { FileSource, StreamSource } from "./client/source.ts";
export type { Progress, TransferOptions } from "./client/transfer.ts";
export { ChatFusionError, isFailure, type ErrorCode, type Failure } from "./errors.ts";
export { LIMITS } from "./limits.ts";
export { LOBBY, visible } from "./names.ts";
export { isSaid } from "./protocol/amendment.ts";
export { cutText } from "./protocol/cut.ts";
export type {
  Answer,
  CommandEntry,
  IgnoredEntry,
  MemberEntry,
  MessageEntry,
  MessageKind,
  Fusion,
  NoticeEntry,
  OfferEntry,
  PastEntry,
  PersonEntry,
  ConversationEntry,
  PrivateEntry,
  PrivateKind,
  RequestName,
  Requests,
  SaidKind,
  SayKind,
  ToldEntry,
  Welcome,
} from "./protocol/messages.ts";
export type { Removal, RoomOutline, RoomSetting } from "./protocol/ruling.ts";
export type { RoleName } from "./protocol/state.ts";
