// What is set of a channel: its modes (324, 329), and its lists of masks with who has set each of
// them, and when.

import type { Failure, RoomSetting } from "chatfusion";
import { isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import { wordOf } from "./line.ts";
import type { Numeric } from "./numerics.ts";
import { secondsOf, setterOf } from "./outline.ts";
import type { Reply } from "./reply.ts";
import { inRoom, refuse } from "./rooms.ts";
import type { ListKind } from "./ruling.ts";
import { maskOfPattern, modesText } from "./ruling.ts";

export async function showModes(client: Client, room: string, reply: Reply): Promise<void> {
  const outline = await client.ask("room", { room, limit: 1 });
  if (isFailure(outline)) return refuse(reply, room, outline);
  reply.numeric("RPL_CHANNELMODEIS", [room, ...modesText(outline.modes ?? {})]);
  const { founded } = outline;
  if (founded !== undefined) reply.numeric("RPL_CREATIONTIME", [room, secondsOf(founded)]);
}

/** For those who are in the room: others are not told who is kept out of it. */
export async function showList(
  client: Client,
  { room, kind }: { readonly room: string; readonly kind: ListKind },
  reply: Reply,
): Promise<void> {
  if ((await inRoom(client, room, reply)) === undefined) return;
  const settings = await listed(client, room, kind);
  if (isFailure(settings)) return refuse(reply, room, settings);
  const [one, end] = NUMERICS_OF[kind];
  const letter = kind === "mute" ? ["q"] : [];
  for (const set of settings) {
    const mask = wordOf(maskOfPattern(set.key.slice(kind.length + 1)));
    reply.numeric(one, [room, ...letter, mask, setterOf(client, set), secondsOf(set.at)]);
  }
  reply.numeric(end, [room, ...letter]);
}

/** All bans, mutes or invitations of a room. */
export async function listed(
  client: Client,
  room: string,
  kind: string,
): Promise<readonly RoomSetting[] | Failure> {
  const found: RoomSetting[] = [];
  let after = `${kind}/`;
  for (;;) {
    const page = await client.ask("room", { room, after });
    if (isFailure(page)) return page;
    const some = page.settings.filter(({ key }) => key.startsWith(`${kind}/`));
    found.push(...some);
    if (page.next === undefined || some.length < page.settings.length) return found;
    after = page.next;
  }
}

// --- internal ---

const NUMERICS_OF: Readonly<Record<ListKind, readonly [Numeric, Numeric]>> = {
  ban: ["RPL_BANLIST", "RPL_ENDOFBANLIST"],
  invite: ["RPL_INVITELIST", "RPL_ENDOFINVITELIST"],
  mute: ["RPL_QUIETLIST", "RPL_ENDOFQUIETLIST"],
};
