// docs/fusion.md against the program: operators must not plan with figures that are no longer true.
// And what any page of docs links to is there.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ERRORS } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";

const root = join(import.meta.dir, "../..");
const pages = ["README.md", ...new Bun.Glob("docs/*.md").scanSync({ cwd: root })];
const read = (path: string) => Bun.file(join(root, path)).text();

/** As GitHub names a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

test("what the pages link to exists, headings included", async () => {
  const missing: string[] = [];
  for (const page of pages) {
    for (const [, to = ""] of (await read(page)).matchAll(/\]\(([^()\s]+)\)/g)) {
      if (/^https?:/.test(to)) continue;
      const [file = "", heading] = to.split("#");
      const path = file === "" ? page : join(dirname(page), file);
      const exists = existsSync(join(root, path));
      const headings = exists && heading !== undefined ? await read(path) : "";
      const anchors = Array.from(headings.matchAll(/^#+ (.+)$/gm), ([, text = ""]) => anchor(text));
      if (!exists || (heading !== undefined && !anchors.includes(heading)))
        missing.push(`${page}: ${to}`);
    }
  }
  expect(missing).toEqual([]);
});

test("the figures of docs/fusion.md are those of the limits, and its codes exist", async () => {
  const text = (await read("docs/fusion.md")).replaceAll(/\s+/g, " ");
  const { heartbeatMs, heartbeatMissedMax, redialMsMax, pinMsMax, peerKeptMsMax } = LIMITS;
  const silence = (heartbeatMs * heartbeatMissedMax) / 1000;
  const handshake = LIMITS.linkHandshakeMsMax / 1000;
  const inKiB = (bytes: number) => `${bytes / 1024} KiB`;
  const figures = [
    `${silence} to ${silence + heartbeatMs / 1000} s after the last sign of life`,
    `a heart-beat goes every ${heartbeatMs / 1000} s`,
    `after ${LIMITS.redialMsMin / 1000} s, and then each time after an eighth`,
    `but after ${redialMsMax / 1000} s at the latest`,
    `it is waited for, ${LIMITS.originAwayMsMax / 1000} s at most`,
    `${pinMsMax / 86_400_000} days which key`,
    `less than ${peerKeptMsMax / 60_000} minutes`,
    `no word for ${LIMITS.unconfirmedMsMax / 1000} s`,
    `but ${LIMITS.earlierLifeMsMax / 1000} seconds at most`,
    `on which nothing moved for ${LIMITS.transferStallMsMax / 1000} s`,
    `no byte has moved for ${LIMITS.transferResumeMsMax / 60_000} minutes`,
    `the last ${LIMITS.streamRingBytesMax / 2 ** 20} MiB of all rooms`,
    `| servers in a fusion | ${LIMITS.serversMax.toLocaleString("en")} |`,
    `| links of one server | ${LIMITS.linksPerServerMax} |`,
    `| ${LIMITS.hopsMax}: in a chain of more than ${LIMITS.hopsMax + 1} servers`,
    `| ${LIMITS.peoplePerServerMax.toLocaleString("en")} |`,
    `| ${handshake} s, and ${handshake + LIMITS.hookMsMax / 1000} s more for plugins |`,
    `${inKiB(LIMITS.linkControlBytesMax)} / ${inKiB(LIMITS.linkPrivateBytesMax)}`,
    `/ ${LIMITS.linkRoomBytesMax / 2 ** 20} MiB |`,
    `| ${LIMITS.privateQueuedMax}, behind ${LIMITS.channelWindowBytesMax / 2 ** 20} MiB`,
    `| ${LIMITS.mailMessagesMax}, and ${inKiB(LIMITS.mailBytesMax)}; ${
      LIMITS.mailBytesInAllMax / 2 ** 20
    } MiB for all`,
    `| ${LIMITS.pinsMax.toLocaleString("en")}, each for`,
    `closed after ${LIMITS.stallMsMax / 1000} s`,
  ];
  expect(figures.filter((figure) => !text.includes(figure))).toEqual([]);
  const codes = Array.from(text.matchAll(/`([A-Z]+_?[A-Z_]+)`/g), ([, code = ""]) => code);
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !Object.hasOwn(ERRORS, code))).toEqual([]);
});
