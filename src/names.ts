// The names of people, servers and rooms, and text made safe to show: one grammar and one
// canonical form for every door. Pure: no I/O, no state but tables made at first use.
//
// The grammar is PRECIS UsernameCaseMapped (RFC 8265) made narrower: letters, marks and digits of
// one living script, and `_ - .`. Three forms of a name, each a function of the one before:
//   display   what people see: width-mapped, NFC; what the parsers below return
//   key       what is compared: case-folded. Full folding and not lower-casing, so that STRASSE,
//             strasse and straße are one name, and so are the four i's of Turkish
//   skeleton  what looks alike (UTS 39, confusables.ts): for refusing, never for finding
// Read confusables.ts next; tests/names/ has the vectors.

import { readConfusables } from "./confusables.ts";
import { ChatFusionError, failure, type ErrorCode, type Failure } from "./errors.ts";
import { LIMITS } from "./limits.ts";

declare const brand: unique symbol;
type Branded<Kind extends string> = string & { readonly [brand]: Kind };

/** A person's name on one server, as it is shown. Compared and looked up by `nameKey`. */
export type Nick = Branded<"Nick">;
/** What people call a server; machines use its sid. */
export type ServerName = Branded<"ServerName">;
/** `#name`, shared by the fusion, or `&name`, which never leaves its server. */
export type RoomName = Branded<"RoomName">;
/** Who a server is: 32 lower-case hex digits, the first 16 bytes of its key's SHA-256. */
export type Sid = Branded<"Sid">;
export type Name = Nick | ServerName | RoomName;

/** The room everybody is in. */
export const LOBBY = "#lobby" as RoomName; // "#" and plain letters: what parseRoomName returns

/** Parses a nick and returns its display form. Throws `NICK_INVALID`. */
export function parseNick(text: string): Nick {
  return parseName(text, "nick", "NICK_INVALID") as Nick; // the one maker of nicks
}

/** Parses a server's name and returns its display form. Throws `ADDRESS_INVALID`. */
export function parseServerName(text: string): ServerName {
  return parseName(text, "server name", "ADDRESS_INVALID") as ServerName; // likewise
}

/**
 * Parses `#name` or `&name` and returns its display form; a room may also have a `+` after its
 * first letter. The sign counts towards the lengths. Throws `ROOM_INVALID`.
 */
export function parseRoomName(text: string): RoomName {
  if (plainRoom.test(text)) return text as RoomName; // the grammar in ASCII
  if (!text.startsWith("#") && !text.startsWith("&")) {
    throw refusal("ROOM_INVALID", "room", "# (shared) or & (local) at the beginning", text);
  }
  return parseWide(text, "room", "ROOM_INVALID") as RoomName; // the grammar in full
}

/** Parses `nick@server`. Throws `ADDRESS_INVALID`. */
export function parseAddress(text: string): { readonly nick: Nick; readonly server: ServerName } {
  const at = text.indexOf("@");
  if (at === -1) throw refusal("ADDRESS_INVALID", "address", "nick@server", text);
  return {
    nick: parseName(text.slice(0, at), "nick", "ADDRESS_INVALID") as Nick, // as in parseNick
    server: parseServerName(text.slice(at + 1)),
  };
}

/** Writes the address of a person: `nick@server`. */
export function formatAddress(nick: Nick, server: ServerName): string {
  return `${nick}@${server}`;
}

/** Tells whether the room spans the fusion. */
export const isShared = (room: RoomName): boolean => room.startsWith("#");

/** Tells whether the room never leaves its server. */
export const isLocal = (room: RoomName): boolean => room.startsWith("&");

/** Returns the form that is compared and looked up: names of one key are one name. NFC. */
export function nameKey(name: Name): string {
  return ascii.test(name) ? name.toLowerCase() : fold(name);
}

/** Tells whether two names are one name. */
export function sameName(a: Name, b: Name): boolean {
  return a === b || nameKey(a) === nameKey(b);
}

