// What the grammar of names accepts and refuses, by hand; see names.test.ts for what is done with
// them. Invisible and right-to-left characters are written as escapes.

import { list } from "./list.ts";

/** Accepted as they are, and their own key: names in small letters, by script. */
export const keptAsTheyAre: Readonly<Record<string, string>> = {
  ascii: "ana bob7 x _ __ _x x_ a-b a.b a..b a_b- 7 007 4ever r2d2 lyon.example server-2 a.b.c-d_e",
  latin: "zoë józef łukasz çelik ñandú øystein þór ðamir æsa œuvre nguyễn trường ąę ħal žižek",
  more_latin: "ɓala ŋgoma ɛsɛ ọlá ṣadé 7é naïve garçon übung ångström ĉevalo tūī kūkū",
  cyrillic: "анна борис юрий ёлка їжак ґанок љубав њега ђорђе щука ҡыҙ өмүр",
  greek: "θεοδωρα αννα ελενη νικη ωμεγα",
  armenian: "արամ անի",
  georgian: "ნინო გიორგი",
  hebrew: "\u05e9\u05dc\u05d5\u05dd \u05d3\u05d5\u05d33 \u05e2\u05d1_\u05e8",
  arabic: "\u0645\u062d\u0645\u062f \u0639\u0644\u064a7 \u0633\u0627\u0631\u0629\u0661\u0662",
  persian: "\u067e\u06cc\u0645\u0627\u0646 \u0631\u0636\u0627\u06f1\u06f2",
  indic: "नीलम अनिल বাংলা ਗੁਰ ગુજરાતી தமிழ் తెలుగు ಕನ್ನಡ മലയാളം සිංහල नाम१२ ওড়িয়া",
  thai: "สมชาย ปิยะ ลาว๑๒",
  others: "ລາວ ខ្មែរ မြန်မာ བོད አበበ ᠮᠣᠩᠭᠣᠯ ⵜⴰⵎⴰⵣⵉⵖⵜ ꆈꌠ ᓄᓇᕗᑦ ᱥᱟᱱᱛᱟᱲᱤ",
  han: "李明 王小明 太郎 陳大文 李7 阿b",
  japanese: "さくら サクラ 桜さくら 山田タロウ ラーメン ノリ 時々 kenケン",
  korean: "김철수 한글 韓국 철수kim",
  bopomofo: "ㄅㄆㄇ 李ㄅ",
};

/** Accepted: what is given, what is shown, what is compared. */
export const mapped: readonly (readonly [given: string, shown: string, key: string])[] = [
  // RFC 8265 §3.5: what is legal there and here. By lower-casing, "ß" and "ss", "σ" and "ς" would
  // be different; by case folding they are not.
  ["fussball", "fussball", "fussball"],
  ["fu\u00dfball", "fu\u00dfball", "fussball"],
  ["\u03c0", "\u03c0", "\u03c0"],
  ["\u03a3", "\u03a3", "\u03c3"],
  ["\u03c3", "\u03c3", "\u03c3"],
  ["\u03c2", "\u03c2", "\u03c3"],
  // RFC 8266 §3: nicknames that are names here as well
  ["Foo", "Foo", "foo"],
  ["foo", "foo", "foo"],
  // case
  ["Ana", "Ana", "ana"],
  ["ANA", "ANA", "ana"],
  ["McX-9.b_C", "McX-9.b_C", "mcx-9.b_c"],
  ["ZOË", "ZOË", "zoë"],
  ["STRASSE", "STRASSE", "strasse"],
  ["straße", "straße", "strasse"],
  ["STRAẞE", "STRAẞE", "strasse"],
  ["ΟΔΥΣΣΕΥΣ", "ΟΔΥΣΣΕΥΣ", "οδυσσευσ"],
  ["Οδυσσευς", "Οδυσσευς", "οδυσσευσ"],
  ["ΑΣ-ΑΣ", "ΑΣ-ΑΣ", "ασ-ασ"],
  ["Юрий", "Юрий", "юрий"],
  ["ЇЖАК", "ЇЖАК", "їжак"],
  ["ԱՐԱՄ", "ԱՐԱՄ", "արամ"],
  ["ᲜᲘᲜᲝ", "ᲜᲘᲜᲝ", "ნინო"],
  ["Ꭰꭰ", "Ꭰꭰ", "ꭰꭰ"],
  ["Dž", "Dž", "dž"],
  ["Ŋoma", "Ŋoma", "ŋoma"],
  ["Ɓala", "Ɓala", "ɓala"],
  ["ᾳ", "ᾳ", "αι"],
  ["ΐ", "ΐ", "ΐ"],
  ["ǰ", "ǰ", "ǰ"],
  // Turkish: the four i's are one
  ["Irmak", "Irmak", "irmak"],
  ["ırmak", "ırmak", "irmak"],
  ["İrmak", "İrmak", "irmak"],
  ["irmak", "irmak", "irmak"],
  ["I\u0307rmak", "İrmak", "irmak"],
  ["i\u0307rmak", "i\u0307rmak", "irmak"],
  ["ı\u0307rmak", "ı\u0307rmak", "irmak"],
  // width (RFC 8265 §3.3.1)
  ["ａｎａ", "ana", "ana"],
  ["ＡＮＡ７", "ANA7", "ana7"],
  ["ａ．ｂ", "a.b", "a.b"],
  ["ａ－ｂ＿ｃ", "a-b_c", "a-b_c"],
  ["ﾅﾅ", "ナナ", "ナナ"],
  ["ﾊﾟﾊﾞ", "パバ", "パバ"],
  ["ﾗｰﾒﾝ", "ラーメン", "ラーメン"],
  // composition
  ["e\u0301va", "éva", "éva"],
  ["E\u0301VA", "ÉVA", "éva"],
  ["u\u0308n", "ün", "ün"],
  ["и\u0306", "й", "й"],
  ["A\u030angstrom", "Ångstrom", "ångstrom"],
  ["\u212bngstrom", "Ångstrom", "ångstrom"],
  ["\u212aelvin", "Kelvin", "kelvin"],
  ["\u2126μεγα", "Ωμεγα", "ωμεγα"],
  ["a\u0323\u0302", "ậ", "ậ"],
  ["a\u0302\u0323", "ậ", "ậ"],
  ["\u1112\u1161\u11ab", "한", "한"],
  ["が", "が", "が"],
  ["か\u3099", "が", "が"],
  ["\u0915\u093c", "\u0915\u093c", "\u0915\u093c"],
  ["\u0958", "\u0915\u093c", "\u0915\u093c"],
  ["\uf900", "\u8c48", "\u8c48"],
  // at the bounds
  ["a".repeat(32), "a".repeat(32), "a".repeat(32)],
  ["é".repeat(32), "é".repeat(32), "é".repeat(32)],
  ["e\u0301".repeat(32), "é".repeat(32), "é".repeat(32)],
  ["Я".repeat(32), "Я".repeat(32), "я".repeat(32)],
  ["ß".repeat(32), "ß".repeat(32), "ss".repeat(32)],
  ["李".repeat(21), "李".repeat(21), "李".repeat(21)],
  ["\u{20000}".repeat(16), "\u{20000}".repeat(16), "\u{20000}".repeat(16)],
  ["ａ".repeat(32), "a".repeat(32), "a".repeat(32)],
];

