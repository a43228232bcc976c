// Who may delete what others say in a room: the operators of this server, as far as it goes.

import type { MayModerate } from "./amendments.ts";
import type { Sessions } from "./sessions.ts";

const OPERATOR = "operator";

/** Asks the roles of whoever is here under the address, with that account. */
export const moderation =
  (sessions: Sessions): MayModerate =>
  (_room, { from, account }) => {
    const person = sessions.at(from)?.person;
    return account !== undefined && person?.account === account && person.roles.includes(OPERATOR);
  };
