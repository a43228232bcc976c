// The native format: events as frames of the protocol. One object, so that all native sessions of a
// room share their batches.

import type { Format, PersonalEvent } from "../plugin/gateway.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import type { LiveSession } from "./session.ts";

export const NATIVE: Format = {
  echo: true,
  encode(event) {
    if (event.type === "message") return encodeJson(FRAME.message, event.message);
    // A count is told, and a state.
    if (event.type === "moved" || event.type === "ranked") return "";
    if (event.type === "renamed") {
      const { was, person, again } = event;
      // Under the same address an account has changed, which is seen when somebody speaks.
      const isSeen = again === true || was.address === person.address;
      return isSeen ? "" : encodeJson(FRAME.renamed, { was, person });
    }
    if (event.type === "away") {
      const { person, again } = event;
      return again === true ? "" : encodeJson(FRAME.away, { person });
    }
    const { type, ...fields } = event;
    return encodeJson(FRAME[type], fields);
  },
};

/** Whether a room has members of another format, which may want what the native one leaves out. */
export const hasForeign = ({ formats }: { readonly formats: Iterable<Format> }): boolean =>
  Array.from(formats).some((format) => format !== NATIVE);

/** Sends one session's event as a frame; a chunk is handed on by the door without this. */
export function sendPersonal(
  session: LiveSession,
  event: Exclude<PersonalEvent, { type: "chunk" }>,
): void {
  if (event.type === "changed") return; // for those who keep a list of whom they watch
  if (event.type === "private") return session.sendFrame(FRAME.private, event.message);
  if (event.type === "offered") return session.sendFrame(FRAME.offered, event.offer);
  // A file's credit comes often; what is written out is encoded sooner.
  if (event.type === "credit") {
    const { transfer, upTo } = event;
    return session.sendFrame(FRAME.credit, { transfer, upTo });
  }
  const { type, ...fields } = event;
  session.sendFrame(FRAME[type], fields);
}
