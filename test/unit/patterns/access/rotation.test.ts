import { readFileSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { isCaller } from '../../../../patterns/contract/server/caller.ts'
import { KeyFile } from '../../../../patterns/contract/server/key-file.ts'
import { clockToleranceS, openTokens, type ReadToken } from '../../../../patterns/contract/server/tokens.ts'
import { epoch, openIssuer, type TestIssuer } from '../../../support/issuer.ts'
import { execFileSync } from '../../../support/programs.ts'

let issuer: TestIssuer
let nowMs: number
let read: ReadToken
let log: ReturnType<typeof vi.spyOn>
beforeEach(async () => {
  issuer = await openIssuer()
  issuer.publish('ed')
  nowMs = 0
  const keys = new KeyFile(issuer.settings.jwksFile, 'api-0', () => nowMs)
  read = openTokens(keys, issuer.settings)
  log = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterEach(() => {
  log.mockRestore()
  vi.useRealTimers()
  issuer[Symbol.dispose]()
})

const tokenBy = (by: string): Promise<string> => {
  const { issuer: iss, audience: aud } = issuer.settings
  return issuer.sign({ iss, aud, sub: 'ann', scope: 'tasks:read', exp: epoch(600) }, { by })
}
const isTaken = async (token: string): Promise<boolean> => isCaller(await read(token))

test('a key that was taken out counts no more after a second, also for a token that was seen before', async () => {
  const token = await tokenBy('ed')
  expect(await isTaken(token)).toBe(true)
  issuer.publish('next')
  nowMs = 999
  expect(await isTaken(token)).toBe(true)
  nowMs = 1000
  expect(await isTaken(token)).toBe(false)
  expect(await isTaken(await tokenBy('next'))).toBe(true)
})

test('a key that was added is found at once, and looked for once a second', async () => {
  nowMs = 5000
  expect(await isTaken(await tokenBy('ed'))).toBe(true)
  issuer.publish('ed', 'next')
  nowMs = 5001
  expect(await isTaken(await tokenBy('next'))).toBe(true)
  issuer.publish('ed', 'next', 'forger')
  nowMs = 5002
  expect(await isTaken(await tokenBy('forger'))).toBe(false)
  nowMs = 6001
  expect(await isTaken(await tokenBy('forger'))).toBe(true)
})

test('an added key is found where the file system tells of no change', async () => {
  const { jwksFile } = issuer.settings
  const publishUnseen = (kid: string): void => {
    issuer.publish(kid)
    writeFileSync(jwksFile, readFileSync(jwksFile, 'utf8').padEnd(4000))
    utimesSync(jwksFile, 1_000, 1_000)
  }
  publishUnseen('ed')
  const keys = new KeyFile(jwksFile, 'api-0', () => nowMs)
  publishUnseen('next')
  nowMs = 1000
  expect(keys.current().keys.map(({ kid }) => kid)).toEqual(['ed'])
  expect(keys.having('next').keys.map(({ kid }) => kid)).toEqual(['next'])
})

test('a token that was checked while its key went is not remembered', async () => {
  const [token, other] = [await tokenBy('ed'), await tokenBy('next')]
  const { verify } = crypto.subtle
  let others: Promise<boolean> | undefined
  const checking = vi.spyOn(crypto.subtle, 'verify').mockImplementationOnce(async (...asked) => {
    issuer.publish('next')
    nowMs = 1000
    others = isTaken(other)
    await others
    return verify.apply(crypto.subtle, asked)
  })
  expect(await isTaken(token)).toBe(true)
  checking.mockRestore()
  expect(await others).toBe(true)
  expect(await isTaken(token)).toBe(false)
})

test.each(['', '{', '{"keys":[]}'])(
  'a file that says "%s" for a moment changes nothing, and the log says so',
  async (text) => {
    const token = await tokenBy('ed')
    writeFileSync(issuer.settings.jwksFile, text)
    nowMs = 1000
    expect(await isTaken(token)).toBe(true)
    expect(log.mock.calls.join()).toContain('OUTLAST_JWKS_FILE')
    issuer.publish('next')
    nowMs = 2000
    expect(await isTaken(token)).toBe(false)
  },
)

test('a file that is away for a moment changes nothing', async () => {
  unlinkSync(issuer.settings.jwksFile)
  nowMs = 1000
  expect(await isTaken(await tokenBy('ed'))).toBe(true)
})

test('a token that was right ends all the same', async () => {
  const token = await tokenBy('ed')
  expect(await isTaken(token)).toBe(true)
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { exp: number }
  const endsAt = (exp + clockToleranceS) * 1000
  vi.useFakeTimers({ now: endsAt - 1, toFake: ['Date'] })
  expect(await isTaken(token)).toBe(true)
  vi.setSystemTime(endsAt)
  expect(await isTaken(token)).toBe(false)
})

test.each([
  ['no JSON', '{', 'JSON'],
  ['no keys', '{"keys":[]}', 'keys'],
  ['a key without a kid', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}', 'kid'],
  ['a private key', '{"keys":[{"kid":"a","kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}', 'secret'],
  ['a shared secret', '{"keys":[{"kid":"a","kty":"oct","k":"AA"}]}', 'secret'],
  ['two keys of one kid', '{"keys":[{"kid":"a","kty":"AKP"},{"kid":"a","kty":"AKP"}]}', 'two keys of one kid'],
  ['a key without its numbers', '{"keys":[{"kid":"a","kty":"OKP","crv":"Ed25519"}]}', 'no key'],
  ['a short RSA key', `{"keys":[{"kid":"a","kty":"RSA","e":"AQAB","n":"${'q'.repeat(171)}"}]}`, '2048'],
])('no node starts with %s in its file', (_, text, said) => {
  writeFileSync(issuer.settings.jwksFile, text)
  expect(() => new KeyFile(issuer.settings.jwksFile, 'api-0')).toThrow(new RegExp(`OUTLAST_JWKS_FILE.*${said}`, 's'))
})

test('no node starts with a pipe, a device or a huge file as its file, and none waits for one', () => {
  const file = `${issuer.settings.jwksFile}.odd`
  execFileSync('mkfifo', [file])
  expect(() => new KeyFile(file, 'api-0')).toThrow(/OUTLAST_JWKS_FILE.*no regular file/)
  unlinkSync(file)
  expect(() => new KeyFile('/dev/zero', 'api-0')).toThrow(/OUTLAST_JWKS_FILE.*no regular file/)
  writeFileSync(file, `{"keys":[${' '.repeat(2_000_000)}]}`)
  expect(() => new KeyFile(file, 'api-0')).toThrow(/OUTLAST_JWKS_FILE.*has more than/)
})

test('a pipe in the place of the file stops no node that runs, and changes nothing', async () => {
  unlinkSync(issuer.settings.jwksFile)
  execFileSync('mkfifo', [issuer.settings.jwksFile])
  nowMs = 1000
  expect(await isTaken(await tokenBy('ed'))).toBe(true)
})

test('no node starts without its file', () => {
  expect(() => new KeyFile('/none/jwks.json', 'api-0')).toThrow(/OUTLAST_JWKS_FILE.*ENOENT/)
})
