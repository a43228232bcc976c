// The commands of a chat that are about whoever sits there: being away, whom they ignore, what they
// have read, with whom they have talked. See chatter.ts.

import type { Client } from "../../client.ts";
import type { CommandName } from "./commands.ts";
import type { Shown } from "./shown.ts";
import { addressOf, meantBy } from "./whom.ts";

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
  client: Pick<Client, "server" | "fusion" | "request">,
  name: PersonalName,
  {
    args: [first = "", second = ""],
    idIn,
    ref,
  }: {
    readonly args: readonly string[];
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
      const ignoring = name === "ignore";
      const address = ignoring ? await meantBy(client, first) : addressOf(client, first);
      return { event: "ack", ref, ...(await client.request(name, { address })), ignoring };
    }
    case "ignored":
      return { event: "ignored", ref, ...(await client.request("ignored", {})) };
    case "conversations": {
      const ask = first === "" ? {} : { before: first };
      return { event: "conversations", ref, ...(await client.request("conversations", ask)) };
    }
    case "forget": {
      const other = addressOf(client, first);
      const ask = { with: other, ...(second === "" ? {} : { id: await idIn(other, second) }) };
      return { event: "forgotten", ref, ...(await client.request("forget", ask)) };
    }
    case "read": {
      const room = /^[#&]/.test(first) ? first : addressOf(client, first);
      const ask = { room, ...(second === "" ? {} : { id: second }) };
      return { event: "read", ref, ...(await client.request("read", ask)) };
    }
    default:
      return name satisfies never;
  }
}
