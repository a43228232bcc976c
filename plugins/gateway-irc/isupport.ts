// What RPL_ISUPPORT (005) tells clients of this server, from the bounds that it has.

import { LIMITS } from "chatfusion";
import type { Options } from "./options.ts";
import { CHANMODES, ROLE_SIGNS } from "./ruling.ts";
import { CLIENTTAGDENY } from "./tags.ts";

/** The tokens, as many to a line as a reply may have. */
export function isupportLines(options: Options): readonly (readonly string[])[] {
  const targets = `${LIMITS.ircTargetsMax}`;
  const many = ["KICK", "NAMES", "NOTICE", "PRIVMSG", "TAGMSG", "WHOIS"];
  const roles = Object.values(ROLE_SIGNS);
  const signs = [0, 1].map((i) => roles.map((role) => role[i]).join(""));
  const tokens = [
    "BOT=B",
    "CASEMAPPING=ascii",
    `CHATHISTORY=${LIMITS.ircHistoryMax}`,
    "CHANTYPES=#&",
    `CHANNELLEN=${LIMITS.nameCodePointsMax}`,
    `CHANLIMIT=#&:${LIMITS.roomsPerSessionMax}`,
    `CHANMODES=${CHANMODES}`,
    `PREFIX=(${signs.join(")")}`,
    `CLIENTTAGDENY=${CLIENTTAGDENY}`,
    "ELIST=MNU",
    "INVEX",
    `KICKLEN=${LIMITS.ircTopicBytesMax}`,
    // All that people of one server have set in a room, together.
    `MAXLIST=Ibq:${LIMITS.stateEntriesPerServerMax}`,
    `MODES=${LIMITS.ircModesMax}`,
    `MONITOR=${LIMITS.watchedMax}`,
    "MSGREFTYPES=msgid,timestamp",
    `NETWORK=${options.network}`,
    `NICKLEN=${LIMITS.nameCodePointsMax}`,
    "STATUSMSG=",
    // Rooms as many as a line holds: clients come back into all of theirs by one JOIN.
    `TARGMAX=JOIN:,PART:,${many.map((command) => `${command}:${targets}`).join(",")}`,
    `TOPICLEN=${LIMITS.ircTopicBytesMax}`,
    "UTF8ONLY",
    "WHOX",
  ];
  const lines: string[][] = [];
  for (let i = 0; i < tokens.length; i += tokensPerLine)
    lines.push(tokens.slice(i, i + tokensPerLine));
  return lines;
}

// --- internal ---

/** 15 parameters are the most that a message may have: the nick and the text are two of them. */
const tokensPerLine = 13;