/**
 * Returns what a name looks like: names with equal skeletons are taken for each other, in their
 * small or their capital letters, and must not be on one server together. A function of the key
 * alone, so that nobody becomes a look-alike by writing a name in other case; that is why i, l and
 * 1 (for I and l), and o and 0, are alike. Never a name, never shown.
 */
export function skeleton(name: Name): string {
  const key = nameKey(name);
  if (ascii.test(key)) return key.replace(alikeInAscii, (c) => alikeOf(c) ?? c);
  let alike = "";
  for (const c of key.normalize("NFD")) alike += alikeOf(c) ?? c;
  return alike.replace(dottedTwice, "$1").normalize("NFD");
}

/** Writes the 16 bytes of a server's id as hex digits. Another count is our own mistake. */
export function sidOf(bytes: Uint8Array): Sid {
  if (bytes.length !== 16) throw new RangeError(`sid: expected 16 bytes, got ${bytes.length}`);
  return bytes.toHex() as Sid; // 32 lower-case digits
}

/** Returns the 16 bytes of a server's id, newly made. */
export function sidBytes(sid: Sid): Uint8Array {
  return Uint8Array.fromHex(sid);
}

/** Tells whether the text is a server's id: 32 hex digits, in lower case only. */
export function isSid(text: string): text is Sid {
  return sidDigits.test(text);
}

/**
 * Makes a peer's file name a plain label that every system can hold (security F1): the last part
 * of a path, no control or invisible characters, nothing that a shell, Windows or a hidden file
 * would read into it, up to `bytesMax` bytes of UTF-8 with the extension kept. "file" if nothing
 * is left. Cleaning twice changes nothing. Ask for less than 255 bytes to append " (2)".
 */
export function cleanFileName(name: string, bytesMax: number = LIMITS.fileNameBytesMax): string {
  const path = name.toWellFormed().replace(unprintable, "").normalize("NFC");
  const label = path.split(/[/\\]/).findLast((part) => part.trim() !== "") ?? "";
  let cut = cutFileName(trimFileName(label.replace(unfitForFiles, "_")), bytesMax);
  if (windowsDevice.test(cut)) cut = cutFileName(`_${cut}`, bytesMax);
  return cut === "" ? "file" : cut;
}

/**
 * Makes a text safe to print on one line of a terminal or a log (security H1): control, bidi and
 * invisible characters, line breaks and tabs become visible marks such as ␛ or <U+202E>; of more
 * than 8 combining marks on one base the rest is counted, not drawn. What emoji, Persian and the
 * Indic scripts need is left as it is. Showing twice changes nothing.
 */
export function visible(text: string): string {
  if (printableAscii.test(text) || !unsafe.test(text)) return text;
  const mark = (c: string, joined?: string) => joined ?? markOf(c);
  return text
    .replace(joinedOrHidden, mark)
    .replace(joinedOrHidden, mark) // joiners whose neighbour has become a mark
    .replace(flood, (_, kept: string, rest: string) => `${kept}<+${Array.from(rest).length} marks>`)
    .replace(baseless, "\u25cc$&");
}

/**
 * Checks a text that someone sends, which is otherwise stored as it was received. Returns
 * `TEXT_INVALID` for none at all or half a surrogate pair, `TEXT_TOO_LONG` past `bytesMax` bytes
 * of UTF-8, else undefined.
 */
export function checkText(text: string, bytesMax: number): Failure | undefined {
  if (text === "") return failure("TEXT_INVALID", "text: expected a character, got none");
  if (!text.isWellFormed()) {
    return failure("TEXT_INVALID", "text: expected Unicode, got half of a surrogate pair");
  }
  if (text.length * 3 <= bytesMax) return undefined;
  const bytes = utf8Length(text);
  if (bytes <= bytesMax) return undefined;
  return failure("TEXT_TOO_LONG", `text: expected up to ${bytesMax} bytes, got ${bytes}`);
}

// --- the grammar ---------------------------------------------------------------------------------

