import { expect, test } from 'vitest'
import { manifest, testedVersion } from '../../../harness/core/own-package.ts'
import { installCommand, packageVersion, whyNoPackages } from '../../../servers/_kit/npm.ts'

test('names what npm did not install, each once and in the order asked for, and the command', () => {
  const names = ['@no/such-sdk', 'undici', 'no-such-queue', '@no/such-sdk', 'zod']
  expect(whyNoPackages(names)).toBe('it needs @no/such-sdk, no-such-queue: npm ci')
})

test('names a package that is there at another version than the one with which we are tested', () => {
  // It comes with a package that we use, and is none of ours.
  const version = packageVersion('pg-protocol')
  expect(whyNoPackages(['pg-protocol'])).toBe(`it needs pg-protocol instead of pg-protocol ${version}: npm ci`)
})

test('names nothing where all is there, or nothing is asked for', () => {
  expect(whyNoPackages(['undici', 'pg', 'bullmq'])).toBeUndefined()
  expect(whyNoPackages([])).toBeUndefined()
})

test('in a checkout npm has a lockfile', () => {
  expect(installCommand(['pg'])).toBe('npm ci')
  expect(installCommand(['pg'], 'npm run platform')).toBe('npm run platform')
})

test('every engine that a project has to ask for is in both lists: what we are tested with, and what npm must let us find', () => {
  const { peerDependencies, peerDependenciesMeta } = manifest
  expect(Object.keys(peerDependenciesMeta)).toEqual(Object.keys(peerDependencies))
  for (const name of Object.keys(peerDependencies)) expect(testedVersion(name), name).toMatch(/^\d/)
})
