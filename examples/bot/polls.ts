// The bot's polls: one at a time in a room, each vote of one person counts once, and the last one
// of a person is the one that counts. Pure; they end with the program.

/** The oldest poll gives its place to the newest of too many. */
const pollsMax = 100;
const answersMax = 10;
const textLengthMax = 200;
const votersMax = 10_000;

interface Poll {
  readonly by: string;
  readonly question: string;
  readonly answers: readonly string[];
  /** By whom it was given, the number of an answer, from 0 on. */
  readonly votes: Map<string, number>;
}

export function createPolls() {
  const polls = new Map<string, Poll>();
  const none = "there is no poll here; !poll QUESTION | ANSWER | ANSWER begins one";
  return {
    open(room: string, by: string, text: string): string {
      const open = polls.get(room);
      if (open !== undefined && open.by !== by)
        return `there is a poll already; !close ends it, by whoever asked: ${open.question}`;
      const [question = "", ...answers] = text.split("|").map((part) => part.trim());
      if (answers.length < 2 || answers.length > answersMax)
        return `expected a question and 2 to ${answersMax} answers, with | between them`;
      if ([question, ...answers].some((part) => part === "" || part.length > textLengthMax))
        return `expected a question and answers of 1 to ${textLengthMax} letters`;
      polls.delete(room);
      const poll = { by, question, answers, votes: new Map<string, number>() };
      polls.set(room, poll);
      const [oldest = ""] = polls.keys();
      if (polls.size > pollsMax) polls.delete(oldest);
      return `${shown(poll)}; !vote NUMBER votes`;
    },
    vote(room: string, by: string, text: string): string {
      const poll = polls.get(room);
      if (poll === undefined) return none;
      const number = Number(text.trim() || Number.NaN);
      if (!Number.isInteger(number) || number < 1 || number > poll.answers.length)
        return `expected a number from 1 to ${poll.answers.length}: !vote 1`;
      if (!poll.votes.has(by) && poll.votes.size >= votersMax) return "too many have voted";
      poll.votes.set(by, number - 1);
      return shown(poll);
    },
    show(room: string): string {
      const poll = polls.get(room);
      return poll === undefined ? none : shown(poll);
    },
    close(room: string, by: string): string {
      const poll = polls.get(room);
      if (poll === undefined) return none;
      if (poll.by !== by) return "a poll is closed by whoever asked";
      polls.delete(room);
      return `the poll is over: ${shown(poll)}`;
    },
  };
}

// --- internal ---

function shown({ question, answers, votes }: Poll): string {
  const counts = answers.map(
    (_answer, index) => [...votes.values()].filter((vote) => vote === index).length,
  );
  const list = answers.map((answer, index) => `${index + 1}. ${answer} (${counts[index]})`);
  return `${question} ${list.join(", ")}`;
}
