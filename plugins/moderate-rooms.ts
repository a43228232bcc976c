// Moderates what the people of this server say in rooms: words are replaced by stars or refused,
// and a room can be slowed down. Moderators do it while the server runs, by `filter` and `slow` at
// the console or in their chat; what they have set is kept. An example for plugins of this kind:
// it uses the public surface alone. What others' servers let their people say is theirs to decide.
//
//   plugins: [moderateRooms(), …]
//   plugins: [moderateRooms({ words: ["heck"], refused: ["hell"], role: "teacher" }), …]

import type { Clock, Millis, Person, PluginStore, RoomName } from "chatfusion";
import { ChatFusionError, command, definePlugin, drop, isSaid, LIMITS } from "chatfusion";
import { nameKey, parseRoomName } from "chatfusion";
import * as v from "valibot";

/** Letters, marks and digits: what is told from what stands around it in a text. */
const wordPattern = /[\p{L}\p{M}\p{N}]+/gu;
/** A letter with the marks on it. */
const letterPattern = /\P{M}\p{M}*/gu;
const Word = v.pipe(
  v.string(),
  v.transform((text) => fold(text)),
  v.regex(/^[\p{L}\p{M}\p{N}]+$/u, "expected one word of letters and digits"),
  v.maxLength(LIMITS.nameCodePointsMax),
);
const Words = v.optional(v.pipe(v.array(Word), v.maxLength(LIMITS.filteredWordsMax)), []);

const Options = v.optional(
  v.strictObject({
    /** Words that are replaced by stars, in whatever case. */
    words: Words,
    /** Words with which a message is not sent at all. */
    refused: Words,
    /** Who has this role moderates, and is not slowed down. */
    role: v.optional(v.string(), "moderator"),
  }),
  {},
);

/** What moderators have set; the words of the config stand beside it. */
const Rules = v.strictObject({
  words: Words,
  refused: Words,
  /** Seconds between two messages of one person, by room. */
  slow: v.record(v.string(), v.number()),
});
type Rules = v.InferOutput<typeof Rules>;

const Room = v.pipe(
  v.string(),
  v.transform((text) => nameKey(parseRoomName(text)) as RoomName), // the key of a room name is one
);
const Seconds = v.pipe(
  v.string(),
  v.transform((text) => (text === "off" ? 0 : Number(text))),
  v.integer("expected off or a whole number of seconds"),
  v.minValue(0),
  v.maxValue(LIMITS.slowSecondsMax),
);

export default definePlugin({
  name: "moderate-rooms",
  options: Options,
  setup({ options, clock, store, metrics, notice }) {
    const { role } = options;
    const rules = createRules(store);
    const slow = createSlow(clock);
    const count = {
      starred: metrics.counter("starred", "messages in which words were replaced"),
      refused: metrics.counter("refused", "messages that were refused for a word"),
      slowed: metrics.counter("slowed", "messages that came too soon in a slow room"),
    };
    const words = () => new Set([...options.words, ...rules.now.words]);
    const refused = () => new Set([...options.refused, ...rules.now.refused]);
    let filter = createFilter(new Set(), new Set());
    const renew = () => void (filter = createFilter(words(), refused()));
    const seconds = (room: RoomName) => rules.now.slow[room] ?? 0;

    return {
      roles: [role],
      async start() {
        await rules.load();
        renew();
      },
      onMessage(message) {
        const { from, room } = message;
        const found = filter(message.text);
        if (found.refused !== undefined) {
          count.refused();
          return drop(`"${found.refused}" is not said here`);
        }
        // What is done to a message is none: a slow room does not keep people from deleting theirs.
        const isFree = from.roles.includes(role) || !isSaid(message.kind);
        const wait = isFree ? 0 : slow.waitOf(from, room, seconds(room));
        if (wait > 0) {
          count.slowed();
          const left = Math.ceil(wait / 1000);
          return drop(`${room} is slow: a message in ${seconds(room)} s, wait ${left} s`);
        }
        if (found.text === message.text) return undefined;
        count.starred();
        return { ...message, text: found.text };
      },
      commands: {
        filter: command({
          about: "words that are replaced by stars (add) or refused (refuse) in rooms",
          usage: "list|add|refuse|remove [WORD]",
          role,
          args: v.union(
            [
              v.strictTuple([v.literal("list")]),
              v.strictTuple([v.picklist(["add", "refuse", "remove"]), Word]),
            ],
            "expected list, or add, refuse or remove and one word",
          ),
          async run([what, word = ""]) {
            if (what !== "list") {
              await rules.change((now) => withWord(now, what, word));
              renew();
            }
            const data = { words: [...words()].toSorted(), refused: [...refused()].toSorted() };
            const listed = (list: readonly string[]) => list.join(", ") || "none";
            const text = `stars: ${listed(data.words)}\nrefused: ${listed(data.refused)}`;
            return { text, data };
          },
        }),
        slow: command({
          about: "so many seconds between two messages of one person in a room",
          usage: "#ROOM [off|SECONDS]",
          role,
          args: v.union(
            [v.strictTuple([Room]), v.strictTuple([Room, Seconds])],
            `expected a room, and off or up to ${LIMITS.slowSecondsMax} seconds`,
          ),
          async run([room, wanted]) {
            if (wanted !== undefined && wanted !== seconds(room)) {
              await rules.change((now) => withSlow(now, room, wanted));
              slow.forget(room);
              notice(room, slowText(room, wanted));
            }
            return { text: slowText(room, seconds(room)), data: { room, seconds: seconds(room) } };
          },
        }),
      },
    };
  },
});

