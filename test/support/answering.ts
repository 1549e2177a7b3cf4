import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Answering extends Disposable {
  readonly url: string
  readonly asked: () => number
}

/** Answers with these statuses one after the other, and with the last one from then on. */
export async function answering(...statuses: readonly number[]): Promise<Answering> {
  let asked = 0
  const server = createServer((_, response) => {
    response.writeHead(statuses[Math.min(asked++, statuses.length - 1)]!).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked: () => asked, [Symbol.dispose]: () => void server.close() }
}
