import { closeSync, openSync, writeSync } from 'node:fs'

/** What a spare gets, as one line of JSON on its stdin: its whole environment as a node, and where its output goes. */
interface Call {
  readonly env: Readonly<Record<string, string>>
  readonly log: string
}

/**
 * With OUTLAST_PARENT_PIPE=1 this process ends at once when its stdin ends: no node outlives its starter. With
 * OUTLAST_SPARE=1, too, it is nobody yet: it loads what nodes need, says so by one line on stdout, and waits for its
 * call. Resolves once the environment says who this is.
 */
export async function heedStarter(load: (env: NodeJS.ProcessEnv) => Promise<unknown>): Promise<void> {
  const { env, stdin } = process
  if (env['OUTLAST_PARENT_PIPE'] !== '1') return
  stdin.on('end', leave).on('error', leave)
  if (env['OUTLAST_SPARE'] !== '1') return void stdin.resume()
  const called = firstLine(stdin)
  await load(env)
  writeSync(1, '{"loaded":true}\n')
  const call = JSON.parse(await called) as Call
  delete env['OUTLAST_SPARE']
  Object.assign(env, call.env)
  sendOutputTo(call.log)
}

/** Reads on after it, so that the end is noticed. */
function firstLine(input: NodeJS.ReadStream): Promise<string> {
  let text = ''
  return new Promise((resolve) =>
    input.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    }),
  )
}

/** A new descriptor is the lowest that is free (open(2)): what is closed is opened again as that file, also for native code. */
function sendOutputTo(log: string): void {
  for (const fd of [1, 2]) {
    closeSync(fd)
    if (openSync(log, 'a') !== fd) throw new Error(`the descriptor ${fd} cannot be opened again as ${log}`)
  }
}

function leave(): void {
  process.exit(0)
}