/** Refused, by what the text then says was expected. */
export const refused: Readonly<Record<string, readonly string[]>> = {
  "1 to 32 letters": [""],
  "only letters": [
    // RFC 8265 §3.5 and RFC 8266 §3: blanks, symbols and compatibility numerals
    ..."juliet@example.com|foo bar|\u265a|henry\u2163|Foo Bar|Richard \u2163".split("|"),
    // every other character of ASCII
    ..."!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~".split("").flatMap((c) => [c, `a${c}`, `a${c}b`]),
    ...list(` a|a |a\tb|a\nb|a\rb|a\0b|a\x1b[31m|a\x7f|a\x08b|\x07`),
    // C1, blanks, line separators
    ...list(`
      a\x80|a\x9b31m|a\x85b|a\xa0b|a\u1680b|a\u2003b|a\u202fb|a\u3000b|a\u2028b|a\u2029b|a\u205fb`),
    // bidi controls
    ...list(`
      a\u200eb|a\u200fb|a\u061cb|a\u202ab|a\u202bb|a\u202cb|a\u202db|a\u202eb|a\u2066b|a\u2067b|
      a\u2068b|a\u2069b`),
    // zero-width and invisible
    ...list(`
      a\u200bb|a\u200cb|a\u200db|a\u2060b|a\ufeffb|a\xadb|a\u180eb|a\u034fb|a\u115fb|a\u1160b|
      a\u3164b|a\uffa0b|a\ufe0fb|a\u{e0061}|a\u17b4|a\u{e0100}|\u0645\u200c\u0645|\u200b|\u180b`),
    // private, unassigned, not characters, half a pair
    ...list(`
      a\ue000|a\u{f0000}|a\u0378|a\ufdd0|a\uffff|a\u{1fffe}|a\ud800|\udc00a|a\ud83d|\u{10ffff}`),
    // symbols, punctuation, numbers, emoji
    ...list(`
      a€|a©|a™|a→b|a…|a–b|a·b|l·l|a「b|a・b|½|x²|①|🙂|👩\u200d👩|a❤|ю\u0488|a\u20dd|
      1\ufe0f\u20e3|a¡|a¿b|ᚠ᛫|〇a`),
    // width-mapped to what is refused
    ...list(`\uffa1|ａ＠ｂ|ａ！|ａ／ｂ|a：b|＃a|＆a|a，b|a＊|a？`),
    // letters drawn like punctuation, old jamo, tatweel
    ...list(`
      N\u01c3ck|a\u01c0b|a\u01c1|a\u02d0b|a\u02bcb|\u02bba|a\u02c8b|a\u0294b|a\ua789b|a\ua78cb|
      \u1100|\u11a8|\ua960|\u0645\u0640\u0645|a\u0242|ꓐꓻ`),
  ],
  "at the beginning": [...list(`-|-a|--|.|..|.a|...|.-|\u0301a|\u0301|\u093fa|\uff0ea|\uff0da`)],
  "no . at the end": ["a.", "a..", "ana.", "é.", "a\uff0e"],
  "up to 32 characters": [
    "a".repeat(33),
    "a".repeat(10_000),
    "é".repeat(33),
    "e\u0301".repeat(33),
    "я".repeat(33),
    " ".repeat(129),
    "\u0301".repeat(200),
    "ａ".repeat(33),
  ],
  "up to 64 bytes": [
    "李".repeat(22),
    "\u{20000}".repeat(17),
    "が".repeat(22),
    "\u0915".repeat(22),
    "ᾳ".repeat(22),
    "ꀀ".repeat(22),
  ],
  "a variant of others": [
    ...list(`ﬁ|ª|aº|ſ|ŉ|ĳ|ŀ|ǆ|µ|ϐ|ϑ|ϕ|ẚ|𝐚|𝒜na|ℓ|ℋ|ᵃ|ⱼ|\ufdf2|\ufe8d|\u{1ee00}|և|กำ|ກຳ|㐀ㄱ`),
  ],
  "4 different marks": [
    ...list(`
      a\u0301\u0301|x\u0323\u0323|e\u0301\u0301|á\u0301|\u05d1\u05bc\u05bc|
      a\u0316\u0317\u0318\u0319\u031c`),
    "z\u0300\u0301\u0302\u0303\u0304\u0305",
  ],
  "one script": [
    // Latin with Cyrillic, Greek, Armenian, Cherokee, Hebrew, Arabic …
    ...list(`
      pаypal|аdmin|adminа|Αnna|oο|оo|xх|hօ|ᎪNNA|aש|aم|שa|анναа|анοа|ο\u043e|a\u0915|a\u0e01|
      a\u10d0|אم|نש|aሀ|aⴰ|李д|あд|김あ|한ア|ㄅあ|ㄅ한|李\u0915|かα|กລ|a1\u0967|\u0915\u0995`),
    // scripts that nobody writes in today
    ...list(`𐤀𐤁|𒀀|𓀀|ᚠᚢ|𐌰|ⲁⲃ|ᚁᚂ|𐎀`),
  ],
  "digits of one script": [
    "\u0e511\u0e01",
    "\u09151\u0967",
    "\u06451\u0661",
    "\u0645\u0661\u06f1",
    "๑1",
  ],
  "from right to left": [
    ...list(`1\u05d0|_\u05d0|\u05d0-|\u05d0_|\u0661|\u0661\u0645|\u0645.-|7\u0645`),
  ],
};

