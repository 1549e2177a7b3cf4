import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { goesDown } from '../../../harness/os/answers.ts'

async function listening() {
  const server = createServer((socket) => socket.on('error', () => {}).destroy())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('who answers once more and then no more goes down', async () => {
  const { server, url } = await listening()
  setTimeout(() => server.close(), 100)
  expect(await goesDown(url)).toBe(true)
  expect(await goesDown(url)).toBe(true)
})

test('who goes on to answer does not', async () => {
  const { server, url } = await listening()
  expect(await goesDown(url)).toBe(false)
  server.close()
})
