import { createServer } from 'node:http'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import {
  BlockedDestination,
  checkUrl,
  destinationsOf,
  guardedConnector,
  guardedLookup,
  addressFilter,
} from '../../../patterns/contract/server/destination.ts'

const isPublic = addressFilter([])
const anywhere = destinationsOf({})
const words = (text: string): string[] => text.trim().split(/\s+/)

test.each(
  words(`
    0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192
    192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    192.31.196.1 192.52.193.1 192.88.99.1 192.175.48.1 168.63.129.16 161.26.0.10 166.8.0.1
    :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:a00:1 0:0:0:0:0:ffff:0a00:0001 ::FFFF:169.254.169.254
    ::ffff:0:127.0.0.1 ::ffff:0:7f00:1 ::ffff:0:8.8.8.8 64:ff9b::a00:1 64:ff9b::8.8.8.8 64:ff9b:1::a00:1 64:ff9b:1:ffff::1
    100::1 100:0:0:1::1 2001::1 2001:0:53aa:64c:0:0:f5ff:fffe 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1
    2001:30::1 2001:1ff:ffff::1 2001:db8::1 2002:a00:1:: 2002:808:808::1 2620:4f:8000::1 3fff::1 3fff:fff::1 5f00::1
    fc00::1 fd12::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 4000::1 1::1
    2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:a00:1
    0x7f.1 0177.0.0.1 2130706433 017700000001 127.1
  `),
)('%s is refused', (address) => {
  expect(isPublic(address)).toBe(false)
})

test.each(['', 'localhost', '127.0.0.1.', '１２７.０.０.１', '[::1]', '::1 ', '256.1.1.1', '1.1.1.1/8', '::g'])(
  'what is no plain address is refused: "%s"',
  (address) => expect(isPublic(address)).toBe(false),
)

test.each(
  words(
    `1.1.1.1 8.8.8.8 172.15.255.255 172.32.0.1 168.63.129.15 ::ffff:8.8.8.8 2606:4700::1111 2001:200::1 2a00:1450::1`,
  ),
)('%s is public', (address) => {
  expect(isPublic(address)).toBe(true)
})

test('an allowed network is exempt, in every spelling of its addresses, and nothing else is', () => {
  const isAllowed = addressFilter(['127.0.0.0/8', 'fd00::/8'])
  for (const address of ['127.0.0.1', '127.9.9.9', '::ffff:127.0.0.1', 'fd00::7']) expect(isAllowed(address)).toBe(true)
  for (const address of ['10.0.0.1', '::1', 'fc00::1', '::ffff:0:127.0.0.1']) expect(isAllowed(address)).toBe(false)
})

test.each(
  words(`
    http://127.0.0.1/ http://127.0.0.1./ http://2130706433/ http://0x7f.1/ http://0x7f000001/ http://0177.0.0.1/ http://127.1/
    http://017700000001/ http://１２７.０.０.１/ http://①②⑦.0.0.1/ http://127。0。0。1/ http://[::1]:80/ http://[::ffff:7f00:1]/
    http://[::ffff:10.0.0.1]/ http://[::ffff:0:127.0.0.1]/ http://[64:ff9b:1::7f00:1]/ http://168.63.129.16/
    http://%31%32%37.0.0.1/ file:///etc/passwd gopher://8.8.8.8/ http://user:secret@example.com/ ftp://8.8.8.8/
  `),
)('the URL %s is refused', (url) => {
  expect(() => checkUrl(url, anywhere)).toThrow(BlockedDestination)
})

test('a name passes until it is dialled', () => {
  expect(() => checkUrl('https://example.com/hook', anywhere)).not.toThrow()
})

test('callbacks go to the ports of the web and to those that need no privilege, or to those that are named', () => {
  const isRefused = (port: string | number, webhookPorts?: string): boolean => {
    try {
      checkUrl(`http://example.com:${port}/`, destinationsOf({ ...(webhookPorts && { webhookPorts }) }))
      return false
    } catch (error) {
      expect(error).toBeInstanceOf(BlockedDestination)
      return true
    }
  }
  expect([80, 443, 1024, 8443, 65535].filter((port) => isRefused(port))).toEqual([])
  expect([1, 22, 25, 53, 79, 81, 444, 587, 1023].filter((port) => !isRefused(port))).toEqual([])
  expect([443, 8000, 8010].filter((port) => isRefused(port, '443,8000-8010'))).toEqual([])
  expect([80, 7999, 8011].filter((port) => !isRefused(port, '443,8000-8010'))).toEqual([])
})

test('address and port are judged again when they are dialled', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  const dial = (webhookAllow: string[], webhookPorts: string) =>
    new Promise((resolve) => {
      const connect = guardedConnector(destinationsOf({ webhookAllow, webhookPorts }), 1000)
      const options = { hostname: '127.0.0.1', protocol: 'http:', port: String(port) }
      connect(options, (error, socket) => {
        socket?.destroy()
        resolve(error ?? 'connected')
      })
    })
  expect(await dial(['127.0.0.0/8'], '1-65535')).toBe('connected')
  expect(await dial([], '1-65535')).toBeInstanceOf(BlockedDestination)
  expect(await dial(['127.0.0.0/8'], '80')).toBeInstanceOf(BlockedDestination)
  server.close()
})

type Resolved = readonly { address: string; family: number }[]

function lookedUp(resolved: Resolved, all: boolean): Promise<unknown> {
  const resolve = ((_: string, __: object, callback: (error: null, addresses: Resolved) => void) =>
    callback(null, resolved)) as unknown as Parameters<typeof guardedLookup>[1]
  return new Promise((settle) => {
    guardedLookup(isPublic, resolve)('name.example', { all }, (error, address) => settle(error ?? address))
  })
}

test('a name is judged by what it resolves to when it is dialled', async () => {
  const open = { address: '8.8.8.8', family: 4 }
  const closed = { address: '10.0.0.1', family: 4 }
  expect(await lookedUp([open], false)).toBe('8.8.8.8')
  expect(await lookedUp([open], true)).toEqual([open])
  expect(await lookedUp([closed], false)).toBeInstanceOf(BlockedDestination)
  expect(await lookedUp([open, closed], false)).toBeInstanceOf(BlockedDestination)
  expect(await lookedUp([open, closed], true)).toBeInstanceOf(BlockedDestination)
  // The message is shown to whoever named it: it must not answer what names inside resolve to.
  expect((await lookedUp([closed], false)) as Error).toHaveProperty('message', expect.not.stringContaining('10.0.0.1'))
})

test.each([true, false])('a name that resolves to nothing has no address (all: %s)', async (all) => {
  expect(await lookedUp([], all)).toMatchObject({ code: 'ENODATA', message: 'name.example has no address' })
})
