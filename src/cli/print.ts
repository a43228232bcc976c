// What a running server's events and answers look like: lines for people, objects for programs.
// Nothing here is made visible yet: screen.ts does that on the way out.

import { networkInterfaces } from "node:os";
import { isFailure } from "../errors.ts";
import type { Answer, RunningServer, ServerEvent } from "../serve.ts";
import { shortPath } from "../serve/config-file.ts";
import { addressOf } from "../serve/registry.ts";

/** Returns an event as a line for people; undefined for one that they need not read. */
export function eventText(event: ServerEvent): string | undefined {
  switch (event.event) {
    case "listening":
      return undefined; // the banner has told it
    case "gateway":
      return `${event.plugin} listens at ${event.address}`;
    case "merged": {
      const { servers, fusion } = event;
      if (event.back !== true) return `merged with ${event.with}: ${fusionText(fusion)}`;
      const verb = servers.length === 1 ? "is" : "are";
      return `${listText(servers)} ${verb} back: ${fusionText(fusion)}`;
    }
    case "split": {
      const why = event.why === undefined ? "" : ` (${event.why})`;
      return `split from ${listText(event.lost)}: ${fusionText(event.fusion)}${why}`;
    }
    case "refused":
      return refusedText(event);
    case "link":
      return isWorthALine(event) ? event.text : undefined;
    case "stopped":
      return `stopped: ${event.reason}`;
    default:
      event satisfies never;
      return undefined;
  }
}

/** Returns an answer as lines for people. */
export function answerText(answer: Answer): string {
  return isFailure(answer) ? `refused: ${answer.text} (${answer.code})` : answer.text;
}

/** Returns an answer as `serve --json` prints it: its data's own fields stand beside the rest. */
export function answerObject(command: string, answer: Answer): object {
  const shown = command.replace(SECRET, "$1 …");
  if (isFailure(answer)) {
    return { event: "answer", command: shown, ok: false, code: answer.code, text: answer.text };
  }
  const { text, data } = answer;
  const head = { event: "answer", command: shown, ok: true, text };
  if (data === undefined) return head;
  const isFields = typeof data === "object" && data !== null && !Array.isArray(data);
  // The head's keys come first, and win.
  return { ...head, ...(isFields ? data : { data }), ...head };
}

/** What follows the nick in these is a password. */
const SECRET = /^(\s*user-(?:add|passwd)\s+\S+)\s.*$/s;

/** Returns what an operator wants to know at the start: where, for whom, and what to type next. */
export function banner(server: RunningServer): string {
  const { name, config } = server;
  const isLocal = /^(127\.|::1$|localhost$)/.test(server.host);
  const near = addressOf(server);
  const far = isLocal ? [] : farAddresses(server);
  const from = far[0] ?? near;
  const where = isLocal ? `${near} (this machine only)` : [...far, near].join(", ");
  const file = config.file === undefined ? "none: the defaults" : shortPath(config.file);
  return [
    `${name} is running.`,
    "",
    `  address  ${where}`,
    `  data     ${shortPath(config.data)}`,
    `  config   ${file}`,
    `  enter    ${server.entrance.join("\n           ")}`,
    `  join     bunx chatfusion chat YOU@${name}`,
    `           bunx chatfusion chat YOU@${from}`,
    `  merge    here, type: merge NAME or merge HOST:PORT`,
    `           on another server, type: merge ${from}`,
    "",
    "help shows the commands, stop ends the server.",
  ].join("\n");
}

// --- internal ------------------------------------------------------------------------------------

/** The text of a refused merge begins with the address that was typed: once will do. */
function refusedText({ server, text, code }: Extract<ServerEvent, { event: "refused" }>): string {
  if (server === undefined) return `refused: ${text} (${code})`;
  const why = text.startsWith(`${server}: `) ? text.slice(server.length + 2) : text;
  return `link with ${server} refused: ${why} (${code})`;
}

function fusionText(fusion: readonly string[]): string {
  if (fusion.length <= 1) return "this server is alone now";
  return `${fusion.length} servers, ${listText(fusion)}`;
}

/** In a large fusion the first names will do; `map` has them all. */
function listText(names: readonly string[]): string {
  const most = 20;
  if (names.length <= most) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}

/** That a lost link is tried is no news; that it is tried in vain is, less and less often. */
function isWorthALine({ state, tries = 0 }: Extract<ServerEvent, { event: "link" }>): boolean {
  return state !== "retrying" || [8, 16, 32, 64].includes(tries);
}

/** Where other machines may reach a server that listens at all of this one's addresses. */
function farAddresses({ host, port }: { readonly host: string; readonly port: number }): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [addressOf({ host, port })];
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && (family === "IPv4" || host === "::"))
    .filter(({ address }) => !address.startsWith("fe80:"))
    .map(({ address }) => addressOf({ host: address, port }));
}
