// A log that finds no room, or no reader, ends no node.
process.stderr.on('error', () => {})

/** One line of JSON on stderr for an unexpected error, with its stack: a node's log. */
export function logError(node: string, where: string, error: unknown): void {
  const { stack } = error instanceof Error ? error : new Error(String(error))
  writeLine('error', node, where, { error: describe(error), stack })
}

/** The same for a failure that the world around a node may cause at any time. */
export function logFailure(node: string, where: string, error: unknown): void {
  writeLine('warning', node, where, { error: describe(error) })
}

function writeLine(level: string, node: string, where: string, details: object): void {
  const line = JSON.stringify({ level, time: new Date().toISOString(), node, where, ...details })
  process.stderr.write(`${line.replaceAll(acting, escape)}\n`)
}

/** What JSON leaves as it is, and a terminal that shows the log would obey. */
const acting = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

function escape(char: string): string {
  return `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`
}

/** With what caused it, as far as that is worth reading. */
function describe(error: unknown, depth = 5): string {
  if (!(error instanceof Error)) return String(error)
  const own = [error.name, (error as NodeJS.ErrnoException).code, error.message].filter(Boolean).join(': ')
  return error.cause === undefined || depth === 0 ? own : `${own}; ${describe(error.cause, depth - 1)}`
}
