// What an operator asks of the tree itself: the way to a server, the links of this one and those
// that are wanted, and which key a name belongs to.

import { command, failure, failureOf, isFailure, isSid, LIMITS } from "chatfusion";
import { parseAddress, parseServerName, sameName, visible } from "chatfusion";
import type { Bytes, Clock, Command, CommandResult, FabricHost, Failure } from "chatfusion";
import type { Nick, ServerName, Sid } from "chatfusion";
import * as v from "valibot";
import { retryText } from "./reports.ts";
import { list, table } from "./text.ts";
import type { Tracer } from "./trace.ts";
import type { Tree } from "./tree.ts";

export interface Started {
  readonly tree: Tree;
  readonly tracer: Tracer;
}

/** The commands of the tree; `started` is called when one of them runs. */
export function treeCommands(
  started: () => Started,
  clock: Clock,
  isOnline: FabricHost["isOnline"],
): Readonly<Record<string, Command>> {
  return {
    trace: command({
      about: "the way to a server, with the delay of each hop",
      usage: "NICK@SERVER|SERVER",
      args: v.strictTuple([v.string()], "expected a server, or somebody on one"),
      run: ([text]) => traced(text, started(), isOnline),
    }),
    links: command({
      about: "the links of this server, and those that wait to be dialled again",
      args: v.strictTuple([], "expected nothing after it"),
      run: () => linksOf(started().tree),
    }),
    forget: command({
      about: "forget which key a server's name had, so that another server may have it",
      usage: "NAME",
      args: v.strictTuple([v.string()], "expected the name of a server"),
      run: ([text]) => {
        const name = named(text);
        if (isFailure(name)) return name;
        const { tree } = started();
        if (!tree.pins.forget(name)) {
          return failure("NO_SUCH_SERVER", `${name}: no key of this name is known`);
        }
        tree.retime(); // which stores it
        return { text: `${name}: its key is forgotten; the next server of this name may have it` };
      },
    }),
    trust: command({
      about: "say which key a server's name has from now on",
      usage: "NAME KEY",
      args: v.strictTuple([v.string(), v.string()], "expected the name of a server, and its key"),
      run: ([text, key]) => {
        const { tree } = started();
        const name = named(text);
        if (isFailure(name)) return name;
        const sid = sidOfText(key, tree.identity.sidOf);
        if (isFailure(sid)) return sid;
        tree.pins.trust(name, sid, clock.now());
        tree.retime();
        return { text: `${name} is ${sid} from now on` };
      },
    }),
  };
}

// --- internal ---

/** The way to a server; and of somebody there, whether this is one who is online. */
function traced(
  text: string,
  { tree, tracer }: Started,
  isOnline: FabricHost["isOnline"],
): Failure | Promise<CommandResult | Failure> {
  const to = addressee(text);
  if (isFailure(to)) return to;
  const { nick, server } = to;
  const { servers } = tree.view;
  const found = servers.find((one) => sameName(one.name, server));
  if (found === undefined) {
    const known = list(servers.map((one) => one.name).toSorted());
    const what = nick === undefined ? " (somebody is NICK@SERVER)" : "";
    const none = `${server}: no server of this fusion${what}; there are: ${known}`;
    return failure("NO_SUCH_SERVER", none);
  }
  const { name, sid } = found;
  return tracer.trace(name, sid).then((way) => {
    if (isFailure(way) || nick === undefined || isOnline(nick, name)) return way;
    return { ...way, text: `${way.text}\n${nick}@${name}: nobody is there under this nick` };
  });
}

function addressee(text: string): { readonly nick?: Nick; readonly server: ServerName } | Failure {
  try {
    return text.includes("@") ? parseAddress(text) : { server: parseServerName(text) };
  } catch (error) {
    return failureOf(error);
  }
}

function linksOf(tree: Tree): CommandResult {
  const links = [...tree.links.byPort.values()].map((session) => ({
    server: session.name ?? "",
    state: tree.links.stateOf(session, tree.judgement) ?? "new",
    ...(session.rttMs === undefined ? {} : { rttMs: session.rttMs }),
    address: session.address ?? session.link.remote,
    dialled: session.role === "dialled" ? "here" : "there",
  }));
  const waiting = tree.waiting.map(({ name: server, address, tries, dueAt, reason }) => {
    const inMs = Math.max(0, dueAt - tree.now());
    const when = Number.isFinite(inMs) ? { inMs } : {}; // else it is being dialled now
    return { server, address, tries, ...when, reason };
  });
  const lines = links.map(({ server, state, rttMs, address, dialled }) => [
    server,
    state,
    rttMs === undefined ? "" : `${rttMs.toFixed(1)} ms`,
    `dialled ${dialled}, ${address}`,
  ]);
  const waits = waiting.map((wish) => {
    const { server, tries, inMs, reason } = wish;
    if (inMs === undefined || reason === undefined) return `${server}: try ${tries} is under way`;
    return retryText(server, tries, inMs, reason);
  });
  const pins = tree.pins.size;
  const pinned =
    pins === 1 ? "1 name is pinned to its key" : `${pins} names are pinned to their keys`;
  const known = `${pinned}, of ${LIMITS.pinsMax} at most`;
  const text = [lines.length === 0 ? "no links" : table(lines), ...waits, known].join("\n");
  return { text, data: { links, waiting, pins } };
}

function named(text: string): ServerName | Failure {
  try {
    return parseServerName(text);
  } catch (error) {
    return failureOf(error);
  }
}

/** A key (64 hex digits) or a sid (32). */
function sidOfText(text: string, sidOf: (key: Bytes) => Sid): Sid | Failure {
  const digits = text.toLowerCase();
  if (isSid(digits)) return digits;
  if (/^[0-9a-f]{64}$/.test(digits)) return sidOf(Uint8Array.fromHex(digits));
  return failure("USAGE", `${visible(text)}: expected a key of 64 hex digits, or a sid of 32`);
}
