import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { diskFullLine, lastErrorLine, portTakenLine } from '../../../harness/os/log-tail.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function logOf(text: string): Promise<string> {
  const file = join(folder, 'node.log')
  await writeFile(file, text)
  return file
}

test('the last line that calls itself an error says why', async () => {
  const log = await logOf('LOG: ready\nFATAL:  could not bind\nPANIC:  gone\nLOG: shut down\n\n')
  expect(await lastErrorLine(log)).toBe('PANIC:  gone')
})

test.each([
  [
    'node:internal/errors:540\n      throw error;\n\nTypeError [ERR_UNKNOWN]: no such kind\n    at new NodeError (node:internal/errors:405:5) {\n  code: "ERR_UNKNOWN"\n}\n\nNode.js v20.20.2\n',
    'TypeError [ERR_UNKNOWN]: no such kind',
  ],
  [
    'Traceback (most recent call last):\nModuleNotFoundError: No module named "uvicorn"\nexited\n',
    'ModuleNotFoundError: No module named "uvicorn"',
  ],
  [
    'java.io.IOException: Broken pipe\n\tat a.ErrorHandler.run(ErrorHandler.java:7)\n',
    'java.io.IOException: Broken pipe',
  ],
])('of a program that died of %j it is what was thrown', async (log, said) => {
  expect(await lastErrorLine(await logOf(log))).toBe(said)
})

test('where none does it is the last line, where there is no log it is nothing', async () => {
  expect(await lastErrorLine(await logOf('first\nlast\n'))).toBe('last')
  expect(await lastErrorLine(await logOf(''))).toBeUndefined()
  expect(await lastErrorLine(join(folder, 'none.log'))).toBeUndefined()
})

test('of a long chain of causes the end is kept', async () => {
  const said = await lastErrorLine(await logOf(`Error: ${'failed: '.repeat(100)}version mismatch\n`))
  expect(said).toMatch(/^\.\.\..*version mismatch$/)
  expect(said!.length).toBeLessThan(410)
})

test('a full disk is found wherever the log mentions it last', async () => {
  expect(await diskFullLine(await logOf('ERROR: could not extend: No space left on device\nLOG: ready\n'))).toBe(
    'ERROR: could not extend: No space left on device',
  )
  expect(await diskFullLine(await logOf('ERROR: other\n'))).toBeUndefined()
  expect(await diskFullLine(join(folder, 'none.log'))).toBeUndefined()
  const longAgo = `PANIC: No space left on device\n${'LOG: as ever\n'.repeat(5000)}`
  expect(await diskFullLine(await logOf(longAgo))).toBe('PANIC: No space left on device')
})

test.each([
  '{"error":"Error: listen EADDRINUSE: address already in use 127.0.0.1:40001"}',
  'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use',
  '# Warning: Could not create server TCP listening socket 127.0.0.1:40001: bind: Address already in use',
  "Failed: [http-ingress-server] failed binding to address '127.0.0.1:40001': Address in use (os error 98)",
  'error: listen tcp 127.0.0.1:40001: bind: address already in use',
])('that a port is taken is understood in every tongue: %s', async (line) => {
  expect(await portTakenLine(await logOf(`LOG: starting\n${line}\nLOG: shut down\n`))).toBe(line)
  expect(await portTakenLine(await logOf('LOG: starting\n'))).toBeUndefined()
})
