import { expect, test } from 'vitest'
import { openRemote, type Remote } from '../../../harness/conform/remote.ts'

const remote = (secret: string): Remote => {
  const own = { url: 'http://127.0.0.1:9', token: undefined, timeScale: 30, type: 'agent', input: undefined }
  return { ...own, secret, signal: AbortSignal.abort(new Error('asked')) }
}

test.each(['nonsense', '', 'whsec_', 'whsec_@@@@', 'whsec_AAAA\n', 'AAAAAAAA', 'whsk_AAAA'])(
  'a secret that is none is a mistake of the user, and no forged signature: %j',
  async (secret) => {
    await expect(openRemote(remote(secret))).rejects.toThrow('OUTLAST_WEBHOOK_SECRET must be whsec_ and base64')
  },
)

test.each(['whsec_AAAA', 'whsec_AAA=', 'whsec_AA==', 'whsec_AAA', 'whsec_ab-_cd+/'])(
  'a secret is taken with padding or without it: %j',
  async (secret) => {
    await expect(openRemote(remote(secret))).rejects.toThrow('asked')
  },
)
