// The native format: events as frames of the protocol. One object, so that all native sessions of a
// room share their batches.

import type { Bytes } from "../environment.ts";
import type { Format } from "../plugin/gateway.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import type { PersonalEvent } from "../protocol/messages.ts";

export const NATIVE: Format = {
  echo: true,
  encode(event) {
    if (event.type === "message") return encodeJson(FRAME.message, event.message);
    const { type, ...fields } = event;
    return encodeJson(FRAME[type], fields);
  },
};

/** One session's event as a frame; a chunk is handed on by the door without this. */
export function encodePersonal(event: Exclude<PersonalEvent, { type: "chunk" }>): Bytes {
  if (event.type === "private") return encodeJson(FRAME.private, event.message);
  if (event.type === "offered") return encodeJson(FRAME.offered, event.offer);
  const { type, ...fields } = event;
  return encodeJson(FRAME[type], fields);
}
