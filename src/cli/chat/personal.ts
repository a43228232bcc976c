// The commands of a chat that are about whoever sits there: being away, whom they ignore, what they
// have read, with whom they have talked. See chatter.ts.

import type { Client } from "../../client.ts";
import type { CommandName } from "./commands.ts";
import type { Shown } from "./shown.ts";

const PERSONAL = [
  "away",
  "back",
  "ignore",
  "unignore",
  "ignored",
  "read",
  "conversations",
  "forget",
] as const;
type PersonalName = (typeof PERSONAL)[number];

export const isPersonal = (name: CommandName): name is PersonalName =>
  PERSONAL.some((one) => one === name);

/** Asks the server; resolves to what is shown of its answer, and rejects with its refusal. */
export async function askPersonal(
  client: Pick<Client, "request">,
  name: PersonalName,
  {
    args: [first = "", second = ""],
    addressOf,
    idIn,
    ref,
  }: {
    readonly args: readonly string[];
    /** Completes an address. */
    readonly addressOf: (text: string) => string;
    /** The id of a message of a conversation. */
    readonly idIn: (other: string, which: string) => Promise<string>;
    readonly ref: number;
  },
): Promise<Shown> {
  switch (name) {
    case "away":
    case "back": {
      const ask = name === "away" ? { text: first } : {};
      const { text = null } = await client.request("away", ask);
      return { event: "ack", ref, away: text };
    }
    case "ignore":
    case "unignore": {
      const answer = await client.request(name, { address: addressOf(first) });
      return { event: "ack", ref, ...answer, ignoring: name === "ignore" };
    }
    case "ignored":
      return { event: "ignored", ref, ...(await client.request("ignored", {})) };
    case "conversations": {
      const ask = first === "" ? {} : { before: first };
      return { event: "conversations", ref, ...(await client.request("conversations", ask)) };
    }
    case "forget": {
      const other = addressOf(first);
      const ask = { with: other, ...(second === "" ? {} : { id: await idIn(other, second) }) };
      return { event: "forgotten", ref, ...(await client.request("forget", ask)) };
    }
    case "read": {
      const room = /^[#&]/.test(first) ? first : addressOf(first);
      const ask = { room, ...(second === "" ? {} : { id: second }) };
      return { event: "read", ref, ...(await client.request("read", ask)) };
    }
    default:
      return name satisfies never;
  }
}
