// Every bound of the program, with its unit in the name and its reason beside it; no number of
// this kind stands anywhere else. What an operator may change is said in docs/operations.md.

const KiB = 1024;
const MiB = 1024 * KiB;
const second = 1000;
const minute = 60 * second;
const day = 24 * 60 * minute;

export const LIMITS = {
  // --- frames -------------------------------------------------------------------------------
  /** Before a peer has said who it is, it gets little memory: any hello or login fits. */
  frameBytesMaxBeforeEntry: 4 * KiB,
  /** A client's frame: a chunk with its head; a text of `textBytesMax` that needs few escapes. */
  frameBytesMax: 64 * KiB + 24,
  /** File chunks: larger frames were not quicker (perf.md), smaller ones let chat pass sooner. */
  chunkBytesMax: 64 * KiB,
  /** Between servers: a tick's batch of one room, a chunk with its route, a directory page. */
  linkFrameBytesMax: 1 * MiB,
  /** JSON deeper than any frame of ours is refused. */
  jsonDepthMax: 16,
  /** Ids that others have made, in requests and answers; and codes of errors. */
  idLengthMax: 64,
  codeLengthMax: 32,
  /** A hello: what a peer can, the name of its program, the first bytes of its fabric in base64. */
  abilitiesMax: 64,
  abilityLengthMax: 64,
  agentLengthMax: 128,
  linkHelloLengthMax: 2800,

  /** WebSockets: to ask for one; silent, before it is asked whether it is there. Whole seconds. */
  webRequestMsMax: 10 * second,
  webIdleMsMax: 120 * second,
  /** Unsent in a WebSocket's own buffer: then its outbox waits. */
  webBufferedBytesMax: 64 * KiB,
  /** What came in by one while it should not be read. */
  webHeldBytesMax: 64 * KiB,

  // --- names and texts (RFC 8265, security A2) ------------------------------------------------
  nameCodePointsMax: 32,
  nameBytesMax: 64,
  textBytesMax: 16 * KiB,
  /** A reason, a topic, a description: one line on a screen. */
  reasonBytesMax: 512,
  passwordBytesMax: 1024,
  /** A client's own message id; a UUID fits. */
  clientIdBytesMax: 64,
  /** An emoji with all its parts (a family of four has 25 bytes), or a word. */
  reactionBytesMax: 64,
  /** Different reactions to one message that are shown, and names with each of them. */
  reactionsShownMax: 20,
  reactionNamesMax: 20,
  /** Messages that a chat remembers, for those who mean one of them; and how much is quoted. */
  messagesShownMax: 1000,
  quoteLettersMax: 32,
  /** People whom one message means: each is told aloud. */
  mentionsMax: 20,
  /** Without a history: messages that can be named, minutes of a busy server, some 2 MB. */
  spokenMax: 4096,
  /** Messages of one id, which only a server that lies gives twice. */
  sameIdMax: 4,
  /** Messages about those of one page of the history. */
  amendmentsReadMax: 2000,
  /** Deletions that wait for their messages, of one server and of all: some 4 MB. */
  deletionsWaitingPerServerMax: 500,
  deletionsWaitingMax: 16_384,
  /** And those of the log that are looked at when a server starts: some 100 ms. */
  deletionsRecalledMax: 2000,
  /** Before and behind a deleted message, where one is looked for that was sent twice. */
  twinsSoughtMax: 500,
  /**
   * Edits and deletions of others that wait until the log says what they are about; and removals of
   * private messages that the disk has refused.
   */
  amendmentsWaitingMax: 1024,

  // --- connections ------------------------------------------------------------------------------
  /** From accept to a finished login, absolute: a hasher's queue fits, slow-loris does not. */
  handshakeMsMax: 10 * second,
  tlsHandshakeMsMax: 5 * second,
  dialMsMax: 5 * second,
  /** Not yet logged in, in all, and from one address (a NAT with a class behind it fits). */
  strangersMax: 1024,
  strangersPerAddressMax: 32,
  /** Open connections of one address; a school behind one address fits. Loopback is exempt. */
  connectionsPerAddressMax: 512,
  /** Below the usual hard limit of descriptors: at the limit itself, accept would spin. */
  connectionsMax: 19_000,
  /** Descriptors that are left for files, listeners, the database and those who are turned away. */
  descriptorsApart: 256,
  /** A client that says nothing is asked (ping) after this, and closed after the next. */
  idleMsMax: 60 * second,
  pongMsMax: 30 * second,
  /** A paused or stalled socket does not tell of its end: it gets this long. */
  stallMsMax: 30 * second,
  /** At a stop: time for outboxes to drain before they are cut. */
  drainMsMax: 1500,
  /** Closing: what is queued gets this long to leave. */
  lingerMsMax: 2 * second,

  /** A payload of so much is copied out of what was read; a view of it takes longer to make. */
  frameCopiedBytesMax: 1 * KiB,
  /** What is read in pieces of this size, or copied, is freed at once: a fifth of a file's cost. */
  freedBytesMin: 16 * KiB,

  // --- outboxes ---------------------------------------------------------------------------------
  /**
   * Per client: seconds of a busy room on a slow line. References, shared with the other members.
   */
  outboxBytesMax: 4 * MiB,
  /** Chunks to a client: the largest credit of two transfers. */
  outboxBulkBytesMax: 16 * MiB,
  /** Pieces up to this are joined with their neighbours: copying is cheaper than a write. */
  outboxJoinBytesMax: 16 * KiB,
  /**
   * What waits of a file is copied into blocks of this size: it holds a chunk and its head, and
   * mimalloc has it. In pieces as they were read, 8 MiB that waited took 40 MB.
   */
  outboxBlockBytes: 80 * KiB,
  /** One write of joined pieces: the kernel takes more only from peers that read quickly. */
  outboxWriteBytesMax: 128 * KiB,
  /**
   * What frames are put together in, twice what it may hold: at first an ordinary tick's, in any of
   * many rooms.
   */
  frameBufferBytesMin: 2 * KiB,
  /** Used again up to this size: the batch of a busy room. */
  frameBufferBytesMax: 512 * KiB,
  /** And by the sessions that are told something in a tick, so many of this size. */
  frameBuffersPooledMax: 256,
  frameBufferPooledBytesMax: 32 * KiB,
  /** A frame of this size that comes in pieces is put together in room that is used again. */
  frameRoomPooledBytesMin: 16 * KiB,
  /** Kept for those that come next: each frame takes one only while the rest of it is awaited. */
  frameRoomsPooledMax: 16,
  /** Kept for the next outbox: a busy room's members need one each between send and flush. */
  backlogsPooledMax: 1024,
  /** A queue that was longer gives its places back. */
  backlogPlacesMax: 256,
  /**
   * A busy room rests so many times as long as its last flush took, within these bounds: the first
   * makes batches of several messages, and nobody notices the last (docs/performance.md).
   */
  roomRestFactor: 1.5,
  roomRestMsMin: 3,
  roomRestMsMax: 25,
  /** Where resting brought nothing it is tried again after so many flushes. */
  roomRestsSkippedMax: 63,
  /** A batch of this size is handed out at once: far below what a member's outbox holds. */
  roomBatchBytesMax: 256 * KiB,
  /** What the kernel holds of a client's and has not sent: more did not make anything quicker. */
  unsentBytesMax: 128 * KiB,
  /** Per link (merging.md). */
  linkControlBytesMax: 256 * KiB,
  linkPrivateBytesMax: 512 * KiB,
  linkRoomBytesMax: 2 * MiB,
  linkBulkBytesMax: 16 * MiB,

  // --- sessions ----------------------------------------------------------------------------------
  /** How long a lost session keeps its nick and its place. */
  resumeMsMax: 3 * minute,
  /** What a session was last sent, kept to be sent again at a resume. */
  resumeBytesMax: 1 * MiB,
  /** What is a session's own is copied into slabs, which grow with what is kept of it. */
  resumeSlabBytesMin: 256,
  resumeSlabBytesMax: 16 * KiB,
  /** And in number: a quiet line sends many small pieces. */
  resumePiecesMax: 4096,
  /**
   * From so much on the client is asked whether it has arrived, so often: what has is not kept.
   * 10,000 clients of busy rooms are 2,000 pings a second, in writes that are made anyway.
   */
  resumeAskBytesMin: 64 * KiB,
  resumeAskMs: 5 * second,
  /** Where that much is the session's alone: by every 5 s, 200 busy pairs kept 300 MB. */
  resumeAskOwnMs: 100,
  /** Client message ids remembered per sender: `requestsInFlightMax` may be sent again. */
  recentIdsMax: 1024,
  /** And of how many senders: those who may come back. */
  recentSendersMax: 20_000,
  /** And in all: some 50 MB. */
  recentIdsInAllMax: 250_000,
  /** A client message id of 128 random bits is this long in base64, and longer in hex. */
  uniqueIdBytesMin: 22,
  /** At a start ids are read back of so many lives that said something: a server that crashes. */
  recallLivesMax: 8,
  /** And of so many rooms' streams in them: each is a read, of a fraction of a millisecond. */
  recallStreamsMax: 4096,
  /** The last messages of each: seconds of the busiest room, an hour of an ordinary one. */
  recallRoomMax: 10_000,
  /** And in all: a start that is ready within a second. */
  recallMessagesMax: 50_000,
  /** Read in pieces, so that other reads come between. */
  recallPageBytes: 1 * MiB,
  /** Lists that a client is answered before others have their turn: some take a millisecond. */
  listsPerTurnMax: 4,
  /** What else it has sent meanwhile: what one read brings, twice. */
  turnRestBytesMax: 2 * MiB,
  /** Requests of one session waiting behind an asynchronous hook; then its socket is paused. */
  pendingRequestsMax: 64,
  /**
   * And those that came before the pause was felt: more than a client has in flight. Others are
   * refused.
   */
  waitingRequestsMax: 2048,
  /** What a gateway's early queue may hold until `enter` resolves. */
  earlyBytesMax: 64 * KiB,

  // --- hooks and plugins -------------------------------------------------------------------------
  hookMsMax: 5 * second,
  /** Of a plugin that removes what was deleted: it may have to look through large files. */
  redactMsMax: 60 * second,
  stopMsMax: 5 * second,
  /** When all is done, for what plugins have left open to come to its end. */
  leftOpenMsMax: 2 * second,
  /** A start that takes longer is told with the plugin's name: it may never end. */
  startMsUsual: 5 * second,
  /** Somebody waits for a page of the history: a search through a large file on a slow disk. */
  historyReadMsMax: 60 * second,
  /** A commit that takes longer is told: messages wait for it to be acknowledged. */
  historyWriteMsUsual: 10 * second,
  /** A synchronous hook that takes longer is named in the log. */
  hookBlockMsMax: 100,

  // --- passwords (security A5: OWASP's minimum for argon2id) -------------------------------------
  argonMemoryKiB: 19_456,
  argonPasses: 2,
  hashersMax: 2,
  hashQueueMax: 64,
  /** Tries per address and nick in a minute; then doubling waits up to the last. */
  loginTriesPerNickMax: 5,
  loginTriesPerAddressMax: 20,
  loginBackoffMsMax: 15 * minute,
  loginAddressesMax: 10_000,
  /** Nicks that people register by themselves in an hour: a school behind one address, and all. */
  registrationsPerAddressMax: 64,
  registrationsMax: 512,
  registrationsMs: 60 * minute,
  /** A challenge waits so long for its answer: a client computes PBKDF2 of `scramIterations`. */
  challengeMsMax: 10 * second,
  /** Challenges of one login; SCRAM has two. And bytes of each message of it. */
  challengesMax: 4,
  exchangeBytesMax: 4 * KiB,
  /** PBKDF2 of a SCRAM verifier (OWASP), so that it is no easier to guess from than argon2id. */
  scramIterations: 600_000,
  /** RFC 7677 §4. */
  scramIterationsMin: 4096,
  /** A command's write waits for another process's, on the loop: long enough for its commit. */
  sqliteBusyMsMax: 250,
  rolesPerAccountMax: 16,
  /** One for each device of a person's. */
  certificatesPerAccountMax: 16,
  /** Accounts that another process or an editor changed are noticed after this. */
  accountsPollMs: 1 * second,
  /** Some thousand lines: read on the loop, in some 20 ms. */
  accountsFileBytesMax: 1 * MiB,

  // --- rooms -------------------------------------------------------------------------------------
  roomsPerSessionMax: 500,
  /** Up to so many are looked through one by one, which takes less memory than a Map. */
  membershipsFewMax: 8,
  /** Rooms that one session enters: all of its own, six times over, and then one a second. */
  joinsBurst: 3000,
  joinsPerMinute: 60,
  /** Its changes of nick, and of being away: each is told to all whom it meets. */
  selfChangesBurst: 30,
  selfChangesPerMinute: 60,
  roomsMax: 20_000,
  /** In rooms larger than this, comings and goings are not pushed to every member. */
  roomPresenceMembersMax: 200,
  /** Instead their members are told its number, once in such a time: a frame of 60 bytes each. */
  roomCountMs: 1 * second,
  /** Rooms of which a split or a merge tells how many people went or came, those with most. */
  movedRoomsMax: 32,
  /** People whom one account or guest ignores: each is a word to compare with, in busy rooms. */
  ignoredMax: 100,
  /** Pages of the history in which one who ignores somebody may find nothing else. */
  ignoredPagesMax: 20,
  /** Accounts of which something is kept: whom they ignore, what they have read. */
  accountsKeptMax: 20_000,
  /** Accounts that are known to have been revoked; no older proof counts of any other, either. */
  revocationsMax: 20_000,
  /** Values of the store over which they are spread: a change writes one of them. */
  accountShelves: 64,
  /** What was read is on the disk so long after it was said: a crash forgets the last minute. */
  readWrittenMs: 30 * second,
  /** Who goes on writing is told of so often; the rest is passed over. */
  typingMsMin: 2 * second,
  /** And of one other server's people, in a second: a crowd that writes. */
  typingPerServerMax: 200,
  /** A word of it is shown for so long. */
  typingShownMs: 6 * second,
  /** People whom a chat shows to be writing. */
  typingShownMax: 3,
  /** People whom one session watches: a list of friends, in one frame of 26 KB at most. */
  watchedMax: 100,
  /** A page of `who`, `members`, `rooms`. */
  pageMax: 200,
  /** People who are sorted at once for all pages of a list: in some 20 ms. */
  peopleSortedMax: 20_000,
  /** A sorted list is made anew after this, and where anybody has come or gone. */
  peopleSortedMs: 1 * second,
  /** Messages of `history` in one answer. */
  backlogMax: 200,
  /** Of those, what a terminal shows of a room when somebody comes into it: a screen or two. */
  backlogShown: 50,
  /** Answers that `/history` asks for, where most of what is in them was done to other messages. */
  historyPagesMax: 20,
  /** And their JSON: an answer is far from filling its asker's outbox. */
  backlogBytesMax: 1 * MiB,

  /** What is looked for by `search`: some words, or a sentence. */
  searchTextBytesMax: 256,
  /** Messages of `search` in one answer: with the longest texts it is a frame of a server's. */
  searchMax: 50,
  /** Questions that wait: one is asked after the other, so that the log's commits go between. */
  searchesWaitingMax: 64,

  // --- the state of rooms ----------------------------------------------------------------------
  /** One entry: the longest topic in bytes that JSON escapes, with its names. */
  stateEntryBytesMax: 4 * KiB,
  /** `role/` with an account and a sid, `ban/` with a pattern. */
  stateKeyBytesMax: 160,
  /** Of a pattern, before its server. */
  patternBytesMax: 64,
  /** More of them mean nothing that fewer do not, and cost time at each comparison. */
  patternStarsMax: 4,
  /** The hash of a room's key; one of argon2id has some 100. */
  keyHashBytesMax: 200,
  /** Slow mode: one message a day at least. */
  slowModeSecondsMax: 86_400,
  /** Messages that come at once after a wait on the way, of one who was slow where he said them. */
  slowBurstMax: 3,
  /** Entries of one room that one server signs; what only unsets something goes first. */
  stateEntriesPerServerMax: 500,
  /** And in all rooms: as many as there can be rooms. */
  stateEntriesOfServerMax: 20_000,
  /** And of all servers, in memory and on disk: some 50 MB. */
  stateEntriesMax: 100_000,
  /** And of servers that were never met here, which anybody can make up; others tell of them. */
  stateEntriesOfStrangersMax: 20_000,
  /** Rooms that one account may found: then it joins as everybody else. */
  foundedPerAccountMax: 100,
  /** Made at once in two places, the older founding counts; later ones change nothing. */
  foundingMsMax: 60 * second,
  /** Until it is looked again whether a ban has ended: where the clock was set, it is told late. */
  endingLookMsMax: 60 * second,
  /** Invited at once when a room becomes invite-only: those who are in it. */
  invitedAtOnceMax: 200,
  pinnedMax: 50,
  /** Changes of one session: somebody who moderates in haste, each told to all servers. */
  stateChangesPerMinute: 60,
  stateChangesBurst: 30,
  /** Values of the store over which the rooms are spread: a change writes one of them. */
  stateShelves: 32,
  /** Entries in one message between servers, and their bytes. */
  statePageMax: 64,
  statePageBytesMax: 64 * KiB,
  /** Rooms with their digests in one message. */
  stateDigestsMax: 300,
  /** Servers compare what they hold so soon after a change, and ever later while it differs. */
  stateCompareMsMin: 1 * second,
  stateCompareMsMax: 60 * second,
  /** A kick on another server is answered by then, or it is told that no word came. */
  kickMsMax: 5 * second,
  kicksUnderWayMax: 1000,
  /** Whose last messages in rooms of slow mode are remembered. */
  slowSpeakersMax: 10_000,

  // --- the operator's bans and audit log -------------------------------------------------------
  serverBansMax: 10_000,
  /** The audit log has two parts; when one is full, the older one goes. */
  auditBytesMax: 256 * KiB,
  /** Lines of it in one answer. */
  auditShownMax: 200,

  // --- private messages for those who are offline ------------------------------------------------
  /** Kept for one account: some busy weeks, and what somebody still reads at a login. */
  mailMessagesMax: 200,
  /** And in bytes, as they are on the disk: handed over, it fits what a resume may send again. */
  mailBytesMax: 256 * KiB,
  /** And accounts for which something is kept, those included whose people never come back. */
  mailAccountsMax: 4096,
  /** And in all: held in memory, and 32nd by 32nd written again at each change. */
  mailBytesInAllMax: 16 * MiB,

  // --- conversations -----------------------------------------------------------------------------
  /** Kept for one account, in bytes of JSON: some 40,000 messages; the longest one gives way. */
  conversationsBytesMax: 8 * MiB,
  /** On their way to a disk that is slow or full; what comes then is not kept, and counted. */
  conversationsQueueBytesMax: 8 * MiB,

  // --- logs --------------------------------------------------------------------------------------
  /** Reads of the history that wait for its disk: those of sessions, and what servers lack. */
  historyReadsMax: 256,
  /** Sessions for which something is read of it at once, and as many of conversations. */
  readsAtOnceMax: 64,
  /** Old messages go in steps of so many, which hold a commit up by some milliseconds. */
  pruneStepMessages: 500,
  pruneStepMs: 100,
  /** Rooms that are looked at in one step. */
  pruneStepRooms: 20,
  pruneEveryMs: 10 * minute,
  /** What was said is put into the index of words so much later, in steps of some milliseconds. */
  indexEveryMs: 200,
  indexStepMessages: 250,
  /** Lines that a stuck disk leaves in memory; what comes then is dropped and counted. */
  logBufferBytesMax: 4 * MiB,
  logFlushMs: 1 * second,
  /** Lines of one event on stderr: all of a bad minute, and not the flood that a peer can cause. */
  logLinesBurst: 200,
  logLinesPerSecond: 5,
  logEventsMax: 1000,
  /** A text in a line, of which the rest is counted; a stack; objects in objects. */
  logTextLengthMax: 2000,
  logStackFramesMax: 8,
  logDepthMax: 4,
  /** A text of the day: what a terminal shows without scrolling. */
  motdLinesMax: 50,
  /** Words of a filter, set by hand. */
  filteredWordsMax: 1000,
  /** Rooms that are slowed down at one time, set by hand; by six hours at most, as elsewhere. */
  slowRoomsMax: 1000,
  slowSecondsMax: 21_600,
  /** People of a slow room whose turn has not come again: of more, the first ones get theirs. */
  slowedPeopleMax: 10_000,
  /** What was said and waits for a disk that is stuck; then nothing more is taken. */
  logQueueBytesMax: 64 * MiB,
  /** Commits that have failed and are asked for: those who wait for the last few. */
  logFailuresMax: 100,
  /** Another process (a backup, a person with sqlite3) may hold the log up for so long. */
  logBusyMsMax: 5 * second,
  /** Up to this all of the log is checked at the start (some 20 ms), above it the ends. */
  logCheckedBytesMax: 8 * MiB,

  // --- IRC (plugins/gateway-irc) ---------------------------------------------------------------
  /** A line with its end (RFC 1459 §2.3), in both directions; tags come on top. */
  ircLineBytesMax: 512,
  /** A client's tags, with the @ and the blank (IRCv3 message-tags). */
  ircClientTagsBytesMax: 4096,
  /** A line that does not end: twice what the tags and the line of a client may have together. */
  ircUnendedBytesMax: 9 * KiB,
  /** What one SASL message may have in all, in base64: a password is far shorter. */
  ircSaslBytesMax: 4 * KiB,
  /** Targets of one PRIVMSG, NOTICE, KICK or WHOIS, and rooms of one NAMES. */
  ircTargetsMax: 8,
  /** Lines of a text that a client says in a batch: a page or two of source. */
  ircMultilineLinesMax: 128,
  /** Texts of which it is known how their clients had cut them: some seconds of a busy server. */
  ircCutsMax: 64,
  /** Messages in one answer to CHATHISTORY, and about how many bytes: an eighth of an outbox. */
  ircHistoryMax: 100,
  ircHistoryBytesMax: 512 * KiB,
  /** Lines of a command's answer: what each adds leaves the longest far below an outbox. */
  ircNoticeLinesMax: 10_000,
  /** Changes of one MODE: each is asked of the core by itself. */
  ircModesMax: 12,
  /** A topic, or a reason of KICK, by an IRC client: a line holds it behind two long names. */
  ircTopicBytesMax: 300,
  /** Those who have left, for WHOWAS. */
  ircWhowasMax: 1000,
  /** A client that says nothing for so long is asked, and has so long to answer. */
  ircIdleMsMax: 90 * second,
  ircPongMsMax: 60 * second,
  /** How often that is looked at. */
  ircSweepMs: 15 * second,
  /**
   * At flood protection (RFC 1459 §8.10): lines at once, and how soon the next one is free. Quicker
   * than the RFC's 2 s: a client that joins its rooms asks three things of each.
   */
  ircFloodBurst: 20,
  ircFloodLineMs: 500,

  // --- rates (limit-rate's defaults; security A9) ------------------------------------------------
  /** A line each 50 ms passes: a bot, a quick hand, a pasted text. */
  messagesPerSecond: 30,
  messagesBurst: 60,
  /** A message that is too soon waits up to this, and its sender's socket behind it. */
  throttleMsMax: 2 * second,

  // --- files -------------------------------------------------------------------------------------
  /** Credit to begin with. */
  creditBytes: 256 * KiB,
  creditBytesMax: 8 * MiB,
  transfersPerSessionMax: 16,
  transfersMax: 4096,
  /** Of them with the people of one other server, when one of those offers another file. */
  transfersPerServerMax: 1024,
  offersPerMinuteMax: 30,
  /** An offer that nobody answers. */
  offerMsMax: 10 * minute,
  /** DCC: what is held of a client's file until more may be sent on; ports that are tried. */
  dccHeldBytesMax: 256 * KiB,
  dccPortsMax: 1000,
  /** A transfer on which nothing moves. */
  transferStallMsMax: 60 * second,
  /** One that was interrupted goes on within this, as long as private messages are tried again. */
  transferResumeMsMax: 15 * minute,
  /** It is offered again after this, doubled up to that: two of the 30 offers a minute. */
  transferAgainMs: 0.5 * second,
  transferAgainMsMax: 30 * second,
  /** A file that is being received is written to, or waits for less; a part so old is nobody's. */
  partKeptMsMax: 1 * day,
  /** Files that have arrived or were given up, of which the word may be lost that they have. */
  endedKeptMax: 64,
  /** How often the stalled are looked for. */
  transferSweepMs: 5 * second,
  fileBytesMax: 2 ** 50,
  fileNameBytesMax: 255,
  mediaTypeBytesMax: 128,

  // --- between servers (merging.md) --------------------------------------------------------------
  serversMax: 1024,
  linksPerServerMax: 64,
  hopsMax: 64,
  announcementBytesMax: 8 * KiB,
  /** A route to all servers of the largest fusion, each with the longest port and length. */
  routeBytesMax: 6 * 1024,
  /** Keys made ready for use: of each server of a fusion one for signing and one for sealing. */
  cachedKeysMax: 2048,
  announcementsPerSecond: 2,
  announcementsBurst: 8,
  /** An origin that goes on faster is heard this seldom, at worst. */
  announcementHoldMsMax: 60 * second,
  /** Of a server that cannot be reached any more: long enough for most heals. */
  announcementKeepMsMax: 10 * minute,
  /**
   * A link that has stood this long is not undone by news (judging.ts): longer than a birth may be
   * said before its link is listed (60 s), and news of that need to come everywhere, with a silent
   * link on the way (40 s) and an origin that is held (60 s).
   */
  establishedMs: 3 * minute,
  /** Judging that takes longer than this rests for so many times as long: a fifth of the time. */
  judgeQuickMs: 2,
  judgeRestFactor: 4,
  /** Refusals of news, one after the other, in one judgement; then nothing that is new is taken. */
  judgeRoundsMax: 8,
  /** Announcements that were not taken, one of an origin, and are judged again: a full fusion's. */
  refusedMax: 1024,
  /** How often the log tells that news was refused or forgotten: the counters have all. */
  newsLoggedMsMin: 1 * minute,
  /** Announcements kept: a full fusion, and as many again that were lost or are hostile. */
  announcementsMax: 2048,
  /**
   * By how much births may grow: honest ones by 1 a link, and at once to those of a fusion that is
   * older by many years. At this pace a liar would need two thousand years to use them up.
   */
  birthsPerSecond: 2 ** 16,
  birthsBurst: 2 ** 32,
  /** No birth of a link is larger; what others list beyond it is not followed. */
  birthMax: 2 ** 52,
  /**
   * Of all origins, over one link: a full fusion's at once, and more than its pace later; who sends
   * keeps to this share of it, and so is not taken for the liar whose flood it passes on.
   */
  linkAnnouncementsBurst: 4096,
  linkAnnouncementsPerSecond: 1000,
  linkAnnouncementsShare: 0.75,
  /** Links that have not yet said who they are or have not yet caught up. */
  linkHandshakesMax: 64,
  /** The list of a fusion's names and sids, in a handshake: 1,024 of the longest. */
  linkFusionBytesMax: 128 * KiB,
  /** Registers of the core per link, by key. */
  linkRegistersMax: 4096,
  /** A register that found no room is tried again this soon, should the link never be idle. */
  linkRetryMs: 100,
  /** `trace`: how long its answers are awaited, how many run. */
  traceMsMax: 5 * second,
  /** And those of the servers on the way, when the last one has answered. */
  traceLagMs: 250,
  tracesMax: 16,
  /** Questions of one neighbour, and of all behind it, that are answered: people ask seldom. */
  tracesPerSecond: 5,
  /** What a full disk did not take is written again after this. */
  storeRetryMs: 5 * second,
  /** What a dry run is told of the other side: room beside the list of a full fusion. */
  summaryBytesMax: 32 * KiB,
  /** A new one is made only after this: strangers may ask, and it looks at all rooms. */
  summaryMsMin: 1 * second,
  /** In it: servers and rooms, those with most people first; names of people. */
  summaryRowsMax: 100,
  summaryNamesMax: 50,
  /** `map`: how long the other servers' answers are awaited; an operator waits as well. */
  surveyMsMax: 1 * second,
  /** And how soon one of them may ask again: each question costs a sealed answer. */
  surveyMsMin: 100,
  /** Until then `map` shows the times of the last one again: sooner they would not answer. */
  surveyKeptMs: 250,
  /** Names with their keys that are remembered. */
  pinsMax: 4096,
  /** Servers whose last dial is remembered: a fusion and its past. */
  peersMax: 4096,
  linkHandshakeMsMax: 5 * second,
  /** Dials that a merge repeats at once, since each crossed one of the other side's in vain. */
  gaveWayMax: 4,
  /** To tell each other all servers that are known, over a slow line: 16 MiB at the very most. */
  linkSyncMsMax: 60 * second,
  heartbeatMs: 10 * second,
  heartbeatMissedMax: 3,
  /** Answers to pings: honest ones come once in `heartbeatMs`. */
  pongsPerSecond: 10,
  /** Before a lost link is dialled again, and at least between two tries. */
  redialMsMin: 250,
  /**
   * Of the time that a link has been lost, this share passes until the next try: so what is mended
   * after ten seconds is found within about one.
   */
  redialShare: 1 / 8,
  /**
   * A link that was undone or refused may be possible once the view has changed: then it is tried
   * this soon, when a storm of merges is over, and later each time.
   */
  hurryMsMin: 250,
  hurryMsMax: 1 * second,
  redialMsMax: 60 * second,
  /** The longest of a link's birth, epoch, sequence: what a JSON number holds exactly. */
  counterMax: 2 ** 53 - 1,
  /** The last time that a date can be, in milliseconds since 1970: a later one cannot be shown. */
  timeMsMax: 8.64e15,
  /** Frames in flight on the channel to one server; then private messages are congested. */
  channelWindowMax: 4096,
  channelWindowBytesMax: 2 * MiB,
  /** What is not acknowledged is sent again after the first, a long round trip, up to the last. */
  channelResendMsMin: 200,
  channelResendMs: 2 * second,
  /** What came is acknowledged after so long, or so many bytes: less than a window, or a resend. */
  channelOwedMsMax: 25,
  channelOwedBytesMax: 256 * KiB,
  /** Messages of a tick are sealed together: so many, and so long as texts; a longer one alone. */
  channelBatchMax: 1024,
  channelBatchLengthMax: 16 * KiB,
  /** A private message whose end is not known is called unconfirmed after this. */
  unconfirmedMsMax: 60 * second,
  /** Messages whose end is not known: all that somebody waits for, and the last unconfirmed. */
  tellsUnsettledMax: 10_000,
  /** Delivered messages of other servers, remembered by their authors' ids. */
  tellsDeliveredMax: 10_000,
  /** Pings that are awaited: one for each time that something is handed over, and one in 5 s. */
  reachedAwaitedMax: 16,
  /** Private messages and offers to one server that wait for its window; more are congested. */
  privateQueuedMax: 256,
  /** Kept frames of servers not yet in view: what is lost of them is sent again anyway. */
  channelEarlyMax: 256,
  channelEarlyBytesMax: 16 * KiB,
  /** One who came and has not told its people by then is asked: perhaps it never saw us go. */
  snapshotMs: 1 * second,
  /** Characters of the reason that a peer tells: an operator reads it. The longest of ours fits. */
  toldLengthMax: 1024,
  /**
   * A server that has left keeps its place this long: a laptop that slept, a cable that was out.
   */
  peerKeptMsMax: 15 * minute,
  /** Lines about links that an operator is shown: a split of a whole fusion, but no flood. */
  reportsBurst: 200,
  reportsPerSecond: 1,
  /** A merge is reported when all servers see the same, or after this. */
  settleMsMax: 1 * second,
  /** What goes within this goes by one cause, and is told in one line: neighbours' news travel. */
  partingMs: 300,
  /** That a link was ended on purpose is told of the split that follows, and of no later one. */
  partedMsMax: 2 * second,
  /** After something was said, heads are told once more, so that a lost frame is noticed. */
  pulseMs: 1 * second,
  /** Once by the fabric, to all at once; when it is quiet then, to each by the channel. */
  pulses: 2,
  /** Where it is never quiet, by the channel after so many by the fabric. */
  surePulsesEvery: 10,
  /** How soon others are told what is held of streams whose origin is away: changes together. */
  heldMs: 1 * second,
  /** Streams of a room of which is told: the newest; a server that starts daily makes one a day. */
  heldRowsMax: 512,
  /** Rows of one message: some 20 KiB. */
  heldPageMax: 128,
  /** Of each stream, when it is first heard: a merge of many servers must not flood them. */
  onMergeMax: 1000,
  /**
   * What a server says after a restart waits so long for word of what it said before, and so long
   * again for that: longer than it takes to notice that a link is dead, and to find another way.
   */
  earlierLifeMsMax: 40 * second,
  /** Servers whose messages are in the history, with their keys: 130 bytes each. */
  originsMax: 4096,
  /** Streams of which it is kept where they stood when they were first heard: 100 bytes each. */
  metRowsMax: 8192,
  /**
   * Numbers of a stream that are asked for at once, at first, and at most; the next ones when these
   * have come. So few of the longest texts fit an answer.
   */
  askedMin: 16,
  askedMax: 512,
  /** So many servers that hear a room are each told what one has of streams; of more, some. */
  heldToAllMax: 16,
  /** Of those who tell that they have a stream: more than log2 of the servers, who tell of each. */
  tellersMax: 16,
  /**
   * So many answers, two seconds apart, that it is not there, and one of each who told that it is:
   * then what is missing is given up.
   */
  lostAnswersMin: 3,
  /** Where a server that is away may have it, it is waited for; what came after it waits, too. */
  originAwayMsMax: 60 * second,
  /** What was said in this time is said again when the routes have changed: it may be lost. */
  sayAgainMs: 2 * second,
  /** And not more than this, which is what a link of a room's class takes with ease. */
  sayAgainBytesMax: 1 * MiB,
  /** Rooms in which one server can speak in one tick: a path of 12 hashes. */
  batchLeavesMax: 4096,
  batchMessagesMax: 4096,
  /** A message is at most as long as a frame: with it, a batch still fits a link's frame. */
  batchBytesMax: 512 * KiB,
  /** Batches of one stream that wait for what is missing before them; the rest is asked for. */
  aheadBatchesMax: 64,
  aheadBytesMax: 2 * MiB,
  /** And of all streams of one server. */
  aheadPeerBytesMax: 8 * MiB,
  /** What is missing is asked for again after this: the question or the answer may be lost. */
  askAgainMs: 2 * second,
  /** Another server's clock is followed this far ahead, and no further (security C7). */
  clockAheadMsMax: 60 * second,
  /** How long after the start a room that is joined goes on where it stood before the start. */
  rejoinMs: 10 * minute,
  /** What each room's own stream keeps in memory to answer those who missed something. */
  streamRingBytesMax: 4 * MiB,
  /** People and rooms in one directory frame. */
  directoryPageMax: 500,
  /** Characters of one page: pages of people with many rooms are shorter. */
  directoryPageLengthMax: 64 * KiB,
  /** Frames kept until their snapshot is there; without one of them, there is another snapshot. */
  directoryAheadMax: 64,
  /** Changes in one directory frame: with the longest reasons it fits a link's control lane. */
  directoryChangesMax: 100,
  peoplePerServerMax: 100_000,
  /** Who is gone within this leaves no pin: a storm of merges is over long before. */
  pinFirmMs: 10 * second,
  /** A name that was once seen with a key stays with it this long. */
  pinMsMax: 30 * day,
  /** A pin is written again only when it has aged by this much, to spare the disk. */
  pinRefreshMs: 1 * day,

  // --- the client --------------------------------------------------------------------------------
  /** What a server may send a client in one frame: a page of the history. */
  serverFrameBytesMax: 4 * MiB,
  /** A file is read in pieces of this, cut into chunks; no more of it waits in the outbox. */
  readBytes: 256 * KiB,
  /** A file is written in pieces of this. */
  writeBytes: 256 * KiB,
  /** What waits to be written before the credit waits, too: some milliseconds of a disk. */
  writeAheadBytes: 1 * MiB,
  /**
   * Where bytes for a renewed credit come within this, the way is short: the first window fills it,
   * with 128 MB a second or more, and a larger one is only a queue.
   */
  creditDelayMs: 2,
  /** A credit is renewed by this at least: each costs a server as much as some 10 KB of a file. */
  creditStepBytesMin: 128 * KiB,
  /** "name (2).ext" and so on, before a download is given up. */
  fileCopiesMax: 1000,
  /** The file of pinned certificates: some thousand lines. */
  knownServersBytesMax: 1 * MiB,
  reconnectMsMin: 500,
  reconnectMsMax: 30 * second,
  /** Requests sent and not yet answered. */
  requestsInFlightMax: 1024,
  /** A line that is typed or piped in. */
  lineBytesMax: 64 * KiB,
  /** Lines piped in that have no answer yet; then no more are read. */
  linesInFlightMax: 64,
  /** How often a transfer's progress is told. */
  progressMs: 250,
  /** Output that nobody reads: then a client gives up, and a terminal is shown less. */
  outputBytesMax: 16 * MiB,
  /** Characters of the last lines that come while a password is asked for: shown then. */
  unseenLengthMax: 256 * KiB,
  /** A paste of which nothing came for so long stands still, on the worst way: Ctrl-C ends it. */
  pasteStillMs: 1 * second,
  /** Names that are completed; and lines that are remembered. */
  completionsMax: 5000,
  inputHistoryMax: 500,
  /** Rows of one message of many lines: a long piece of code, but no flood of empty ones. */
  textRowsMax: 200,
  /** Completions that are shown at once; and transfers: the others when these are done. */
  choicesMax: 50,
  transfersShownMax: 5,
  /** And lines that wait for their answers: most of a small terminal is still free. */
  waitingShownMax: 5,
  /** /quit waits so long for answers: a private message over a lost link has its own by then. */
  quitMs: 65 * second,
  /** A line without an answer for so long is shown to wait: on a good way nobody sees any. */
  answerAwaitedMs: 1 * second,
  passwordTriesMax: 3,
  /** Ids of the last messages told, two each: as many as a page back may hold twice, and more. */
  toldIdsMax: 20_000,
  /** After a lost session: pages of the history that are read to make up for it, per room. */
  missedPagesMax: 50,
  /**
   * A page that takes longer is not had: what is said now in that room waits for it. After a
   * restart thousands ask at once, which may take half of this.
   */
  pastAwaitedMs: 60 * second,
  /** What comes of a room meanwhile: more than a busy one says in the time of these answers. */
  heldEventsMax: 10_000,
  /** As many messages of a room may come in one tick in another order than they are logged in. */
  missedOverlapMax: 200,
  /** Lives of servers of which a client knows what of them it was told first in a room. */
  livesBegunMax: 256,
  /** Messages that wait for a connection. */
  unsentMax: 1000,

  // --- the operator ------------------------------------------------------------------------------
  /** Terminals that give one server commands at the same time. */
  adminConnectionsMax: 16,
  /** An answer to the operator; a `who` of everybody fits. */
  adminAnswerBytesMax: 16 * MiB,
  /** Who has a nick elsewhere: of the longest addresses, what a refusal of another server holds. */
  namesakesMax: 4,
  /** Names in one line of an answer; of the others their number is told. */
  listedMax: 8,
  /** Lines typed ahead at the console while a command runs. */
  consoleLinesMax: 64,
  /** While another program has the terminal: nobody waits longer for a prompt after `fg`. */
  terminalAskedMs: 1 * second,
  /** Words of one command; and those that a client's command may have. */
  commandWordsMax: 1000,
  commandArgsMax: 32,
  /** Commands of one plugin: a list that people still read. */
  commandsPerPluginMax: 32,
  commandNameLengthMax: 32,
  /** A command's usage, and what it does: a line of a terminal each. */
  commandLineLengthMax: 100,
  /** What one answers to a session: a frame of it is far from filling its outbox. */
  commandAnswerBytesMax: 1 * MiB,
  /** Commands of one session that have not answered yet, like merges: others are refused. */
  commandsRunningMax: 16,
  /** Files that a config may import, one through the other. */
  configFilesMax: 200,
  /** A config may ask another program for a secret; what takes longer never comes. */
  configMsMax: 30 * second,
} as const;
