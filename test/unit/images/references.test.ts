import { describe, expect, it } from 'vitest'
import {
  baseReference,
  type Bases,
  readBases,
  readRecipes,
  type Recipe,
  referenceTo,
  type Source,
} from '../../../harness/runtimes/docker/images/recipes.ts'
import { servers } from '../../../servers/all.ts'

const pin = (name: string): string => `docker.io/library/${name}:1.2.3@sha256:${'0'.repeat(64)}`
const bases: Bases = { registry: pin('debian'), script: 'b' }
const recipe = (name: string, contents: readonly string[], isPinned = false): Recipe => ({
  name,
  folder: name,
  isRequired: true,
  isOnBase: name !== 'toxiproxy',
  contents: () => contents,
  ...(isPinned && { pin: pin(name) }),
})
const program = ['patterns/serve.ts', 'serve()', 'node_modules/hono@4.0.0']
const recipes: readonly Recipe[] = [
  recipe('node', ['n', '24.0.0', ...program]),
  recipe('router', ['r']),
  recipe('postgres', ['p', '18.4.0'], true),
  recipe('redis', ['d'], true),
  recipe('toxiproxy', ['t', '2.12.0'], true),
  recipe('restate', ['e', '1.7.12'], true),
  recipe('nginx', ['x'], true),
  recipe('temporal', ['l', '1.31.2']),
  recipe('temporal-dev', ['v', '1.5.1']),
]
const imageNames = recipes.map(({ name }) => name)

function references(of: readonly Recipe[], on: Bases, source: Source): readonly string[] {
  return of.map((one) => referenceTo(one, on, source))
}

/** Names of the images whose reference differs where these recipes have been changed, or the bases. */
function changed(source: Source, others: readonly Recipe[], on: Bases = bases): string[] {
  const all = recipes.map((one) => others.find(({ name }) => name === one.name) ?? one)
  const [before, after] = [references(recipes, bases, source), references(all, on, source)]
  return imageNames.filter((_, i) => before[i] !== after[i])
}

describe('references of images', () => {
  it('are the pins of the official images where a registry answers, and hashes for what we build', () => {
    for (const one of recipes) {
      const reference = referenceTo(one, bases, 'registry')
      if (one.pin === undefined) expect(reference).toMatch(/^outlast\/[a-z-]+:[0-9a-f]{12}$/)
      else expect(reference).toBe(one.pin)
    }
  })

  it('are all different hashes offline', () => {
    const all = references(recipes, bases, 'offline')
    for (const reference of all) expect(reference).toMatch(/^outlast\/[a-z-]+:[0-9a-f]{12}$/)
    expect(new Set(all).size).toBe(imageNames.length)
  })

  it.each([
    ['a file of the nodes', recipe('node', ['n', '24.0.0', 'patterns/serve.ts', 'serve(1)', program[2]!]), ['node']],
    [
      'a package of the nodes',
      recipe('node', ['n', '24.0.0', ...program.slice(0, 2), 'node_modules/hono@4.0.1']),
      ['node'],
    ],
    ['another Node', recipe('node', ['n', '24.0.1', ...program]), ['node']],
    ['another Restate', recipe('restate', ['e', '1.8.0']), ['restate']],
    ['another Temporal', recipe('temporal', ['l', '1.32.0']), ['temporal']],
    ['another CLI', recipe('temporal-dev', ['v', '1.6.0']), ['temporal-dev']],
    ['a Dockerfile', recipe('router', ['R']), ['router']],
  ])('change with %s, and no others do', (_, other, expected) => {
    expect(changed('offline', [other])).toEqual(expected)
  })

  it('change with another base, and no others do', () => {
    expect(changed('offline', [], { ...bases, script: 'B' })).toEqual(imageNames.filter((n) => n !== 'toxiproxy'))
  })

  it('change with the official base when ours are built on it', () => {
    const other = { ...bases, registry: pin('debian').replaceAll('0', '1') }
    expect(changed('registry', [], other)).toEqual(['node', 'router', 'temporal', 'temporal-dev'])
    expect(baseReference(other, 'registry')).toBe(other.registry)
  })

  it('do not depend on where one text ends and the next begins', () => {
    const other = recipe('node', ['n', '24.0.0', 'patterns/serve.tss', 'erve()', program[2]!])
    expect(changed('offline', [other])).toEqual(['node'])
  })
})

describe('pinned images', () => {
  const pins = readRecipes().flatMap(({ name, pin }) => (pin === undefined ? [] : [[name, pin] as const]))
  it.each([['debian', readBases().registry] as const, ...pins])(
    '%s has a full name, an exact version and a digest',
    (_, reference) => {
      expect(reference).toMatch(/^[a-z]+(\.[a-z]+)+\/[a-z]+\/[a-z]+:[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}$/)
    },
  )

  it('are the versions that are built where they cannot be pulled', () => {
    const image = (name: string) => servers.get(name)!.image!
    for (const name of ['restate', 'toxiproxy']) expect(image(name).pin).toContain(`:${image(name).versions!()[0]}@`)
    expect(image('postgres').versions!()[0]).toContain(`${/:(.*)@/.exec(image('postgres').pin!)![1]}.`)
  })
})
