import { expect, test } from 'vitest'
import { addressFilter, BlockedDestination, checkUrl, guardedLookup } from '../../../patterns/contract/destination.ts'

const isPublic = addressFilter([])
const words = (text: string): string[] => text.trim().split(/\s+/)

test.each(
  words(`
    0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.168.1.1
    198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:a00:1
    0:0:0:0:0:ffff:0a00:0001 64:ff9b::a00:1 2001:db8::1 2002:a00:1:: fc00::1 fd12::1 fe80::1 fe80::1%eth0 ff02::1
  `),
)('%s is refused', (address) => {
  expect(isPublic(address)).toBe(false)
})

test.each(['1.1.1.1', '8.8.8.8', '172.15.255.255', '172.32.0.1', '::ffff:8.8.8.8', '2606:4700::1111'])(
  '%s is public',
  (address) => {
    expect(isPublic(address)).toBe(true)
  },
)

test('an allowed network is exempt, in every spelling of its addresses, and nothing else is', () => {
  const isAllowed = addressFilter(['127.0.0.0/8', 'fd00::/8'])
  for (const address of ['127.0.0.1', '127.9.9.9', '::ffff:127.0.0.1', 'fd00::7']) expect(isAllowed(address)).toBe(true)
  for (const address of ['10.0.0.1', '::1', 'fc00::1']) expect(isAllowed(address)).toBe(false)
})

test.each(
  words(`
    http://127.0.0.1/ http://2130706433/ http://0x7f.1/ http://0177.0.0.1/ http://[::1]:80/
    http://[::ffff:10.0.0.1]/ file:///etc/passwd gopher://8.8.8.8/ http://user:secret@example.com/
  `),
)('the URL %s is refused', (url) => {
  expect(() => checkUrl(url, isPublic)).toThrow(BlockedDestination)
})

test('a name passes until it is dialled', () => {
  expect(() => checkUrl('https://example.com/hook', isPublic)).not.toThrow()
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
  expect(await lookedUp([open, closed], true)).toBeInstanceOf(BlockedDestination)
  // The message is shown to whoever named it: it must not answer what names inside resolve to.
  expect((await lookedUp([closed], false)) as Error).toHaveProperty('message', expect.not.stringContaining('10.0.0.1'))
})
