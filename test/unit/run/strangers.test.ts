import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import type { Stranger } from '../../../harness/model/history.ts'
import { nameSystem, watched, watchForStrangers } from '../../../harness/run/strangers.ts'

async function answeringAs(name: string | undefined) {
  const server = createServer((_, response) => {
    if (name !== undefined) response.setHeader('Outlast-Node', name)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"right":true}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, [Symbol.dispose]: () => void server.close().closeAllConnections() }
}

test('two systems of one name are told apart, and a name fits into a header', () => {
  const [one, other] = [nameSystem('run', 'cell'), nameSystem('run', 'cell')]
  expect(one).not.toBe(other)
  expect(nameSystem('läuft gut', 'polling+memory.none.1')).toMatch(/^[\x21-\x7e]+$/)
})

test('whatever a client gets from a stranger is told, once per place, and the client gets it all the same', async () => {
  const system = nameSystem('run', 'cell')
  using ours = await answeringAs(`${system}/api-0`)
  using theirs = await answeringAs('another-run/cell/0f0f0f/api-0')
  using nobodys = await answeringAs(undefined)
  const told: Stranger[] = []
  const watch = watchForStrangers(system, (stranger) => told.push(stranger))
  const agent = new Agent()
  const places = [ours, theirs, nobodys].map(({ url }, i) => ({ name: `client->api-${i}`, url }))
  const dispatcher = watched(agent, places, watch)
  for (const { url } of [...places, ...places]) {
    const answer = await request(`${url}/v1/tasks/x`, { dispatcher })
    expect(await answer.body.json()).toEqual({ right: true })
  }
  await agent.destroy()
  expect(told).toEqual([
    { place: 'client->api-1', who: 'it says that it is another-run/cell/0f0f0f/api-0' },
    { place: 'client->api-2', who: 'it gave no name, and HTTP 200' },
  ])
})
