import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root } from '../support/outlast.ts'
import { spawnSync } from '../support/programs.ts'

const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.0.0'}})`
const carrier = `node-${process.platform}-${process.arch}`
let checkout: string

/** A checkout in which npm has installed nothing. */
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'test-of-outlast-'))
  for (const path of ['bin', 'package.json', 'package-lock.json'])
    cpSync(join(root, path), join(checkout, path), { recursive: true })
})
afterEach(() => rmSync(checkout, { recursive: true }))

function start() {
  const { status, stderr } = spawnSync(process.execPath, [
    '--import',
    old,
    join(checkout, 'bin/outlast.js'),
    '--version',
  ])
  return { status, said: stderr.toString() }
}

function bring(make: (path: string) => void): void {
  const path = join(checkout, 'node_modules', carrier, 'bin/node')
  mkdirSync(dirname(path), { recursive: true })
  make(path)
}

test.skipIf(process.platform !== 'linux')('an old Node without a new one beside it says what brings one', () => {
  expect(start()).toEqual({
    status: 3,
    said: expect.stringContaining(`the package ${carrier}, which is one, is missing`),
  })
  expect(start().said).toMatch(/"npm run platform" installs it, or install Node from nodejs\.org\n$/)
})

test.skipIf(process.platform !== 'linux')('one that does not run here is said to be so', () => {
  bring((path) => (writeFileSync(path, 'not a program'), chmodSync(path, 0o644)))
  expect(start()).toEqual({
    status: 3,
    said: expect.stringMatching(/bin\/node does not run here: install Node from nodejs\.org/),
  })
})

test('a new one is handed over to: what it says next is its own business', () => {
  bring((path) => symlinkSync(process.execPath, path))
  // It is new enough, and finds no program in this checkout.
  expect(start().said).toMatch(/^outlast failed, which says nothing about the systems under test: .*Cannot find module/)
})
