// Whom a nick means that is typed without a server: somebody of one's own server, in all commands.
// The server refuses it for nobody, and says who has that nick elsewhere.

import type { Client } from "../../client.ts";

/** The address of whom a word means. */
export const addressOf = (client: Pick<Client, "server">, text: string): string =>
  text.includes("@") ? text : `${text}@${client.server}`;

/**
 * Likewise, for what is also done to people who are not there. Rejects with the server's refusal
 * where nobody of one's own server has that nick, and somebody has it elsewhere.
 */
export async function meantBy(
  client: Pick<Client, "server" | "fusion" | "request">,
  text: string,
): Promise<string> {
  const address = addressOf(client, text);
  if (text.includes("@")) return address;
  const isAt = (server: string): Promise<boolean> =>
    client.request("whois", { address: `${text}@${server}` }).then(
      () => true,
      () => false,
    );
  const others = client.fusion.filter((name) => name !== client.server);
  const [isHere, ...elsewhere] = await Promise.all([client.server, ...others].map(isAt));
  if (isHere !== true && elsewhere.includes(true)) await client.request("whois", { address });
  return address;
}
