/**
 * The embedded Toxiproxy-compatible server as a process:
 *
 *     node main.ts --listen 127.0.0.1:0 --evidence FILE --seed N
 *
 * Prints `{"listening":"http://127.0.0.1:4711"}` when it is ready. Ends with its stdin, so that it cannot outlive the
 * harness, and on SIGTERM.
 */
import { parseArgs } from 'node:util'
import { startServer } from './server.ts'

const { values } = parseArgs({
  options: { listen: { type: 'string' }, evidence: { type: 'string' }, seed: { type: 'string' } },
})
const { listen = '127.0.0.1:0', evidence, seed } = values
if (evidence === undefined || seed === undefined) {
  console.error('usage: main.ts [--listen HOST:PORT] --evidence FILE --seed N')
  process.exit(3)
}

const server = await startServer(listen, evidence, seed, (failed) => console.log(JSON.stringify({ failed })))
const stop = (): void => {
  server.close()
  process.exit(0)
}
process.once('SIGTERM', stop)
process.stdin.once('end', stop).once('error', stop).resume()
console.log(JSON.stringify({ listening: server.url }))
