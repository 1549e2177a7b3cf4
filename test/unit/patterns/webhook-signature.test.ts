import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { describe, expect, test } from 'vitest'
import {
  endpointKey,
  readSigningKey,
  readVerifyingKey,
  type WebhookKey,
} from '../../../patterns/deliveries/webhook-retry/keys.ts'
import { signMessage, verifyMessage } from '../../../patterns/deliveries/webhook-retry/signature.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const otherSecret = `whsec_${randomBytes(24).toString('base64')}`
const shared = readSigningKey(secret)
const nowS = Math.floor(Date.now() / 1000)
const message = {
  id: 'evt_task_1_6',
  timestampS: nowS,
  body: Buffer.from('{"type":"task.completed","text":"é 文 \\u0000"}'),
}

function pairOf(): { signing: WebhookKey; verifying: WebhookKey; seed: Buffer; raw: Buffer } {
  const { privateKey } = generateKeyPairSync('ed25519')
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  const signing = readSigningKey(`whsk_${seed.toString('base64')}`)
  return { signing, verifying: readVerifyingKey(`whpk_${raw.toString('base64')}`), seed, raw }
}

/** From the specification's own libraries: standard-webhooks/libraries, `webhook.test.ts` and `webhook_asymmetric_test.go`. */
describe('published vectors', () => {
  const vector = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestampS: 1614265330,
    body: Buffer.from('{"test": 2432232314}'),
  }

  test('v1', () => {
    const headers = signMessage(vector, [readSigningKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')])
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  test('v1a', () => {
    const headers = signMessage(vector, [readSigningKey('whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=')])
    expect(headers['webhook-signature']).toBe(
      'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==',
    )
  })
})

describe.each([
  ['standardwebhooks', StandardWebhook],
  ['svix', SvixWebhook],
])('%s', (_, Webhook) => {
  test('accepts what we sign', () => {
    const headers = signMessage(message, [shared])
    expect(() => new Webhook(secret).verify(message.body.toString(), headers)).not.toThrow()
    expect(() => new Webhook(otherSecret).verify(message.body.toString(), headers)).toThrow('No matching signature')
  })

  test('accepts what we sign with an old key, a new one and a pair', () => {
    const headers = signMessage(message, [pairOf().signing, shared, readSigningKey(otherSecret)])
    for (const known of [secret, otherSecret])
      expect(() => new Webhook(known).verify(message.body.toString(), headers)).not.toThrow()
  })

  test('signs what we accept', () => {
    const signature = new Webhook(secret).sign(message.id, new Date(nowS * 1000), message.body.toString())
    const headers = {
      'webhook-id': message.id,
      'webhook-timestamp': String(nowS),
      'webhook-signature': signature,
    }
    expect(verifyMessage(headers, message.body, [readVerifyingKey(secret)], nowS)).toBe(message.id)
  })
})

describe('a message', () => {
  const { signing, verifying } = pairOf()
  const headers = signMessage(message, [signing, shared])
  const verify = (changed: object, body = message.body, keys = [shared], at = nowS) =>
    verifyMessage({ ...headers, ...changed }, body, keys, at)

  test('is verified by either key, and by a receiver who knows the next one too', () => {
    expect(verify({}, message.body, [shared])).toBe(message.id)
    expect(verify({}, message.body, [verifying])).toBe(message.id)
    expect(verify({}, message.body, [readVerifyingKey(otherSecret), shared])).toBe(message.id)
    expect(() => verify({}, message.body, [pairOf().verifying, readVerifyingKey(otherSecret)])).toThrow('no key known')
    expect(() => verify({}, message.body, [])).toThrow('no key known')
  })

  test('may be five minutes old, or early, and no more', () => {
    for (const at of [nowS - 300, nowS + 300]) expect(verify({}, message.body, [shared], at)).toBe(message.id)
    for (const at of [nowS - 301, nowS + 301])
      expect(() => verify({}, message.body, [shared], at)).toThrow('not of now')
  })

  test('is signed byte by byte', () => {
    const body = Buffer.from([0xff, 0xfe, 0x00, 0x80])
    const raw = signMessage({ ...message, body }, [shared])
    expect(verifyMessage(raw, body, [shared], nowS)).toBe(message.id)
    // Decoded and encoded again, as a parser in between would: another message.
    expect(() => verifyMessage(raw, Buffer.from(body.toString()), [shared], nowS)).toThrow('no key known')
    expect(() => verify({}, Buffer.concat([message.body, Buffer.from(' ')]))).toThrow('no key known')
  })

  test.each([
    ['another id', { 'webhook-id': 'evt_task_2_6' }, 'no key known'],
    ['another time', { 'webhook-timestamp': String(nowS + 1) }, 'no key known'],
    ['no id', { 'webhook-id': undefined }, 'webhook-id is missing'],
    ['an id with a dot', { 'webhook-id': 'evt.1' }, 'webhook-id is malformed'],
    ['a time that only begins as a number', { 'webhook-timestamp': `${nowS}x` }, 'webhook-timestamp is malformed'],
    ['a time with a sign', { 'webhook-timestamp': `+${nowS}` }, 'webhook-timestamp is malformed'],
    ['two signature headers', { 'webhook-signature': ['v1,a', 'v1,b'] }, 'webhook-signature is malformed'],
    ['an empty signature', { 'webhook-signature': 'v1,' }, 'no key known'],
    [
      'a scheme that nobody knows',
      { 'webhook-signature': headers['webhook-signature']!.replaceAll('v1', 'v2') },
      'no key',
    ],
    ['more signatures than anybody needs', { 'webhook-signature': 'v1,AAAA '.repeat(16) + 'v1,AAAA' }, 'too long'],
  ])('with %s is forged', (_, changed, reason) => {
    expect(() => verify(changed)).toThrow(reason)
  })

  test('a signature of one scheme is none of another', () => {
    const asOther = headers['webhook-signature']!.split(' ')[0]!.replace('v1a,', 'v1,')
    expect(() => verify({ 'webhook-signature': asOther })).toThrow('no key known')
  })

  test('with a dot in its id is not signed', () => {
    expect(() => signMessage({ ...message, id: 'a.b' }, [shared])).toThrow(RangeError)
  })
})

describe('keys', () => {
  const { seed, raw } = pairOf()

  test.each([
    ['no prefix', randomBytes(32).toString('base64')],
    ['a short secret', `whsec_${randomBytes(23).toString('base64')}`],
    ['a long secret', `whsec_${randomBytes(65).toString('base64')}`],
    ['what is not base64', `whsec_${randomBytes(32).toString('base64').slice(1)}!`],
    ['a public key', `whpk_${raw.toString('base64')}`],
    ['halves of two pairs', `whsk_${Buffer.concat([seed, pairOf().raw]).toString('base64')}`],
  ])('%s is no signing key, and the error does not quote it', (_, text) => {
    expect(() => readSigningKey(text)).toThrow(RangeError)
    expect(() => readSigningKey(text)).not.toThrow(text.slice(8, 24))
  })

  test('a private key is none to verify with', () => {
    expect(() => readVerifyingKey(`whsk_${seed.toString('base64')}`)).toThrow(RangeError)
  })

  test('seed and public key in one are read as the seed', () => {
    const long = readSigningKey(`whsk_${Buffer.concat([seed, raw]).toString('base64')}`)
    const verifying = readVerifyingKey(`whpk_${raw.toString('base64')}`)
    expect(verifyMessage(signMessage(message, [long]), message.body, [verifying], nowS)).toBe(message.id)
  })

  test('the key follows from the token alone: no spelling of an address, and no proxy, changes it', () => {
    const headers = signMessage(message, [endpointKey('token-of-the-owner')])
    const verifyWith = (token: string) => () => verifyMessage(headers, message.body, [endpointKey(token)], nowS)
    expect(verifyWith('token-of-the-owner')()).toBe(message.id)
    expect(verifyWith('another-token')).toThrow('no key known')
  })
})

test('the names of the headers are known in any case, as of requests that no node:http has read', () => {
  const headers = Object.entries(signMessage(message, [shared]))
  const named = (change: (name: string) => string) =>
    Object.fromEntries(headers.map(([name, value]) => [change(name), value]))
  for (const change of [
    (name: string) => name.toUpperCase(),
    (name: string) => name.replace(/(^|-)[a-z]/g, (first) => first.toUpperCase()),
  ])
    expect(verifyMessage(named(change), message.body, [shared], nowS)).toBe(message.id)
  const twice = { ...named((name) => name), 'Webhook-Id': 'evt_task_2_6' }
  expect(() => verifyMessage(twice, message.body, [shared], nowS)).toThrow('webhook-id is malformed')
})
