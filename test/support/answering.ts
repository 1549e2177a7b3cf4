import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Answering extends Disposable {
  readonly url: string
  readonly asked: () => number
}

/** Answers with these one after the other, and with the last one from then on: a status, or 200 with a body. */
export async function answering(...answers: readonly (number | string)[]): Promise<Answering> {
  let asked = 0
  const server = createServer((_, response) => {
    const answer = answers[Math.min(asked++, answers.length - 1)]!
    if (typeof answer === 'number') response.writeHead(answer).end()
    else response.end(answer)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked: () => asked, [Symbol.dispose]: () => void server.close() }
}
