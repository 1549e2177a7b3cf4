import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import { loadScenario } from '../../../harness/scenario/load.ts'
import { catalog, scenarioText } from './catalog.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlast-plan-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function refusal(name: string, contents?: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  if (contents !== undefined) await writeFile(path, contents)
  const error = await loadScenario(path, catalog).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(UsageError)
  return (error as UsageError).message.replace(path, name)
}

test('a file that is there and right is loaded', async () => {
  const path = join(folder, 'right.yaml')
  await writeFile(path, `\uFEFF${scenarioText()}`)
  expect(await loadScenario(path, catalog)).toMatchObject({ scenario: { name: 'it' } })
})
test('a missing file', async () => {
  expect(await refusal('missing.yaml')).toBe('missing.yaml: there is no such file')
})
test('a path through a file', async () => {
  await writeFile(join(folder, 'file'), '')
  expect(await refusal('file/x.yaml')).toMatch(/^file\/x\.yaml: .*ENOTDIR/)
})
test('a directory', async () => {
  expect(await refusal('.')).toMatch(/: is a folder, not a regular file$/)
})
test('a binary file', async () => {
  expect(await refusal('a.yaml', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff]))).toBe(
    'a.yaml:1:1: from here on this is no UTF-8 (byte 0); write UTF-8',
  )
})
test('a text with a NUL', async () => {
  expect(await refusal('b.yaml', 'name: a\0b')).toBe('b.yaml:1:8: a NUL: this is no text (byte 7); write UTF-8')
})
test('a file that is no UTF-8 is told where', async () => {
  const good = 'name: it\nquestion: "déjà '
  const bytes = Buffer.concat([Buffer.from(good), Buffer.from([0xc3, 0x28]), Buffer.from(' vu"\n')])
  const at = Buffer.byteLength(good)
  expect(await refusal('latin.yaml', bytes)).toBe(
    `latin.yaml:2:17: from here on this is no UTF-8 (byte ${at}); write UTF-8`,
  )
})
test('a file whose last character is cut', async () => {
  expect(await refusal('cut.yaml', Buffer.from([0x61, 0x0a, 0xe2, 0x82]))).toMatch(
    /^cut\.yaml:2:1: from here on .*\(byte 2\)/,
  )
})
test('UTF-16', async () => {
  expect(await refusal('utf16.yaml', Buffer.from('\uFEFFname: it', 'utf16le'))).toMatch(
    /^utf16\.yaml:1:1: this is UTF-16/,
  )
})
test.each([
  ['a text', 'root:x:0:0:SECRET:/root:/bin/bash\ndaemon:x:1:1\n'],
  ['a map', 'password: SECRET\nname: SECRET\n'],
  ['a list', '- SECRET\n'],
  ['a profile, nearly', 'name: SECRET\nabout: x\nfaults: [{ fault: SECRET, at: SECRET }]\nSECRET: 1\n'],
  ['a number without its unit', 'name: mine\nabout: x\nfaults: [{ fault: kill, every: 5319008, id: SECRET }]\n'],
  ['a broken text', 'SECRET: [SECRET\n'],
  ['a text with tags', 'a: !SECRET 1\n'],
  ['an alias', 'a: *SECRET\n'],
  ['bytes', Buffer.from([0x53, 0x45, 0x43, 0x52, 0x45, 0x54, 0xff])],
])('what an include reads is nobody’s to print: %s', async (_, contents) => {
  await writeFile(join(folder, 'mine.yaml'), contents)
  const told = await refusal('including.yaml', scenarioText({ arms: 'a: [{ include: ./mine.yaml }]' }))
  expect(told).toMatch(/mine\.yaml:\d+:\d+: /)
  expect(told).not.toMatch(/SECRET|5319008|root/)
})
test('a file of 10 MB is refused before it is read', async () => {
  expect(await refusal('big.yaml', '#'.repeat(10_000_000))).toBe(
    'big.yaml: has 10000000 bytes; at most 1000000 are read',
  )
})
test('an empty file', async () => {
  expect(await refusal('empty.yaml', '')).toMatch(/^empty\.yaml:1:1: is empty; /)
})
test('a wrong line is named with its place', async () => {
  expect(await refusal('wrong.yaml', scenarioText({ tail: 'grace: 5' }))).toMatch(
    /^wrong\.yaml:7:8: grace: 5 has no unit; /,
  )
})
