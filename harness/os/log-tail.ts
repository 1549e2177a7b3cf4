import { openRegular } from '../core/own-file.ts'

const tailBytes = 16_384
const mostLength = 400
/** What servers call the lines that say why they end. */
const errorWords = /\b(?:FATAL|PANIC|ERROR|error|\w*(?:Error|Exception))\b/
/** Node and Java say below an error where it was thrown. */
const ofStack = /^\s+at /

/** The last line of a log that calls itself an error, else the last line, if there is any. Never rejects. */
export async function lastErrorLine(logFile: string): Promise<string | undefined> {
  const lines = (await readTail(logFile).catch(() => ''))
    .split('\n')
    .filter((line) => line.trim() !== '' && !ofStack.test(line))
  const told = lines.findLast((line) => errorWords.test(line)) ?? lines.at(-1)
  return told && endOf(told.trim())
}

/** What a log says of a full disk, wherever in it, or undefined. Never rejects. */
export function diskFullLine(logFile: string): Promise<string | undefined> {
  return lineAbout(/No space left on device/, logFile)
}

/** The line about a taken port, in the words of Node, C, Go or Rust, or undefined. Never rejects. */
export function portTakenLine(logFile: string): Promise<string | undefined> {
  return lineAbout(/EADDRINUSE|address (?:is )?(?:already )?in use/i, logFile)
}

async function lineAbout(cause: RegExp, logFile: string): Promise<string | undefined> {
  const told = await lastLineOf(cause, logFile).catch(() => undefined)
  return told && endOf(told.trim())
}

async function lastLineOf(kind: RegExp, file: string): Promise<string | undefined> {
  await using handle = await openRegular(file, { maxBytes: Infinity })
  let [rest, told]: [string, string | undefined] = ['', undefined]
  for await (const piece of handle.createReadStream({ encoding: 'utf8', autoClose: false }) as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n')
    // Of a line without end nobody keeps more.
    rest = lines.pop()!.slice(-tailBytes)
    told = lines.findLast((line) => kind.test(line)) ?? told
  }
  return kind.test(rest) ? rest : told
}

/** Of a chain of causes the last is the first. */
function endOf(line: string): string {
  return line.length > mostLength ? `...${line.slice(-mostLength)}` : line
}

async function readTail(file: string): Promise<string> {
  await using handle = await openRegular(file, { maxBytes: Infinity })
  const { size } = await handle.stat()
  const from = Math.max(0, size - tailBytes)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(tailBytes), 0, tailBytes, from)
  return buffer.toString('utf8', 0, bytesRead)
}
