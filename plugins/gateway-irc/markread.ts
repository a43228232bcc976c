// MARKREAD (IRCv3 read-marker): up to which time a room is read, or what a person has told, on all
// connections of an account, by whatever door. The core keeps ids; a time stands for all that was
// said up to it.

import { idAfter, isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import { tellMarker } from "./marker.ts";
import { timeOf } from "./ref.ts";
import type { Reply } from "./reply.ts";
import { isChannel, isHidden, keyOf, shownOf } from "./rooms.ts";

export async function markread(
  client: Client,
  [target = "", time]: readonly string[],
  reply: Reply,
): Promise<void> {
  const refused = (code: string, text: string) =>
    reply.fail("MARKREAD", code, text, target === "" ? [] : [shownOf(target)]);
  if (target === "") return refused("NEED_MORE_PARAMS", "whose marker is meant?");
  const at = time === undefined ? undefined : timeOf(time);
  if (time !== undefined && at === undefined)
    return refused("INVALID_PARAMS", "expected timestamp=YYYY-MM-DDThh:mm:ss.sssZ");
  const isRoom = isChannel(target);
  if (isRoom && isHidden(client, target)) return tellMarker(shownOf(target), undefined, reply);
  // What is not said yet has not been read.
  const now = client.world.clock.now();
  const id = at === undefined ? {} : { id: idAfter(Math.min(at, now)) };
  const room = isRoom ? target : client.world.names.address(target);
  const answer = await client.ask("read", { room, ...id });
  if (isFailure(answer)) return refused("INVALID_PARAMS", answer.text);
  tellMarker(isRoom ? keyOf(target) : shownOf(target), answer.id, reply);
}

/** Another session of the account has read on. */
export function markerMoved(client: Client, room: string, id: string): void {
  if (!client.has("draft/read-marker") || isHidden(client, room)) return;
  tellMarker(isChannel(room) ? room : client.world.names.nick(room), id, client.aside());
}
