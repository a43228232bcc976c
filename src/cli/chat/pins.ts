// What the pinned messages of a room say: from what the chat has shown, else from the history.

import type { Client, RoomSetting } from "../../client.ts";
import { type MessageBook, pinnedId } from "./messages.ts";
import type { Pinned } from "./shown.ts";

/**
 * Finds the pinned messages of a room; without those that nobody here has any more. Where the
 * history may not be read, those that the chat has shown are all.
 */
export async function pinnedIn(
  client: Client,
  book: MessageBook,
  { room, settings }: { readonly room: string; readonly settings: readonly RoomSetting[] },
): Promise<readonly Pinned[]> {
  const pinned: Pinned[] = [];
  let isReadable = true;
  for (const { key } of settings) {
    const id = pinnedId(key);
    if (id === undefined) continue;
    if (book.of(id) === undefined && isReadable) {
      // Of one length, ids sort by time: nothing stands between one and itself with a sign more.
      const found = await client
        .request("history", { room, before: `${id}0`, limit: 1 })
        .catch(() => undefined);
      isReadable = found !== undefined;
      book.takePast(found?.messages.filter((one) => one.id === id) ?? []);
    }
    const of = book.of(id);
    if (of !== undefined) pinned.push({ id, ...of });
  }
  return pinned;
}