// --- internal ---

/** One form of a word, whatever its case and width. */
function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

const slowText = (room: RoomName, seconds: number): string =>
  seconds === 0 ? `${room} is not slow` : `${room} is slow: a message in ${seconds} s`;

interface Filtered {
  readonly text: string;
  /** The first word for which it is refused. */
  readonly refused?: string;
}

/** Makes what looks at a text, word by word. */
function createFilter(
  words: ReadonlySet<string>,
  refused: ReadonlySet<string>,
): (text: string) => Filtered {
  if (words.size === 0 && refused.size === 0) return (text) => ({ text });
  return (text) => {
    let worst: string | undefined;
    const clean = text.replaceAll(wordPattern, (word) => {
      const folded = fold(word);
      if (refused.has(folded)) worst ??= word;
      return words.has(folded) ? word.replaceAll(letterPattern, "*") : word;
    });
    return worst === undefined ? { text: clean } : { text, refused: worst };
  };
}

/** Keeps what moderators have set; a change counts once it is on disk. */
function createRules(store: PluginStore) {
  let now: Rules = { words: [], refused: [], slow: {} };
  let last: Promise<unknown> = Promise.resolve();
  return {
    get now() {
      return now;
    },
    async load(): Promise<void> {
      const bytes = await store.read("rules");
      if (bytes === undefined) return;
      const text = new TextDecoder().decode(bytes);
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Rules), text);
      if (parsed.success) now = parsed.output;
      else throw new ChatFusionError("CONFIG_INVALID", "what was kept of the rules is damaged");
    },
    /** One change after the other. Rejects with what `edit` throws, or the store. */
    change(edit: (rules: Rules) => Rules): Promise<void> {
      const changed = last.then(async () => {
        const next = edit(now);
        await store.write("rules", new TextEncoder().encode(JSON.stringify(next)));
        now = next;
      });
      last = changed.catch(() => undefined); // whoever asked for it is told
      return changed;
    },
  };
}

/** Throws `BAD_REQUEST` where there are too many. */
function withWord(rules: Rules, what: "add" | "refuse" | "remove", word: string): Rules {
  const others = (list: readonly string[]) => list.filter((one) => one !== word);
  const words = [...others(rules.words), ...(what === "add" ? [word] : [])];
  const refused = [...others(rules.refused), ...(what === "refuse" ? [word] : [])];
  if (Math.max(words.length, refused.length) <= LIMITS.filteredWordsMax)
    return { ...rules, words, refused };
  const most = `${LIMITS.filteredWordsMax} words are the most there is`;
  throw new ChatFusionError("BAD_REQUEST", `${word}: ${most}; remove one first`);
}

/** Throws `TOO_MANY_ROOMS`. */
function withSlow(rules: Rules, room: RoomName, seconds: number): Rules {
  const others = Object.entries(rules.slow).filter(([other]) => other !== room);
  const slow = Object.fromEntries(seconds === 0 ? others : [...others, [room, seconds]]);
  if (Object.keys(slow).length <= LIMITS.slowRoomsMax) return { ...rules, slow };
  const most = `${LIMITS.slowRoomsMax} slow rooms are the most there is`;
  throw new ChatFusionError("TOO_MANY_ROOMS", `${room}: ${most}`);
}

/** Who said something in a slow room, and since when; accounts by name, guests by session. */
function createSlow(clock: Clock) {
  const rooms = new Map<RoomName, Map<Person | string, Millis>>();
  return {
    /** Takes a person's turn, or tells how long it is until then, in milliseconds. */
    waitOf(person: Person, room: RoomName, seconds: number): Millis {
      if (seconds === 0) return 0;
      const spoke = rooms.get(room) ?? new Map<Person | string, Millis>();
      rooms.set(room, spoke);
      const now = clock.monotonic();
      const who = person.account ?? person;
      const wait = (spoke.get(who) ?? Number.NEGATIVE_INFINITY) + seconds * 1000 - now;
      if (wait > 0) return wait;
      // At the end, so that those whose turn has come again stand first.
      spoke.delete(who);
      spoke.set(who, now);
      for (const [other, at] of spoke) {
        if (at + seconds * 1000 > now && spoke.size <= LIMITS.slowedPeopleMax) break;
        spoke.delete(other);
      }
      return 0;
    },
    forget: (room: RoomName) => void rooms.delete(room),
  };
}
