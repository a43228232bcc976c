// What another server's core says in the sealed channel, beyond its people and streams: texts and
// files of people, states of rooms, operators' questions; each to whom it is for. Next: fusion.ts.

import { failure } from "../errors.ts";
import type { Nick, RoomName } from "../names.ts";
import type { PeerMessage, PeerMessageOf } from "../protocol/peer.ts";
import type { FusionOptions } from "./fusion.ts";
import type { Merging } from "./merging.ts";
import type { Peer } from "./peer.ts";
import { personOf } from "./peer.ts";
import type { Survey } from "./survey.ts";

/** Hands a message to the part that it is for. */
export function peerMessage(
  options: FusionOptions,
  { survey, merging }: { readonly survey: Survey; readonly merging: Merging },
  peer: Peer,
  message: PeerMessage,
): void {
  const transfers = options.transfers();
  switch (message.t) {
    case "parted":
      return merging.parted(peer, message);
    case "links?":
      return survey.asked(peer);
    case "links":
      return survey.told(peer, message);
    case "typing":
      if (!isHeard(options, peer, message)) return;
      return options.typing().arrived(peer, message);
    case "states":
    case "rooms":
    case "entries":
    case "entries?":
      return options.governance().sync.heard(peer, message);
    case "kick":
      return options.governance().kicks.arrived(peer, message);
    case "kicked":
      return options.governance().kicks.answered(peer, message);
    case "tell": {
      const { id, from, account } = message.message;
      const by = { address: from, ...(account === undefined ? {} : { account }) };
      const refused = options.governance().refuses(peer, by);
      if (refused !== undefined) return void peer.send({ t: "told", id, ...refused });
      return options.tells().arrived(peer, message);
    }
    case "told":
      return options.tells().told(peer, message);
    case "offer":
      if (refusesOffer(options, peer, message)) return;
      options
        .offers()
        .arrived(peer, message)
        .catch((thrown: unknown) =>
          options.environment.log.error("offer failed", { error: String(thrown) }),
        );
      return;
    case "offered":
      options.offers().answered(message.transfer);
      // It was shown too late: whoever offers it is gone, or has given it up.
      if (transfers.find(message.transfer) === undefined)
        peer.send({ t: "failed", transfer: message.transfer, ...GONE });
      return;
    case "failed": {
      if (options.offers().answered(message.transfer, message)) return;
      const { t: type, ...rest } = message;
      return void transfers.take(peer.sid, { type, ...rest });
    }
    case "accepted":
    case "credit":
    case "finished":
    case "done": {
      const { t: type, ...rest } = message;
      const event = { type, ...rest } as Parameters<typeof transfers.take>[1]; // t is the type
      const refused = transfers.take(peer.sid, event);
      if (refused !== undefined && type !== "credit")
        peer.send({ t: "failed", transfer: message.transfer, ...refused });
      return;
    }
    default:
      return;
  }
}

// --- internal -----------------------------------------------------------------------------------

const GONE = failure("NO_SUCH_TRANSFER", "its sender has given it up");

/** Nobody is told that one writes who may not be heard. */
function isHeard(
  { governance, rooms }: FusionOptions,
  peer: Peer,
  { from, room }: PeerMessageOf<"typing">,
): boolean {
  const account = personOf(peer, from.slice(0, from.lastIndexOf("@")) as Nick)?.account;
  const by = { address: from, ...(account === undefined ? {} : { account }) };
  if (governance().refuses(peer, by) !== undefined) return false;
  const open = rooms().find((room ?? "") as RoomName); // looked up only
  return open === undefined || governance().states.hears(open.name, peer, by);
}

/** Answers the offer of one who is banned by this server's operator; returns whether he is. */
function refusesOffer(
  options: FusionOptions,
  peer: Peer,
  { transfer, from }: PeerMessageOf<"offer">,
): boolean {
  const nick = from.slice(0, from.lastIndexOf("@")) as Nick; // looked up only
  const account = personOf(peer, nick)?.account;
  const by = { address: from, ...(account === undefined ? {} : { account }) };
  const refused = options.governance().refuses(peer, by);
  if (refused !== undefined) peer.send({ t: "failed", transfer, ...refused });
  return refused !== undefined;
}
