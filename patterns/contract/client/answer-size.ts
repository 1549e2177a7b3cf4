/**
 * As long as one answer may be, in bytes, for an agent of undici: a server that goes on for ever would otherwise be all memory. Far
 * above every event and task. A stream that has come to so much is cut, and goes on at its place as after every cut.
 */
export const mostAnswerBytes = 64 * 2 ** 20
