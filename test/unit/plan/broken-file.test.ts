import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import { loadScenario } from '../../../harness/plan/load.ts'
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
    'a.yaml: is not a text file; write YAML in UTF-8',
  )
})
test('a text with a NUL', async () => {
  expect(await refusal('b.yaml', 'name: a\0b')).toBe('b.yaml: is not a text file; write YAML in UTF-8')
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
