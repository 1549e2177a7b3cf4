import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadCases } from '../../../harness/conform/suite.ts'

const page = readFileSync(new URL('../../../docs/contract.md', import.meta.url), 'utf8')
const anchors = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title!.toLowerCase().replaceAll(' ', '-'))
const standards =
  /^(?:RFC \d{4}(?: .+)?|WHATWG HTML 9\.2(?:\.\d)?|Standard Webhooks 1\.0\.0|draft-ietf-httpapi-idempotency-key-header-07)$/

test.each(await loadCases())('the source of $id can be read', ({ source }) => {
  const parts = source.split('; ')
  for (const part of parts) {
    const [file, anchor] = part.split('#')
    if (file === 'docs/contract.md') expect(anchors).toContain(anchor)
    else expect(part).toMatch(standards)
  }
  expect(parts.some((part) => part.startsWith('docs/contract.md#'))).toBe(true)
})

test('every section of the contract that a service can break is the source of a case', async () => {
  const cited = new Set(
    (await loadCases()).flatMap(({ source }) => [...source.matchAll(/#([\w-]+)/g)].map(([, name]) => name!)),
  )
  expect(anchors.filter((anchor) => !cited.has(anchor))).toEqual(['in-front-of-a-service'])
})
