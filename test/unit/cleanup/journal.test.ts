import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  announcedResources,
  type JournalEntry,
  openJournal,
  readJournal,
  unhealed,
} from '../../../harness/cleanup/journal.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))))
afterEach(() => rm(folder, { recursive: true }))

const fault = (name: string, cell = 'a'): JournalEntry => {
  return { kind: 'fault', cell, name, target: 'worker-0', until: '2026-04-13T14:05:00.000Z' }
}
const network: JournalEntry = { kind: 'network', name: 'outlast-1-a-net' }

test('a line is on the disk when its note resolves', async () => {
  await using journal = await openJournal(folder)
  await journal.note(network)
  expect(await readFile(join(folder, 'journal.ndjson'), 'utf8')).toBe(`${JSON.stringify(network)}\n`)
})

test('notes of several writers at once are all there, each whole, those of one in their order', async () => {
  await using one = await openJournal(folder)
  await using other = await openJournal(folder)
  const names = Array.from({ length: 200 }, (_, i) => `f#${i}`)
  await Promise.all(names.flatMap((name) => [one.note(fault(name, 'one')), other.note(fault(name, 'other'))]))
  const found = Map.groupBy(readJournal(folder), (entry) => ('cell' in entry ? entry.cell : ''))
  for (const cell of ['one', 'other']) expect(found.get(cell)!.map(({ name }) => name)).toEqual(names)
})

test('a line that was torn by the death of its writer is left out, and nothing else is', async () => {
  {
    await using journal = await openJournal(folder)
    await Promise.all([journal.note(network), journal.note(fault('kill#1'))])
  }
  await appendFile(join(folder, 'journal.ndjson'), '{"kind":"container","na')
  expect(readJournal(folder)).toEqual([network, fault('kill#1')])
})

test('where there is no journal there is nothing to undo', () => {
  expect(readJournal(join(folder, 'none'))).toEqual([])
})

test('a note that cannot be written rejects, and nothing may be made', async () => {
  const journal = await openJournal(folder)
  await journal[Symbol.asyncDispose]()
  await expect(journal.note(network)).rejects.toThrow(/EBADF|closed/)
})

test('faults are unhealed by cell and name; containers, networks and volumes are kept', () => {
  const entries = [network, fault('drop#1', 'a'), fault('drop#1', 'b'), { kind: 'healed', cell: 'a', name: 'drop#1' }]
  expect(unhealed(entries as JournalEntry[])).toEqual([fault('drop#1', 'b')])
  expect(announcedResources(entries as JournalEntry[])).toEqual([network])
})
