// REGISTER and VERIFY (IRCv3 draft/account-registration), where an auth plugin lets people register
// the nick that they have. No mail is sent, so that nothing is ever to be verified.

import { isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import type { Reply } from "./reply.ts";
import { shownOf } from "./rooms.ts";
import { loggedIn } from "./sasl.ts";

type Params = readonly string[];

/** The value of the capability. */
export const registrationValue = (client: Client): string =>
  client.world.options.registerEarly ? "before-connect" : "";

export async function register(
  client: Client,
  [account = "", , password = ""]: Params,
  reply: Reply,
): Promise<void> {
  const { host, options } = client.world;
  const fail = (code: string, text: string) =>
    reply.fail("REGISTER", code, text, [shownOf(account)]);
  const { session } = client;
  const nick = session?.person.nick ?? client.nick;
  if (!host.registers()) return fail("TEMPORARILY_UNAVAILABLE", "nobody registers here by himself");
  if (session === undefined && !options.registerEarly)
    return fail("COMPLETE_CONNECTION_REQUIRED", "come in first");
  if (session === undefined && !client.knowsPassword)
    return fail("COMPLETE_CONNECTION_REQUIRED", "say PASS first, with the password of this server");
  if (nick === undefined) return fail("NEED_NICK", "say NICK first");
  if (client.account !== undefined)
    return fail("ALREADY_AUTHENTICATED", `you are logged in as ${client.account}`);
  if (account !== "*" && account.toLowerCase() !== nick.toLowerCase())
    return fail("ACCOUNT_NAME_MUST_BE_NICK", "an account has its nick's name");
  const own = session === undefined ? {} : { session };
  const made = await host.register({ nick, password, connection: client.connection, ...own });
  if (isFailure(made)) return fail(CODES[made.code] ?? "TEMPORARILY_UNAVAILABLE", made.text);
  const refused = loggedIn(client, made, reply);
  if (refused !== undefined) return fail("TEMPORARILY_UNAVAILABLE", refused.text);
  reply.line("REGISTER", "SUCCESS", made.account, "The nick is yours: log in with the password");
}

export function verify(_: Client, [account = ""]: Params, reply: Reply): void {
  reply.fail("VERIFY", "INVALID_CODE", "nothing is to be verified here", [shownOf(account)]);
}

// --- internal ---

/** Refusals, as the specification names them. */
const CODES: Readonly<Record<string, string>> = {
  NICK_IN_USE: "ACCOUNT_EXISTS",
  NICK_REGISTERED: "ACCOUNT_EXISTS",
  NICK_INVALID: "BAD_ACCOUNT_NAME",
  AUTH_DENIED: "UNACCEPTABLE_PASSWORD",
};