const ascii = /^[\0-\x7f]*$/;
const sidDigits = /^[0-9a-f]{32}$/;
/** The whole grammar for ASCII, with LIMITS.nameCodePointsMax in it: nearly every name. */
const plainName = /^\w(?:[\w.-]{0,30}[\w-])?$/;
const plainRoom = /^[#&]\w(?:[\w.+-]{0,29}[\w+-])?$/;

/** Longer input is not looked at: names may shrink when composed, but not to a quarter. */
const inputUnitsMax = 4 * LIMITS.nameCodePointsMax;

const foreign = /[^\p{L}\p{Mn}\p{Mc}\p{Nd}_.-]/u;
const foreignInRooms = /[^\p{L}\p{Mn}\p{Mc}\p{Nd}_.+-]/u;
/**
 * Letters that are none: invisible ones, old Hangul jamo and other exceptions of RFC 8264 §9, and
 * those that are drawn like punctuation (clicks like ! and |, spacing modifiers like ' and :, ? &).
 */
const unfit = new RegExp(
  "[\\p{DI}\\u1100-\\u11ff\\ua960-\\ua97f\\ud7b0-\\ud7ff\\u302e\\u302f\\u3031-\\u3035\\u303b" +
    "\\u0640\\u07fa\\u01c0-\\u01c3\\u0241\\u0242\\u0294\\u02b0-\\u02ff\\u0559\\u05f3\\u05f4" +
    "\\ua4f8-\\ua4fd\\ua717-\\ua721\\ua778\\ua788-\\ua78f]",
  "u",
);
const wideForms = /[\u3000\uff01-\uffef]/g;
/** More than a Hebrew letter carries, or the same twice: marks that pile up or hide each other. */
const piledMarks = /\p{Mn}{5}|(\p{Mn})\1/u;

/** UAX 31, recommended and limited use: in which people write today, the common ones first. */
const scripts = (
  "Latn Cyrl Grek Arab Hebr Deva Thai Armn Beng Ethi Geor Gujr Guru Knda Khmr Laoo Mlym Mymr " +
  "Orya Sinh Taml Telu Thaa Tibt Adlm Bali Bamu Batk Cans Cakm Cham Cher Rohg Java Kali Lepc " +
  "Limb Lisu Mand Mtei Plrd Talu Newa Nkoo Hmnp Olck Osge Saur Sund Sylo Syrc Tale Lana Tavt " +
  "Tfng Vaii Wcho Yiii Mong"
).split(" ");
/** UTS 39, "highly restrictive": what one person may mix in one name. */
const mixtures = ["Latn Hani Hira Kana", "Latn Hani Hang", "Latn Hani Bopo"];
/** Made when the first name needs them: it takes 7 ms. */
let oneScript: readonly RegExp[] | undefined;
/** By their letters (marks are shared with others), and Arabic digits. */
const rightToLeft = new RegExp(
  `[${classOf("Arab Hebr Syrc Thaa Nkoo Adlm Rohg Mand", "sc")}\\u0660-\\u0669]`,
  "u",
);
/** RFC 5893 §2 for a name of one script: letters of the other direction are refused before. */
const rightToLeftInOrder = /^[#&]?\p{L}(?:.*[\p{L}\p{Nd}]\p{M}*)?$/u;

function parseName(text: string, what: string, code: ErrorCode): string {
  return plainName.test(text) ? text : parseWide(text, what, code);
}

/** Names with other letters than those of ASCII, and all that are refused. */
function parseWide(text: string, what: string, code: ErrorCode): string {
  const { nameCodePointsMax: pointsMax } = LIMITS;
  if (text.length > inputUnitsMax) {
    throw refusal(code, what, `up to ${pointsMax} characters`, text);
  }
  const mapped = text.replace(wideForms, (c) => c.normalize("NFKC")).normalize("NFC");
  const expected = expectedOf(mapped, what === "room");
  if (expected !== undefined) throw refusal(code, what, expected, text);
  return mapped;
}

/** Says what was expected where a mapped name is against the grammar. */
function expectedOf(whole: string, isRoom: boolean): string | undefined {
  const name = isRoom ? whole.slice(1) : whole;
  const signs = isRoom ? "_ - . and +" : "_ - and .";
  if (name === "") return `1 to ${LIMITS.nameCodePointsMax} letters, digits, ${signs}`;
  const odd = (isRoom ? foreignInRooms : foreign).exec(name) ?? unfit.exec(name);
  if (odd !== null) return `only letters, digits, ${signs}, not ${nameOf(odd[0])}`;
  if (/^[^\p{L}\p{Nd}_]/u.test(name)) return "a letter, a digit or _ at the beginning";
  if (name.endsWith(".")) return "no . at the end";
  const points = Array.from(whole).length;
  if (points > LIMITS.nameCodePointsMax) {
    return `up to ${LIMITS.nameCodePointsMax} characters (this has ${points})`;
  }
  const bytes = Math.max(utf8Length(whole), utf8Length(fold(whole)));
  if (bytes > LIMITS.nameBytesMax) return `up to ${LIMITS.nameBytesMax} bytes (this has ${bytes})`;
  for (const c of name) {
    if (c.normalize("NFKC") !== c) return `plain letters, not ${nameOf(c)}, a variant of others`;
  }
  if (piledMarks.test(name.normalize("NFD"))) return "up to 4 different marks on a letter";
  oneScript ??= [...mixtures, ...scripts].map(
    (names) => new RegExp(`^[${classOf(`${names} Zyyy Zinh`)}]*$`, "u"),
  );
  if (!oneScript.some((script) => script.test(name))) return "letters of one script in use today";
  if (hasMixedDigits(name)) return "digits of one script";
  if (rightToLeft.test(name) && !rightToLeftInOrder.test(name)) {
    return "a name from right to left with a letter first, and a letter or digit last";
  }
  return undefined;
}

/** Each system's ten digits stand in one run of 16 code points that begins at a multiple of 16. */
function hasMixedDigits(name: string): boolean {
  let first: number | undefined;
  for (const [digit] of name.matchAll(/\p{Nd}/gu)) {
    const run = pointOf(digit) >> 4;
    first ??= run;
    if (run !== first) return true;
  }
  return false;
}

// --- keys and skeletons --------------------------------------------------------------------------

const alikeInAscii = /[i10m]/g;
/** A dot that the letter below it has already, or nearly: i and j with another one. */
const dottedTwice = /([lj][\u0316-\u0333]*)\u0307+/g;

/**
 * Full case folding (Unicode §3.13, D145): to capitals and back. Only a final sigma depends on what
 * stands around it. Dotless ı becomes i on this way; İ is helped to.
 */
function fold(text: string): string {
  const folded = text.normalize("NFD").toLowerCase().toUpperCase().toLowerCase();
  return folded
    .replaceAll("ς", "σ")
    .replace(/i\u0307+/g, "i")
    .normalize("NFC");
}

let alikes: Map<string, string> | undefined;

/** What a character of a key, decomposed, looks like; undefined: only like itself. */
function alikeOf(character: string): string | undefined {
  alikes ??= readConfusables();
  return alikes.get(character);
}

// --- file names ----------------------------------------------------------------------------------

/** Nothing to see: controls, bidi and zero-width characters, and what has no meaning. */
const unprintable = /[\p{C}\p{DI}\p{Zl}\p{Zp}]/gu;
/** What Windows refuses or reads as a stream, and what old code pages make a slash or colon of. */
const unfitForFiles =
  /[:*?"<>|\u2044\u2215\u2216\u2236\u29f5\u29f8\u29f9\ua789\ufe55\ufe68\uff0f\uff1a\uff3c]/g;
const windowsDevice =
  /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|$)/i;
const extension = /\.[^.]{1,30}$/u;
const blankOrDot = /[\s.\u2024\u2025\uff0e]/;

/** Without blanks and dots at both ends, and without - ~ and marks in front. */
function trimFileName(name: string): string {
  const begun = name.replace(/^[\s\p{M}.\u2024\u2025\uff0e~-]+/u, "");
  let end = begun.length;
  while (end > 0 && blankOrDot.test(begun.charAt(end - 1))) end -= 1;
  return begun.slice(0, end);
}

/** Shortens the part before the extension, by whole characters. */
function cutFileName(name: string, bytesMax: number): string {
  if (utf8Length(name) <= bytesMax) return name;
  const ending = extension.exec(name)?.[0] ?? "";
  const kept = utf8Length(ending) * 2 <= bytesMax ? ending : "";
  let bytes = utf8Length(kept);
  let stem = "";
  for (const c of name) {
    bytes += utf8Length(c);
    if (bytes > bytesMax) break;
    stem += c;
  }
  return trimFileName(stem) + kept;
}

// --- text on a terminal --------------------------------------------------------------------------

const printableAscii = /^[\x20-\x7e]*$/;
/** Marks, and the jamo that terminals draw in no column of their own. */
const markClass = "[\\p{M}\\u1160-\\u11ff\\ud7b0-\\ud7ff]";
/** Without the Arabic signs of category Cf, which are seen. */
const hiddenClass =
  "(?![\\u0600-\\u0605\\u06dd\\u0890\\u0891\\u08e2])" +
  "[\\p{Cc}\\p{Cf}\\p{Cs}\\p{DI}\\p{Zl}\\p{Zp}\\p{NChar}]";
const unsafe = new RegExp(`${hiddenClass}|^${markClass}|${markClass}{9}`, "u");
const flood = new RegExp(`(${markClass}{8})(${markClass}+)`, "gu");
const baseless = new RegExp(`^${markClass}`, "u");
/** Scripts in which a joiner or non-joiner between letters changes how they are written. */
const joiners = "Arab Syrc Mong Nkoo Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh";
const joining = `[${classOf(joiners)}]`;
/** The first group has a use: in emoji, flags, ideographs and joined letters. Or hidden. */
const joinedOrHidden = new RegExp(
  "((?<=\\p{ExtPict}[\\ufe0f\\u{1f3fb}-\\u{1f3ff}]?)\\u200d(?=\\p{ExtPict})" +
    "|(?<=\\p{Emoji})[\\ufe0e\\ufe0f]" +
    "|(?<=\\u{1f3f4})[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]{3,6}\\u{e007f}" +
    "|(?<=\\p{Ideo})[\\ufe00-\\ufe02\\u{e0100}-\\u{e01ef}]" +
    `|(?<=${joining})[\\u200c\\u200d](?=${joining}))|${hiddenClass}`,
  "gu",
);

/** A picture for the controls of ASCII, which terminals have; else the code point. */
function markOf(character: string): string {
  const point = pointOf(character);
  if (point < 0x20) return String.fromCharCode(0x2400 + point);
  return point === 0x7f ? "\u2421" : `<${nameOf(character)}>`;
}

// --- internal ------------------------------------------------------------------------------------

function refusal(code: ErrorCode, what: string, expected: string, got: string): ChatFusionError {
  const begin = Array.from(got.slice(0, 2 * shownPointsMax))
    .slice(0, shownPointsMax)
    .join("");
  const shown = visible(begin) + (begin.length < got.length ? "…" : "");
  return new ChatFusionError(code, `${what}: expected ${expected}, got "${shown}"`);
}
/** Of a refused value: enough to know it again, and one line. */
const shownPointsMax = 40;

/** The insides of a regular expression's class: characters of some scripts, used in or native. */
function classOf(names: string, property: "scx" | "sc" = "scx"): string {
  return names.replace(/(\w+) ?/g, `\\p{${property}=$1}`);
}

const pointOf = (character: string): number => character.codePointAt(0) ?? 0;

function nameOf(character: string): string {
  const hex = pointOf(character).toString(16).toUpperCase().padStart(4, "0");
  return /^[!-~]$/.test(character) ? character : `U+${hex}`;
}

/** The bytes of a well-formed text as UTF-8, without encoding it. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // A pair is 4 bytes for 2 units: 1 more for each half.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