/** Rooms that are accepted, with their keys. */
export const rooms: readonly (readonly [given: string, shown: string, key: string])[] = [
  ["#lobby", "#lobby", "#lobby"],
  ["#Lobby", "#Lobby", "#lobby"],
  ["&staff", "&staff", "&staff"],
  ["#7", "#7", "#7"],
  ["#c++", "#c++", "#c++"],
  ["#_a", "#_a", "#_a"],
  ["#a.b-c", "#a.b-c", "#a.b-c"],
  ["#ＬＯＢＢＹ", "#LOBBY", "#lobby"],
  ["#Žižkov", "#Žižkov", "#žižkov"],
  ["&кухня", "&кухня", "&кухня"],
  ["#雑談", "#雑談", "#雑談"],
  ["#e\u0301", "#é", "#é"],
  ["#\u05e9\u05dc", "#\u05e9\u05dc", "#\u05e9\u05dc"],
  [`#${"a".repeat(31)}`, `#${"a".repeat(31)}`, `#${"a".repeat(31)}`],
  [`&${"é".repeat(31)}`, `&${"é".repeat(31)}`, `&${"é".repeat(31)}`],
];

export const refusedRooms: readonly string[] = [
  ...list(`
    #|&|lobby|##a|#&a|&#a|# a|#a b|#a,b|#a:b|#+a|#-a|#.|#a.|#.a|+a|!a|#a@b|#a\0|#a\u200b|#pаypal|
    ＃a|＆a|#\u0301| #a|#a |#a/b|#a*|#a?|#🙂`),
  "",
  "#a\n",
  `#${"a".repeat(32)}`,
  `&${"é".repeat(32)}`,
];

/** Pairs of different names that look alike, in small letters or in capitals. */
export const alike: readonly (readonly [string, string])[] = [
  ["paypal", "paypa1"],
  ["paypal", "PaypaI"],
  ["bob", "b0b"],
  ["mike", "rnike"],
  ["scope", "ѕсоре"],
  ["TOM", "ТОМ"],
  ["tom", "том"],
  ["KATE", "КАТЕ"],
  ["anna", "αννα"],
  ["ANNA", "ΑΝΝΑ"],
  ["BOB", "ΒΟΒ"],
  ["BOB", "ВОВ"],
  ["nik", "ΝΙΚ"],
  ["ПАПА", "ΠΑΠΑ"],
  ["HEX", "НЕХ"],
  ["yes", "уеѕ"],
  ["zoro", "ᴢᴏʀᴏ"],
  ["user10", "userlo"],
  ["ooo", "०००"],
  ["口", "ロ"],
];
