/** Runs commands in this process, one after the other, as its parent says: a start of Node for each would take most of the time. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { main } from '../../harness/cli/main.ts'
import type { Asked, Told } from './cli.ts'

const places = new AsyncLocalStorage<number>()
let current = 0
let finish: (code: number) => void = () => {}
let [stdout, stderr] = ['', '']

const keep =
  (take: (text: string) => void) =>
  (text: string | Uint8Array): boolean => {
    take(typeof text === 'string' ? text : Buffer.from(text).toString())
    return true
  }
process.stdout.write = keep((text) => (stdout += text))
process.stderr.write = keep((text) => (stderr += text))
// What a finished command still has in mind concerns no later one. Whoever calls this counts on not coming back, and does not.
process.exit = ((code) => {
  if ((places.getStore() ?? current) === current) finish(Number(code ?? process.exitCode ?? 0))
}) as typeof process.exit

async function run({ id, args }: Asked): Promise<Told> {
  ;[current, stdout, stderr] = [id, '', '']
  process.exitCode = undefined
  const startedAt = performance.now()
  const code = await new Promise<number>((resolve, reject) => {
    finish = resolve
    void places.run(id, () => main(args).then(() => resolve(Number(process.exitCode ?? 0)), reject))
  })
  process.exitCode = undefined
  for (const name of ['uncaughtException', 'unhandledRejection', 'SIGINT', 'SIGTERM', 'SIGHUP', 'exit'])
    process.removeAllListeners(name)
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error')
  return { id, code, stdout, stderr, tookMs: performance.now() - startedAt }
}

process.on('message', (asked: Asked) => void run(asked).then((told) => process.send!(told)))
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
