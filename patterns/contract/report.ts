/** One line of JSON on stderr for an error that nobody expected, with its stack: a node's log. */
export function reportError(node: string, where: string, error: unknown): void {
  const { stack } = error instanceof Error ? error : new Error(String(error))
  writeLine('error', node, where, { error: describe(error), stack })
}

/** The same for a failure that the world around a node may cause at any time. */
export function reportFailure(node: string, where: string, error: unknown): void {
  writeLine('warning', node, where, { error: describe(error) })
}

function writeLine(level: string, node: string, where: string, details: object): void {
  process.stderr.write(JSON.stringify({ level, time: new Date().toISOString(), node, where, ...details }) + '\n')
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return [error.name, (error as NodeJS.ErrnoException).code, error.message].filter(Boolean).join(': ')
}
