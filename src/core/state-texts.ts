// What is said to one who sets something of a room to what it does not take. Pure.

import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import type { Ask } from "../protocol/messages.ts";
import { MODES } from "../protocol/state.ts";

/** Which modes there are, for one who names another one. */
export const modesFor = (text: string): string =>
  text.startsWith("mode/") ? `; modes are ${MODES.join(", ")}` : "";

/** Why a key is not set in the lobby; undefined where it may be. */
export function notInLobby(key: string): string | undefined {
  const mode = /^mode\/(.*)$/.exec(key)?.[1] ?? "";
  if (!CLOSING.includes(mode)) return undefined;
  const others = MODES.filter((one) => !CLOSING.includes(one));
  return `everybody is in it, so that there is no mode ${mode}; its modes are ${others.join(", ")}`;
}

/** What somebody gave who was to give something else. */
export const gotText = (asked: Ask<"set">["value"]): string =>
  `, got ${visible(JSON.stringify(asked).slice(0, SHOWN_VALUE))}`;

/** What a key takes, for one who gave it something else. */
export function expectedOf(key: string): string {
  if (key === "mode/limit") return `a number from 1 to ${LIMITS.peoplePerServerMax}`;
  if (key === "mode/slow") return `seconds, from 1 to ${LIMITS.slowModeSecondsMax}`;
  if (key === "topic" || key === "description")
    return `a text of up to ${LIMITS.reasonBytesMax} bytes`;
  return key.startsWith("ban/") || key.startsWith("mute/")
    ? "a reason and an end, or neither"
    : "true, or null to unset it";
}

// --- internal -----------------------------------------------------------------------------------

/** Where everybody is, nobody is kept out, and nobody speaks from outside. */
const CLOSING: readonly string[] = ["invite-only", "key", "secret", "limit", "open-talk"];
const SHOWN_VALUE = 60;
