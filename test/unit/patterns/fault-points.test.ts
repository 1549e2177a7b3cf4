import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { faultPointsFrom, faultPointsIn } from '../../support/fault-points.ts'

const patterns = new URL('../../../patterns/', import.meta.url)

describe('fault points of the patterns', () => {
  const sources = globSync('**/*.ts', { cwd: patterns }).map((file) => readFileSync(new URL(file, patterns), 'utf8'))
  const points = sources.flatMap(faultPointsIn)

  it('are written as plain names, so that they can be read out of the sources', () => {
    const calls = sources
      .filter((source) => !source.includes('export function faultPoint'))
      .flatMap((source) => [...source.matchAll(/\b(?:faultPoint|withFaultPoints)\((.)/g)])
    expect(calls.length).toBeGreaterThan(20)
    expect(calls.filter(([, first]) => first !== "'")).toEqual([])
  })

  it('come in pairs, before and after, and each only once', () => {
    const names = points.map((point) => point.replace(/\.(before|after)$/, ''))
    expect(points.toSorted()).toEqual(
      [...new Set(names)].flatMap((name) => [`${name}.after`, `${name}.before`]).toSorted(),
    )
  })

  it('are found through what a module imports, types left out', () => {
    const sse = faultPointsFrom(new URL('deliveries/sse-polling/server.ts', patterns))
    expect(sse).toEqual(['api.answer.after', 'api.answer.before', 'sse.frame.after', 'sse.frame.before'])
    expect(faultPointsFrom(new URL('contract/server/plugins.ts', patterns))).toEqual([])
  })
})
