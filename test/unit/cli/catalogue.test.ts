import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { cataloguePage, longListing, sections, type SectionName } from '../../../harness/cli/catalogue/catalogue.ts'
import { faults } from '../../../harness/cli/catalogue/faults.ts'
import { openRegistry } from '../../../harness/registry.ts'

const registry = openRegistry()

test('docs/catalogue.md is what is installed; `npm run schema` writes it', async () => {
  const page = await readFile(new URL('../../../docs/catalogue.md', import.meta.url), 'utf8')
  expect(page).toBe(await cataloguePage(registry))
})

test('a fault says all of its parameters: unit, default, range, and what they mean', async () => {
  const entries = new Map((await faults.entries(registry)).map((entry) => [entry.name, entry]))
  expect(entries.get('latency')!.params).toEqual([
    {
      name: 'delay',
      unit: 'duration',
      usual: 'must be written',
      range: 'more than 0ms, at most 8760h',
      about: 'Added to every chunk of data',
    },
    {
      name: 'jitter',
      unit: 'duration',
      usual: '0ms',
      range: 'at least 0ms, at most 8760h',
      about: 'Varies the delay uniformly by this much, up and down',
    },
    { name: 'direction', unit: 'word', usual: 'response', range: 'request, response', about: 'Which way is slow' },
    {
      name: 'probability',
      unit: 'share',
      usual: '1',
      range: 'more than 0, at most 1',
      about: 'Share of connections that are slow',
    },
  ])
  expect(entries.get('edge')!.params![1]).toMatchObject({ name: 'buffering', unit: 'true or false', usual: 'false' })
  expect(entries.get('callback-duplicate')!.params![0]).toMatchObject({
    name: 'copies',
    unit: 'count',
    range: 'at least 1, at most 100',
  })
})

test('a fault says where it acts, what it needs and who offers that, and what proves it', async () => {
  const entries = new Map((await faults.entries(registry)).map((entry) => [entry.name, new Map(entry.facts)]))
  expect(entries.get('drop')!.get('needs')).toBe('packet-filter: docker')
  expect(entries.get('kill')!.get('needs')).toBe('kill: docker, process')
  expect(entries.get('kill')!.get('for')).toBe('restartDelay unless written')
  expect(entries.get('rolling-deploy')!.get('for')).toBe('must be written: how long it may take')
  expect(entries.get('receiver-down')!.get('target')).toBe('sender->receiver unless written')
  expect(entries.get('latency')!.get('does')).toMatch(/^all moves, and comes later/)
  for (const facts of entries.values()) expect(facts.get('proven')).toMatch(/^\S.{20,}/)
})

describe.each(Object.keys(sections) as SectionName[])('list %s --long', (name) => {
  test('has an entry for each, with a summary, and fits a screen of 60 columns', async () => {
    const entries = await sections[name].entries(registry)
    expect(entries.length).toBeGreaterThan(1)
    expect(entries.filter(({ summary }) => summary === '')).toEqual([])
    const text = await longListing(name, registry, 60)
    for (const entry of entries) expect(text).toContain(`\n${entry.name}\n`)
    // A word that is longer than the line, as a list of names is not, stays whole.
    const wide = text.split('\n').filter((line) => line.length > 60 && line.trim().includes(' '))
    expect(wide).toEqual([])
    expect(text).not.toMatch(/undefined|NaN|\[object/)
  })
})
