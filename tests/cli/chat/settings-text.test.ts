// What people are shown of what is set in a room.

import { expect, test } from "bun:test";
import { settingText } from "../../../src/cli/chat/settings-text.ts";

const MODES = [
  ["moderated", true, "has made #tea moderated", "has made #tea not moderated any more"],
  ["read-only", true, "has made #tea read-only", "has made #tea not read-only any more"],
  ["slow", 5, "has made #tea slow: one message in 5 s", "has made #tea not slow any more"],
  ["invite-only", true, "has made #tea invite-only", "has made #tea not invite-only any more"],
  ["key", true, "has given #tea a key", "has removed the key of #tea"],
  ["limit", 5, "has limited #tea to 5 people", "has removed the limit of #tea"],
  ["secret", true, "has made #tea secret", "has made #tea not secret any more"],
  [
    "open-topic",
    true,
    "lets everybody set the topic of #tea",
    "lets only moderators and owners set the topic of #tea",
  ],
  [
    "open-talk",
    true,
    "lets also those who are not in it speak in #tea",
    "lets only those who are in it speak in #tea",
  ],
] as const;
for (const [mode, value, set, unset] of MODES)
  test(`the mode ${mode}, set and unset, is a sentence`, () => {
    const setting = { event: "setting", room: "#tea", by: "ann@paris", at: 0 } as const;
    const text = (to: true | number | null) =>
      settingText({ ...setting, key: `mode/${mode}`, value: to });
    expect([text(value), text(null)]).toEqual([`ann@paris ${set}`, `ann@paris ${unset}`]);
  });
