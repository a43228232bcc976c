// Entries of a room's state, for tests of what is in force of them.

import type { RoomState, Signed } from "../../src/core/room-state.ts";
import type { RoomName, ServerName, Sid } from "../../src/names.ts";
import { idAt } from "../../src/protocol/id.ts";
import type { StateValue } from "../../src/protocol/state.ts";

const sidFor = (digit: string) => digit.repeat(32) as Sid;
export const SIDS = [sidFor("1"), sidFor("2"), sidFor("e")] as const;

/** Accounts of all servers, `account@sid`. */
export const PEOPLE = SIDS.flatMap((sid) =>
  ["ann", "ben", "olga", "mo", "ed"].map((account) => `${account}@${sid}`),
);

export const ALL_KEYS: readonly string[] = [
  "topic",
  "description",
  ...["moderated", "invite-only", "key", "secret", "limit", "slow", "read-only", "open-topic"].map(
    (mode) => `mode/${mode}`,
  ),
  "ban/eve@lyon",
  "mute/*@evil",
  "invite/ben@lyon",
  "pin/0000000000001",
  ...PEOPLE.map((id) => `role/${id}`),
];

/** A value that a key may have; of roles another one for each number. */
export function valueFor(key: string, number: number): StateValue {
  if (key.startsWith("role/")) {
    const role = (["owner", "moderator", "voice"] as const)[number % 3] ?? "voice";
    return { role, server: "somewhere" };
  }
  if (key.startsWith("ban/") || key.startsWith("mute/")) return { reason: `reason ${number}` };
  if (key === "mode/limit" || key === "mode/slow") return number + 1;
  if (key === "topic" || key === "description" || key === "mode/key") return `text ${number}`;
  return true;
}

/** An entry of one `account@sid`, made at some time. */
export function entryOf(by: string, key: string, value: StateValue, at: number): Signed {
  const [account = "", sid = ""] = by.split("@");
  const id = `${idAt(at)}0000${sid.slice(0, 8)}`;
  const server = "somewhere" as ServerName;
  return {
    sid: sid as Sid,
    entry: { id, room: "#room" as RoomName, key, value, by: account, server },
  };
}

/** What is in force, to be compared. */
export const plain = ({ founder, registers, roles, restricted }: RoomState) => ({
  founder,
  restricted,
  registers: [...registers]
    .map(([, { entry, sid }]) => ({ sid, ...entry }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  roles: [...roles]
    .map(([id, { role, from }]) => [id, role, from?.entry.id])
    .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
});
