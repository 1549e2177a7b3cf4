import { describe, expect, it } from 'vitest'
import { readIngredients } from '../../../harness/runtimes/docker/images/ingredients.ts'
import {
  baseReference,
  imageNames,
  imageReferences,
  type Ingredients,
  toxiproxyVersion,
} from '../../../harness/runtimes/docker/images/references.ts'

const pin = (name: string): string => `docker.io/library/${name}:1.2.3@sha256:${'0'.repeat(64)}`
const ingredients: Ingredients = {
  pins: {
    debian: pin('debian'),
    postgres: pin('postgres'),
    redis: pin('redis'),
    toxiproxy: pin('toxiproxy'),
    restate: pin('restate'),
    nginx: pin('nginx'),
  },
  recipes: {
    base: 'b',
    node: 'n',
    router: 'r',
    postgres: 'p',
    redis: 'd',
    toxiproxy: 't',
    restate: 'e',
    nginx: 'x',
    temporal: 'l',
    'temporal-dev': 'v',
  },
  versions: { node: '24.0.0', postgres: '18.4.0', restate: '1.7.12', temporal: '1.31.2', 'temporal-dev': '1.5.1' },
  program: ['patterns/serve.ts', 'serve()', 'node_modules/hono@4.0.0'],
}

/** Names of the images whose reference differs. */
function changed(other: Ingredients, source: 'registry' | 'offline'): string[] {
  const [before, after] = [imageReferences(ingredients, source), imageReferences(other, source)]
  return imageNames.filter((name) => before[name] !== after[name])
}

describe('references of images', () => {
  it('are the pins of the official images where a registry answers, and hashes for what we build', () => {
    const { node, router, temporal, 'temporal-dev': dev, ...official } = imageReferences(ingredients, 'registry')
    const { debian: _, ...pins } = ingredients.pins
    expect(official).toEqual(pins)
    for (const reference of [node, router, temporal, dev]) expect(reference).toMatch(/^outlast\/[a-z-]+:[0-9a-f]{12}$/)
  })

  it('are all different hashes offline', () => {
    const references = Object.values(imageReferences(ingredients, 'offline'))
    for (const reference of references) expect(reference).toMatch(/^outlast\/[a-z-]+:[0-9a-f]{12}$/)
    expect(new Set(references).size).toBe(imageNames.length)
  })

  it.each([
    ['a file of the nodes', { program: ['patterns/serve.ts', 'serve(1)', 'node_modules/hono@4.0.0'] }, ['node']],
    ['a package of the nodes', { program: ['patterns/serve.ts', 'serve()', 'node_modules/hono@4.0.1'] }, ['node']],
    ['another Node', { versions: { ...ingredients.versions, node: '24.0.1' } }, ['node']],
    ['another Restate', { versions: { ...ingredients.versions, restate: '1.8.0' } }, ['restate']],
    ['another Temporal', { versions: { ...ingredients.versions, temporal: '1.32.0' } }, ['temporal']],
    ['another CLI', { versions: { ...ingredients.versions, 'temporal-dev': '1.6.0' } }, ['temporal-dev']],
    ['a Dockerfile', { recipes: { ...ingredients.recipes, router: 'R' } }, ['router']],
    ['another base', { recipes: { ...ingredients.recipes, base: 'B' } }, imageNames.filter((n) => n !== 'toxiproxy')],
  ])('change with %s, and no others do', (_, change, expected) => {
    expect(changed({ ...ingredients, ...change }, 'offline')).toEqual(expected)
  })

  it('change with the official base when ours are built on it', () => {
    const other = { ...ingredients, pins: { ...ingredients.pins, debian: pin('debian').replaceAll('0', '1') } }
    expect(changed(other, 'registry')).toEqual(['node', 'router', 'temporal', 'temporal-dev'])
    expect(baseReference(other, 'registry')).toBe(other.pins.debian)
  })

  it('do not depend on where one text ends and the next begins', () => {
    expect(
      changed({ ...ingredients, program: ['patterns/serve.tss', 'erve()', 'node_modules/hono@4.0.0'] }, 'offline'),
    ).toEqual(['node'])
  })
})

describe('pinned images', () => {
  const { pins, versions } = readIngredients()
  it.each(Object.entries(pins))('%s has a full name, an exact version and a digest', (_, reference) => {
    expect(reference).toMatch(/^[a-z]+(\.[a-z]+)+\/[a-z]+\/[a-z]+:[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}$/)
  })

  it('are the versions that are built where they cannot be pulled', () => {
    expect(pins.restate).toContain(`:${versions.restate}@`)
    expect(versions.postgres).toContain(`${/:(.*)@/.exec(pins.postgres)![1]}.`)
    expect(toxiproxyVersion(pins)).toMatch(/^\d+\.\d+\.\d+$/)
  })
})
